"""The steps of a set-up session: an overview, the domains, and the admin pages that are lent."""

from dataclasses import replace

from flask import abort, render_template, request
from werkzeug.wrappers import Response

from admin import clients, connections, domains, trial_runs
from admin.access import actor, is_submitted, scope
from admin.domain import check_now
from admin.frame_pages import Form, Option
from admin.framing import done, frame, tenant_path
from admin.overview import step_line
from admin.overview_pages import StepLine
from admin.proof_words import proof_box
from admin.setup_access import blueprint, lend, step
from admin.setup_pages import SetupDomainPage, SetupPage
from portal.core.changes import Item, Kind, Value
from portal.flows.changes.tenant_edits import NotAllowed, Overtaken, seen_text
from portal.flows.editing.checklist import Point, Step, checklist
from portal.flows.editing.client_edits import switch_connection
from portal.flows.editing.setup_rules import May, may_lead
from portal.flows.rollout.enforcement import set_way
from portal.store.tenant_items import domain_item, read_item
from portal.web.context import services
from portal.web.pages import Tone

_CONNECTED = "There is a connection."
_DOMAIN_PAGES = (May.DOMAINS, May.OPTIONAL)
_ORDER = {
    Step.CLAIM: May.DOMAINS,
    Step.PROVE: May.DOMAINS,
    Step.CONNECT: May.CONNECTION,
    Step.TEST: May.CONNECTION,
    Step.LEAD: May.OPTIONAL,
}

lend("/domains", domains.domains, *_DOMAIN_PAGES, form=False)
lend("/domains/new", domains.claim_domain, May.DOMAINS)
lend("/connections", connections.connections, May.CONNECTION, form=False)
lend("/connections/new", connections.new_connection, May.CONNECTION)
lend(
    "/connections/<connection>",
    connections.connection,
    May.CONNECTION,
    does=frozenset({"save", "test"}),
)
lend("/connections/<connection>/tests/<reference>", trial_runs.trial, May.CONNECTION, form=False)
lend("/clients/new", clients.new_client, May.CONNECTION)
lend("/clients/<client>", clients.client, May.CONNECTION)


def step_lines() -> tuple[StepLine, ...]:
    """Give the steps that the link allows, each with its next action."""
    at = scope()
    assert at.guest is not None, "only a set-up session asks"
    found = checklist(services(), at.ref)
    points = {point.step: point for point in found.points}
    points[Step.CONNECT] = Point(Step.CONNECT, found.progress.connections > 0)
    points[Step.TEST] = replace(points[Step.TEST], about=_newest())
    mine = [points[name] for name, may in _ORDER.items() if may in at.guest.may]
    first = next((point for point in mine if not point.is_done), None)
    lines = [step_line(point, is_next=point == first) for point in mine]
    return tuple(
        replace(line, text=_CONNECTED) if point.step is Step.CONNECT and point.is_done else line
        for point, line in zip(mine, lines, strict=True)
    )


def _newest() -> str:
    """Name the connection that was added last: a set-up session's own are off, and tested so."""
    bundle = scope().bundle
    ways = sorted(bundle.connections.items()) if bundle else []
    return ways[-1][1].slug if ways else ""


@blueprint.get("/")
@step()
def setup_overview() -> str:
    """Show what is to be done, one step after the other."""
    lines = step_lines()
    page = SetupPage(frame=frame("overview"), steps=lines, done=sum(one.is_done for one in lines))
    return render_template("setup/overview.html", page=page)


@blueprint.route("/domains/<name>", methods=["GET", "POST"])
@step(*_DOMAIN_PAGES, does=frozenset({"check", "lead"}))
def setup_domain(name: str) -> Response | str:
    """Show a domain's record; check it now; lead it to a connection, where the link allows it."""
    current, may = _current(name), _may()
    if not is_submitted():
        return _page(current)
    if request.form.get("do") == "check" and May.DOMAINS in may:
        return check_now(name)
    if request.form.get("do") != "lead" or May.OPTIONAL not in may:
        abort(404)
    return _lead(current)


def _may() -> frozenset[May]:
    guest = scope().guest
    return guest.may if guest else frozenset()


def _current(name: str) -> Item:
    with services().database.read() as connection:
        found = domain_item(connection, scope().ref, name)
    if found is None:
        abort(404)
    return found


def _lead(current: Item) -> Response:
    """Lead a proven domain to a tested connection, beside passwords."""
    key = request.form.get("connection", "")
    path = tenant_path("domains", current.key)
    if key not in {option.value for option in _ways()}:
        return done(path, "Choose one of the connections.", tone=Tone.ERROR)
    fields: dict[str, Value] = {"policy": "optional", "connections": (key,)}
    wanted = Item(Kind.DOMAIN, current.tenant, current.key, fields)
    outcome = set_way(services(), actor(), wanted, seen=seen_text(current))
    if isinstance(outcome, NotAllowed):
        return done(path, outcome.why, tone=Tone.ERROR)
    if isinstance(outcome, Overtaken):
        return done(path, "Somebody has changed this domain just now.", tone=Tone.WARNING)
    _switch_on(key)
    return done(path, "Single sign-on is on for this domain. Passwords go on working beside it.")


def _switch_on(key: str) -> None:
    """Switch a connection on to which a domain leads now; one that is on already stays so."""
    with services().database.read() as connection:
        way = read_item(connection, scope().ref, Kind.CONNECTION, key)
    if way is not None and not way.fields["enabled"]:
        switch_connection(services(), actor(), way, on=True)


def _ways() -> tuple[Option, ...]:
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    return tuple(Option(w.slug, w.name) for w in bundle.connections.values() if w.client)


def _page(current: Item) -> str:
    shown, plain = domains.names(current.key)
    verified, may = bool(current.fields["verified"]), _may()
    ways = _ways() if May.OPTIONAL in may and may_lead(current) else ()
    page = SetupDomainPage(
        frame=frame("domains"),
        name=shown,
        ascii=plain,
        verified=verified,
        policy=str(current.fields["policy"]),
        proof=None if verified or May.DOMAINS not in may else proof_box(current.key),
        form=Form({"connection": ways[-1].value if ways else ""}),
        connections=ways,
        later=_later(current),
    )
    return render_template("setup/domain.html", page=page)


def _later(current: Item) -> str:
    """Say how the way of the domain is chosen, where it cannot be here."""
    guest = scope().guest
    assert guest is not None, "only a set-up session comes here"
    if not current.fields["verified"]:
        return "How its people sign in is chosen once it is proven."
    if not may_lead(current):
        return f"How its people sign in is chosen already. {guest.link.made_by} can change it."
    if May.OPTIONAL in guest.may:
        return "Add a connection first: then it can be chosen here."
    return f"Nothing has changed for its people. {guest.link.made_by} chooses how they sign in."

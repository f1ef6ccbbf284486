"""One domain: proof, how its people sign in, undo, removal."""

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.domain_pages import DomainPage, RemoveDomainPage
from admin.domain_way import (
    POLICIES,
    ask_to_require,
    checked_item,
    current_domain,
    undo_item,
    undo_words,
    way_form,
)
from admin.domains import names
from admin.explain_address import tried
from admin.forms import seen, sent, sentence
from admin.frame_pages import Form, Option
from admin.framing import done, frame, overtaken, tenant_path
from admin.overview_pages import Explained
from admin.proof_words import proof_box, said
from admin.rollout import plan_words
from portal.core.address import Address, AddressError, Domain
from portal.core.changes import Item
from portal.core.registry import Policy
from portal.flows.changes.tenant_edits import Gone, NotAllowed, Overtaken, remove, seen_text
from portal.flows.domains.domain_proof import Finding, check, vouch
from portal.flows.editing.explanation import Supposed, SupposedWay
from portal.flows.rollout.enforcement import reach, set_way, tightens
from portal.web.context import services
from portal.web.pages import Notice, Tone


@blueprint.route("/tenants/<tenant>/domains/<name>", methods=["GET", "POST"])
def domain(tenant: str, name: str) -> Response | str:
    """Show a domain, and do what its buttons say."""
    del tenant
    current = current_domain(name)
    if is_submitted():
        match request.form.get("do", "save"):
            case "check":
                return check_now(name)
            case "vouch":
                vouch(services(), actor(), scope().ref, name)
                return done(tenant_path("domains", name), "The domain counts as proven now.")
            case "undo":
                return _undo(current)
            case "try":
                return _page(current, way_form(current))
            case _:
                return _save(current)
    return _page(current, way_form(current))


def check_now(name: str) -> Response:
    """Look for the record now, and go on to the domain's page, which says what was found."""
    checked = check(services(), actor(), scope().ref, name)
    title, _ = said(checked.finding, name)
    tone = Tone.SUCCESS if checked.finding is Finding.PROVEN else Tone.WARNING
    return done(tenant_path("domains", name), title, tone=tone)


def _save(current: Item) -> Response | str:
    wanted, form = checked_item(current, way_form(current))
    if wanted is None:
        return _page(current, form)
    if tightens(current, wanted) and not request.form.get("confirmed"):
        return ask_to_require(current, wanted, form)
    reason = sent("reason", longest=300)
    outcome = set_way(services(), actor(), wanted, seen=form.seen, override=reason)
    match outcome:
        case Overtaken():
            fresh = Form(form.values, seen=outcome.seen)
            return _page(current_domain(current.key), fresh, overtaken(outcome, "this domain"))
        case NotAllowed():
            return ask_to_require(current, wanted, form, is_refused=True)
        case Gone():
            return redirect(tenant_path("domains"), 303)
        case _:
            return done(tenant_path("domains", current.key), "Saved. It holds from now on.")


def _undo(current: Item) -> Response | str:
    wanted = undo_item(current)
    if wanted is None:
        return redirect(tenant_path("domains", current.key), 303)
    outcome = set_way(services(), actor(), wanted, seen=request.form.get("seen", ""))
    if isinstance(outcome, NotAllowed):
        return ask_to_require(current, wanted, way_form(current), is_refused=True)
    if isinstance(outcome, Overtaken):
        return _page(current, way_form(current), overtaken(outcome, "this domain"))
    return done(tenant_path("domains", current.key), "The last change is undone.")


def _page(current: Item, form: Form, *notices: Notice) -> str:
    at = scope()
    fields: Any = current.fields
    shown, plain = names(current.key)
    found = reach(services(), at.ref, current.key, subdomains=form.is_on("subdomains"))
    assert at.bundle is not None, "this is a page of a tenant"
    options = (
        Option(way.slug, way.name, "" if way.usable else "It is switched off at the moment.")
        for way in at.bundle.connections.values()
    )
    form, found_way = _tried(current, form)
    page = DomainPage(
        frame=frame("domains", *notices),
        name=shown,
        ascii=plain,
        verified=fields["verified"],
        policy=fields["policy"],
        rollout=fields["rollout"],
        proof=None if fields["verified"] else proof_box(current.key),
        form=form,
        policies=POLICIES,
        connections=tuple(options),
        known=found.known,
        exempt=found.exempt,
        by_rollout=found.by_rollout,
        undo=undo_words(current),
        plan=plan_words(current),
        tried=found_way,
    )
    return render_template("admin/domain.html", page=page)


def _tried(current: Item, form: Form) -> tuple[Form, Explained | None]:
    """Answer what would happen for an address, with what stands in the form and is not saved."""
    raw = form.value("try")
    wanted, form = checked_item(current, form) if raw else (None, form)
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    if wanted is None or form.errors:
        return form, None
    try:
        address = Address.parse(raw)
    except AddressError as error:
        return Form(form.values, {"try": sentence("The address", str(error))}, form.seen), None
    if not Domain(current.key).covers(address.domain):
        word = f"Try an address of {current.key}."
        return Form(form.values, {"try": word}, form.seen), None
    fields: Any = wanted.fields
    way = SupposedWay(
        policy=Policy(fields["policy"]),
        connections=fields["connections"],
        rollout=fields["rollout"],
        subdomains=fields["subdomains"],
        verified=True,
    )
    found = tried(address, Supposed(tenant=bundle, domains={Domain(current.key): way}))
    return form, found


@blueprint.route("/tenants/<tenant>/domains/<name>/remove", methods=["GET", "POST"])
def remove_domain(tenant: str, name: str) -> Response | str:
    """Ask before a domain is removed, and remove it."""
    del tenant
    current = current_domain(name)
    shown, plain = names(name)
    notices = []
    if is_submitted():
        outcome = remove(services(), actor(), current, seen=seen())
        if not isinstance(outcome, Overtaken):
            return done(tenant_path("domains"), f"{shown} is removed.")
        notices.append(overtaken(outcome, "this domain"))
    found = reach(services(), scope().ref, name, subdomains=bool(current.fields["subdomains"]))
    page = RemoveDomainPage(
        frame=frame("domains", *notices),
        seen=seen_text(current),
        name=shown,
        ascii=plain,
        known=found.known,
        policy=str(current.fields["policy"]),
    )
    return render_template("admin/domain_remove.html", page=page)

"""A tenant's connections: the list, the form, on and off, removal."""

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from flask import abort, render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.connection_pages import ApplicationRow, ConnectionPage, ConnectionsPage, WayRow
from admin.forms import seen, sent, typed, wrong_form
from admin.frame_pages import Form, Option, SurePage
from admin.framing import done, frame, overtaken, tenant_path
from admin.health_lines import check_now, health_badges, health_card
from admin.trial_runs import start_trial
from admin.what_if import try_connection
from portal.core.changes import Item
from portal.flows.changes.tenant_edits import NotAllowed, Overtaken, seen_text
from portal.flows.editing.client_edits import remove_connection, save_connection, switch_connection
from portal.flows.editing.form_checks import Wrong
from portal.store.shared_clients import others_go_through
from portal.store.tenant_items import client_items, connection_items, domains_of_connection
from portal.web.context import services
from portal.web.pages import Notice, Tone

_TEXTS = ("name", "client", "ssojet_connection", "email_verified", "new_users", "role_claim")
_SHOWN = 5  # domains, of those that lead to a connection
_FIELDS = (*_TEXTS, "authorize_params", "require_claims", "roles")
_LABELS = {
    "name": "The name",
    "": "The name",
    "client": "The application",
    "ssojet_connection": "The connection’s identifier",
    "authorize_params": "The parameters",
    "require_claims": "The claims",
    "role_claim": "The claim",
    "roles": "Roles",
}


@blueprint.get("/tenants/<tenant>/connections")
def connections(tenant: str) -> str:
    """List a tenant's connections and applications."""
    del tenant
    at = scope()
    with services().database.read() as connection:
        clients = client_items(connection, at.ref)
        ways = connection_items(connection, at.ref)
        domains = {w.key: domains_of_connection(connection, at.ref, w.key) for w in ways}
    has_default = services().registry.default_client is not None
    health = health_badges()
    page = ConnectionsPage(
        frame=frame("connections"),
        ways=tuple(_row(way, domains[way.key], health, has_default=has_default) for way in ways),
        applications=tuple(_application(client, ways) for client in clients),
        has_default=has_default,
    )
    return render_template("admin/connections.html", page=page)


def _row(
    way: Item, domains: list[str], health: dict[str, tuple[str, str, str]], *, has_default: bool
) -> WayRow:
    fields: Any = way.fields
    more = " and more" if len(domains) > _SHOWN else ""
    return WayRow(
        tenant_path("connections", way.key),
        fields["name"],
        fields["client"] or "the portal’s own",
        fields["enabled"],
        fields["enabled"] and (fields["client"] is not None or has_default),
        ", ".join(domains[:_SHOWN]) + more,
        *health.get(way.key, ("Not watched", "", "")),
    )


def _application(client: Item, ways: Iterable[Item]) -> ApplicationRow:
    used = [str(way.fields["name"]) for way in ways if way.fields["client"] == client.key]
    return ApplicationRow(
        tenant_path("clients", client.key),
        client.key,
        str(client.fields["issuer"]),
        str(client.fields["client_id"]),
        ", ".join(used),
    )


@blueprint.route("/tenants/<tenant>/connections/new", methods=["GET", "POST"])
def new_connection(tenant: str) -> Response | str:
    """Add a connection."""
    del tenant
    start = {"email_verified": "unless_false", "new_users": "create", **_first_client()}
    form = Form(_typed() if request.method == "POST" else start)
    if not is_submitted():
        return _page(None, form)
    with services().database.read() as connection:
        taken = {way.key for way in connection_items(connection, scope().ref)}
    key = _short_name(form.value("name"), taken)
    outcome = _save(key, form, before=None)
    if isinstance(outcome, Wrong):
        return _page(None, wrong_form(form.values, outcome, _LABELS))
    path = tenant_path("connections", key)
    then = "Now test it: it is off until then." if scope().guest else "Now lead a domain to it."
    return done(path, f"{form.value('name')} is added. {then}")


def _first_client() -> dict[str, str]:
    with services().database.read() as connection:
        clients = client_items(connection, scope().ref)
    return {"client": clients[-1].key if clients else ""}


@blueprint.route("/tenants/<tenant>/connections/<connection>", methods=["GET", "POST"])
def connection(tenant: str, connection: str) -> Response | str:
    """Change a connection, switch it on or off, remove it."""
    del tenant
    current = _current(connection)
    form = Form(_typed(), seen=seen()) if _was_typed() else _stored(current)
    if not is_submitted():
        return _page(current, form)
    path = tenant_path("connections", connection)
    match request.form.get("do", "save"):
        case "off" if not request.form.get("sure") and (names := _required(connection)):
            return _sure(current, names)
        case "on" | "off" as way:
            switch_connection(services(), actor(), current, on=way == "on")
            return done(path, f"{current.fields['name']} is switched {way}.")
        case "check":
            check_now(current.key)
            return done(path, "Looked at just now: how it is stands under Health.")
        case "test":
            return start_trial(current)
        case "try":
            return _page(current, form)
        case "remove":
            outcome = remove_connection(services(), actor(), current)
            if isinstance(outcome, NotAllowed):
                return done(path, outcome.why, tone=Tone.ERROR)
            return done(tenant_path("connections"), f"{current.fields['name']} is removed.")
        case _:
            return _saved(current, form)


def _saved(current: Item, form: Form) -> Response | str:
    saved = _save(current.key, form, before=current)
    if isinstance(saved, Wrong):
        return _page(current, wrong_form(form.values, saved, _LABELS, seen=form.seen))
    if isinstance(saved, Overtaken):
        return _page(
            current, Form(form.values, seen=saved.seen), overtaken(saved, "this connection")
        )
    path = tenant_path("connections", current.key)
    return done(path, "Saved. It holds from the next sign-in on.")


def _required(key: str) -> str:
    """Name the domains that require SSO and lead to a connection."""
    with services().database.read() as connection:
        found = domains_of_connection(connection, scope().ref, key, policy="required")
    return ", ".join(found)


def _sure(current: Item, names: str) -> str:
    page = SurePage(
        frame=frame("connections"),
        title=f"Switch {current.fields['name']} off?",
        text=f"SSO is required for {names}. Until the connection is on again, only break-glass "
        "people get in there, unless another connection leads on.",
        back=tenant_path("connections", current.key),
        kept=(("do", "off"), ("sure", "yes")),
    )
    return render_template("admin/sure.html", page=page)


def _was_typed() -> bool:
    return request.method == "POST" and "name" in request.form


def _typed() -> dict[str, str]:
    return typed((*_FIELDS, "try"))


def _current(key: str) -> Item:
    with services().database.read() as connection:
        found = next((w for w in connection_items(connection, scope().ref) if w.key == key), None)
    if found is None:
        abort(404)
    return found


def _stored(current: Item) -> Form:
    fields: Any = current.fields
    values = {name: fields[name] or "" for name in _TEXTS}
    values["authorize_params"] = _lines(fields["authorize_params"])
    values["roles"] = _lines(fields["roles"])
    claims = fields["require_claims"]
    values["require_claims"] = json.dumps(claims, ensure_ascii=False) if claims else ""
    return Form(values, seen=seen_text(current))


def _lines(pairs: dict[str, object]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())


def _save(key: str, form: Form, *, before: Item | None) -> Any:
    wrong: dict[str, str] = {}
    data: dict[str, Any] = {name: form.value(name) for name in _TEXTS}
    data["client"] = form.value("client") or None
    data["enabled"] = bool(before.fields["enabled"]) if before else scope().guest is None
    for name in ("authorize_params", "roles"):
        data[name] = _pairs(form.value(name), name, wrong)
    data["require_claims"] = _claims(form.value("require_claims"), wrong)
    if wrong:
        return Wrong(wrong)
    with services().database.read() as connection:
        clients = [client.key for client in client_items(connection, scope().ref)]
    outcome = save_connection(
        services(),
        actor(),
        scope().ref,
        key,
        data,
        clients=clients,
        seen=form.seen if before else None,
    )
    return Wrong({"name": outcome.why}) if isinstance(outcome, NotAllowed) else outcome


def _pairs(text: str, name: str, wrong: dict[str, str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(not sign or not left.strip() for left, sign, _ in pairs):
        wrong[name] = "Write one on each line, as name = value."
    return {left.strip(): right.strip() for left, _, right in pairs}


def _claims(text: str, wrong: dict[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        wrong["require_claims"] = 'Write a JSON object, such as {"tenant_id": "66f0"}.'
        return {}
    return found


def _short_name(name: str, taken: set[str]) -> str:
    """Make the key of a connection from its name; it stands in seed files and in the trail."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "connection"
    free = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(key for key in free if key not in taken)


def _unbound(current: Item | None) -> tuple[Notice, ...]:
    """Warn where other companies come by the same application, and no claim tells them apart."""
    if current is None:
        return ()
    bundle = scope().bundle
    way = bundle.connection(current.key) if bundle else None
    if way is None or way.client is None or way.require_claims or not way.enabled:
        return ()
    client, default = way.client, services().registry.default_client
    through = (client.issuer, client.client_id)
    is_default = default is not None and through == (default.issuer, default.client_id)
    with services().database.read() as connection:
        is_shared = others_go_through(connection, scope().tenant.id, through, is_default=is_default)
    if not is_shared:
        return ()
    text = (
        "Other companies sign in through the same application. Only a claim that must come back, "
        "such as tenant_id, keeps their identity providers from speaking for your people. Ask the "
        "people who run this portal which claim that is, or for an application of your own."
    )
    return (Notice(tone=Tone.WARNING, title="No claim binds this connection", text=text),)


def _own_address() -> str:
    """Give the address to try with; somebody in a set-up session has none that we know."""
    return "" if scope().guest else scope().session.account.email


def _page(current: Item | None, form: Form, *notices: Any) -> str:
    at = scope()
    with services().database.read() as connection:
        clients = client_items(connection, at.ref)
        leading = domains_of_connection(connection, at.ref, current.key) if current else []
    own = [Option(client.key, f"{client.key} ({client.fields['issuer']})") for client in clients]
    default = services().registry.default_client
    shared = [Option("", f"the portal’s own ({default.issuer})")] if default else []
    if not shared and not own:
        shared = [Option("", "no application yet")]
    form, found = try_connection(current, form) if current else (form, None)
    page = ConnectionPage(
        frame=frame("connections", *notices, *_unbound(current)),
        form=form,
        test=Form({"hint": sent("hint", longest=300) or _own_address()}),
        tried=found,
        is_new=current is None,
        key=current.key if current else "",
        name=str(current.fields["name"]) if current else "",
        enabled=bool(current and current.fields["enabled"]),
        applications=(*shared, *own),
        domains=tuple(leading[:_SHOWN]),
        has_more_domains=len(leading) > _SHOWN,
        login_path=f"{services().settings.base_url}/login/{at.tenant.slug}",
        health=health_card(current.key) if current else None,
    )
    return render_template("admin/connection.html", page=page)

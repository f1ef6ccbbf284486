"""A tenant's applications at its issuers: what the issuer publishes, what to register there."""

from datetime import datetime
from typing import Any, assert_never

from flask import abort, render_template, request
from pydantic import SecretStr
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, holds_secrets, is_submitted, scope
from admin.connection_pages import ClientPage, Finding, Registration, SecretLine
from admin.forms import asked, seen, sent, typed, wrong_form
from admin.frame_pages import Form, Option
from admin.framing import done, frame, overtaken, tenant_path
from portal.core.changes import Item
from portal.core.spans import told
from portal.flows.changes.secret_replacement import drop_old, take_back
from portal.flows.changes.tenant_edits import NotAllowed, Overtaken, Taken, seen_text
from portal.flows.editing.client_edits import remove_client, save_client
from portal.flows.editing.form_checks import Wrong
from portal.flows.health.issuer_preview import Published, Unreadable, preview
from portal.store.client_secrets import Standing, standing
from portal.store.tenant_items import client_items, connection_items
from portal.web.context import services
from portal.web.pages import Notice, Tone

_FIELDS = ("key", "issuer", "client_id", "auth_method", "scopes", "connection_param", "unread")
_LABELS = {
    "": "The short name",
    "issuer": "The issuer",
    "client_id": "The client ID",
    "auth_method": "The way",
    "scopes": "The list of scopes",
    "connection_param": "The parameter",
    "client_secret": "The secret",
    "private_key": "The private key",
}
_METHODS = (
    Option("client_secret_basic", "a secret, in the Authorization header (usual)"),
    Option("client_secret_post", "a secret, in the form"),
    Option("private_key_jwt", "a private key (signed assertion)"),
    Option("none", "nothing: a public client, protected by PKCE"),
)
_START = {
    "key": "main",
    "auth_method": "client_secret_basic",
    "scopes": "openid profile email",
    "connection_param": "connection",
}


@blueprint.route("/tenants/<tenant>/clients/new", methods=["GET", "POST"])
@holds_secrets
def new_client(tenant: str) -> Response | str:
    """Add an application: its issuer first, then the rest."""
    del tenant
    issuer = asked("issuer", longest=500)
    form = Form({**_START, "issuer": issuer, "key": _free_key()})
    if request.method == "POST":
        form = Form(typed(_FIELDS))
    if not is_submitted():
        asks = not issuer and request.method == "GET"
        found = _look(issuer) if issuer else None
        if found and not found.is_read:
            form, asks = Form(form.values, {"issuer": found.title}), False
        return _page(None, form, asks_issuer=asks, finding=found)
    key = form.value("key")
    outcome = _save(key, form, before=None)
    if isinstance(outcome, Taken):
        outcome = Wrong({"": "stands for another application already"})
    if isinstance(outcome, Wrong):
        return _page(None, _shown_wrong(form, outcome))
    return done(tenant_path("clients", key), "Saved. Now register these addresses at the issuer.")


def _free_key() -> str:
    with services().database.read() as connection:
        taken = {client.key for client in client_items(connection, scope().ref)}
    names = ("main", *(f"main-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


@blueprint.route("/tenants/<tenant>/clients/<client>", methods=["GET", "POST"])
@holds_secrets
def client(tenant: str, client: str) -> Response | str:
    """Change an application, replace its secret, remove it."""
    del tenant
    with services().database.read() as connection:
        found = [item for item in client_items(connection, scope().ref) if item.key == client]
    if not found:
        abort(404)
    current = found[0]
    fields: Any = current.fields
    values = {name: fields[name] for name in ("issuer", "client_id", "auth_method")}
    values |= {"scopes": " ".join(fields["scopes"]), "connection_param": fields["connection_param"]}
    form = Form(values, seen=seen_text(current))
    if request.method == "POST" and "issuer" in request.form:
        form = Form(typed(_FIELDS), seen=seen())
    if not is_submitted():
        return _page(current, form, finding=_look(fields["issuer"]))
    path = tenant_path("clients", client)
    match request.form.get("do"):
        case "remove":
            return _removed(current)
        case "take-back":
            take_back(services(), actor(), scope().ref, client)
            return done(path, "The old one is back. It holds from the next sign-in on.")
        case "drop-old":
            drop_old(services(), actor(), scope().ref, client)
            return done(path, "The old one is gone. Only the new one counts now.")
        case _:
            return _changed(current, form)


def _changed(current: Item, form: Form) -> Response | str:
    outcome = _save(current.key, form, before=current)
    if isinstance(outcome, Wrong):
        return _page(current, _shown_wrong(form, outcome))
    if isinstance(outcome, Overtaken):
        fresh = Form(form.values, seen=outcome.seen)
        return _page(current, fresh, overtaken(outcome, "this application"))
    return done(tenant_path("clients", current.key), _saved(before=current))


def _saved(*, before: Item) -> str:
    """Say what saving did; a secret that replaces another one waits for its first sign-in."""
    with services().database.read() as connection:
        found = standing(connection, scope().ref, before.key)
    if found and found.old and _secret(found.name):
        return f"Saved. The old {_named(found)} stays until the new one has worked."
    return "Saved. It holds from the next sign-in on."


def _named(found: Standing) -> str:
    return "secret" if found.name == "client_secret" else "private key"


def _removed(current: Item) -> Response:
    gone = remove_client(services(), actor(), current)
    if isinstance(gone, NotAllowed):
        return done(tenant_path("clients", current.key), gone.why, tone=Tone.ERROR)
    return done(tenant_path("connections"), f"The application {current.key} is removed.")


def _save(key: str, form: Form, *, before: Item | None) -> Any:
    """Save what was typed; an issuer that is new must be readable, or be saved on purpose."""
    issuer = form.value("issuer")
    data = {
        "issuer": issuer,
        "client_id": form.value("client_id"),
        "auth_method": form.value("auth_method"),
        "scopes": form.value("scopes").replace(",", " ").split(),
        "connection_param": form.value("connection_param"),
    }
    is_new = before is None or before.fields["issuer"] != issuer
    if is_new and issuer.startswith("http") and not form.is_on("unread"):
        found = _look(issuer)
        if not found.is_read:
            return Wrong({"issuer": found.title, "unread": "Nothing is saved yet."})
    outcome = save_client(
        services(),
        actor(),
        scope().ref,
        key,
        data,
        before=before,
        secret=_secret("client_secret"),
        private_key=_secret("private_key"),
        seen=form.seen if before else None,
    )
    return Wrong({"issuer": outcome.why}) if isinstance(outcome, NotAllowed) else outcome


def _secret(name: str) -> SecretStr | None:
    typed_text = sent(name, longest=20_000)
    return SecretStr(typed_text) if typed_text else None


def _shown_wrong(form: Form, wrong: Wrong) -> Form:
    """Give the form with its errors; a secret that was typed is not sent back, and is said so."""
    fields = {("key" if name == "" else name): text for name, text in wrong.fields.items()}
    for name in ("client_secret", "private_key"):
        if request.form.get(name) and name not in fields:
            fields[name] = "Type it once more: it is not kept."
    labels = {**_LABELS, "key": _LABELS[""]}
    return wrong_form(form.values, Wrong(fields), labels, seen=form.seen)


def _look(issuer: str) -> Finding:
    found = preview(services(), issuer)
    match found:
        case Published():
            return Finding(True, "The issuer was read", _facts(found))
        case Unreadable(why, is_down):
            if is_down:
                return Finding(False, "The issuer does not answer at the moment.")
            return Finding(False, f"Nothing to rely on was found there: {why}.")
        case _:
            assert_never(found)


def _facts(found: Published) -> tuple[tuple[str, str], ...]:
    methods = ", ".join(found.auth_methods) or "not said"
    told = " and ".join(found.tells_of_sign_out) or "no"
    return (
        ("People are sent to", found.authorization_endpoint),
        ("Tokens come from", found.token_endpoint),
        ("Signing keys", f"{found.keys}, for {', '.join(found.algorithms)}"),
        ("Proof of the application", methods),
        ("Sign-out there", "yes" if found.signs_out else "no"),
        ("Tells us of sign-outs", told),
    )


def _registrations(*, with_keys: bool) -> tuple[Registration, ...]:
    base, slug = services().settings.base_url, scope().tenant.slug
    keys = Registration("jwks", "JWKS URL (public keys)", f"{base}/.well-known/jwks.json")
    return (
        Registration("redirect", "Redirect URI (callback URL)", f"{base}/auth/callback/{slug}"),
        Registration("logged-out", "Post-logout redirect URI", f"{base}/auth/logged-out"),
        Registration("back", "Back-channel logout URI", f"{base}/auth/backchannel-logout"),
        Registration("front", "Front-channel logout URI", f"{base}/auth/frontchannel-logout"),
        Registration("initiate", "Login-initiate URI", f"{base}/auth/initiate"),
        *((keys,) if with_keys else ()),
    )


def _secret_line(found: Standing) -> SecretLine:
    def age(at: datetime | None) -> str:
        return told(services().now() - at) if at else ""

    return SecretLine(
        what=_named(found),
        set_at=found.set_at,
        age=age(found.set_at),
        has_old=found.old is not None,
        old_set_at=found.old_set_at,
        old_age=age(found.old_set_at),
        refused_at=found.refused_at,
    )


def _page(
    current: Item | None,
    form: Form,
    *notices: Notice,
    asks_issuer: bool = False,
    finding: Finding | None = None,
) -> str:
    used: list[str] = []
    found = None
    if current:
        with services().database.read() as connection:
            ways = connection_items(connection, scope().ref)
            found = standing(connection, scope().ref, current.key)
        used = [str(way.fields["name"]) for way in ways if way.fields["client"] == current.key]
    page = ClientPage(
        frame=frame("connections", *notices),
        form=form,
        name=current.key if current else "",
        is_new=current is None,
        asks_issuer=asks_issuer,
        has_secret=bool(current and current.fields["client_secret"]),
        has_key=bool(current and current.fields["private_key"]),
        secret=_secret_line(found) if found and found.newest else None,
        methods=_METHODS,
        finding=finding,
        registrations=_registrations(with_keys=form.value("auth_method") == "private_key_jwt"),
        used_by=tuple(used),
    )
    return render_template("admin/client.html", page=page)

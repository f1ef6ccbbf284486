"""The sign-in page and what its forms do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, assert_never, cast

from flask import (
    Blueprint,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from pydantic import SecretStr
from werkzeug.wrappers import Response

from portal.core.address import LONGEST_ADDRESS, Address, AddressError
from portal.core.counting import counted
from portal.core.errors import FailureCode
from portal.core.redirects import SafePath, safe_path
from portal.core.registry import Connection, Policy
from portal.core.routing import Route
from portal.core.strict_json import JsonError, read_object
from portal.flows.health.connection_health import has_trouble
from portal.flows.outcomes import (
    BeginOutcome,
    ChoiceAsked,
    Failed,
    GoToProvider,
    PasswordAsked,
    SignedIn,
    SsoMissing,
    Throttled,
    WrongPassword,
)
from portal.flows.signing.sign_in import SignIn, begin, begin_at, route_of
from portal.web.announcements import banner_for, banner_of, banner_of_tenant
from portal.web.context import services, visitor
from portal.web.csrf import CsrfError
from portal.web.failures import WORDS, notice_for, notice_from_query
from portal.web.identity import (
    current_session,
    remember_attempt,
    remember_session,
    session_token,
)
from portal.web.onward import Onward
from portal.web.pages import Choice, ChoosePage, Notice, SignInPage, Tone
from portal.web.quick_submit import DATABASE_GONE, PASSED_GATE
from portal.web.throttled import SUBMITS_OF_NETWORK, notice_of, refused, wait_notice

blueprint = Blueprint("login", __name__)

_TEMPLATE = "login/sign_in.html"
_BLANK = "portal.blank_page"  # among the app's extensions, in the pieces between its tokens
_LONGEST_PASSWORD = 1024
_OFF_NOTE = "Single sign-on isn’t available right now. "


@blueprint.get("/login")
def show() -> str:
    """Show the sign-in page."""
    page = _page_asked_for()
    return _blank() if page == SignInPage() else render_template(_TEMPLATE, page=page)


def _blank() -> str:
    """Give the page as nearly everybody gets it: but for the form's token it is always the same."""
    form_field = cast("Callable[[], str]", current_app.jinja_env.globals["csrf_field"])
    field = str(form_field())
    pieces: list[str] | None = current_app.extensions.get(_BLANK)
    if pieces is None:
        text = render_template(_TEMPLATE, page=SignInPage())
        pieces = current_app.extensions[_BLANK] = text.split(field)
    return field.join(pieces)


@blueprint.get("/login/<tenant>")
def show_tenant(tenant: str) -> str:
    """Show the sign-in page of one tenant: its name, and a button for each of its connections."""
    bundle = services().registry.tenant(tenant) if len(tenant) <= 63 else None
    if bundle is None:
        abort(404)
    page = _page_asked_for()
    if bundle.tenant.suspended:
        suspended = notice_for(FailureCode.TENANT_SUSPENDED, failure_reference="")
        page = replace(page, notice=page.notice or suspended)
    usable = [c for c in bundle.connections.values() if c.usable and not bundle.tenant.suspended]
    page = replace(
        page,
        tenant=bundle.tenant.name,
        connections=_choices(usable, prefix=f"{tenant}/"),
        banner=page.banner or banner_of_tenant(bundle),
    )
    return render_template(_TEMPLATE, page=page)


@blueprint.get("/auth/login")
def show_elsewhere() -> Response:
    """Lead from the form's address to its page."""
    query = request.query_string.decode("ascii", "ignore")
    return redirect("/login" + (f"?{query}" if query else ""), 302)


def _page_asked_for() -> SignInPage:
    page = SignInPage(email=_email_from_query(), next=_next(request.args.get("next")) or "")
    error = request.args.get("error")
    if error is not None:
        notice, kept = notice_from_query(error)
        page = replace(page, notice=notice)
        if kept:
            page = replace(page, email=page.email or kept["email"], next=page.next or kept["next"])
    if page.email:
        page = replace(page, banner=banner_for(page.email))
    session = current_session()
    return replace(page, signed_in_as=session.account.email) if session else page


def _email_from_query() -> str:
    raw = request.args.get("email") or request.args.get("login_hint") or ""
    try:
        return str(Address.parse(raw)) if raw else ""
    except AddressError:
        return ""


def _next(raw: str | None) -> SafePath | None:
    return safe_path(raw, base_url=services().settings.base_url)


@blueprint.post("/auth/login")
def submit() -> Response:
    """Take the form: to the provider, into the portal, or the page again with a message."""
    if DATABASE_GONE in request.environ:
        raise request.environ[DATABASE_GONE]
    if wait := _wait_at_gate("submit"):
        return _too_many(wait_notice(SUBMITS_OF_NETWORK, wait), wait)
    form, at = request.form, services()
    toggle = form.get("toggle", "")
    if toggle in {"sso", "password"}:
        return _page(replace(_typed(), sso=toggle == "sso"))
    tenant, _, connection = form.get("connection", "").rpartition("/")
    next_path = safe_path(form.get("next"), base_url=at.settings.base_url)
    raw = form.get("email", "")
    if tenant and not raw.strip():
        return _answer(begin_at(at, tenant, connection, visitor(), next_path=next_path))
    try:
        address = Address.parse(raw)
    except AddressError as error:
        return _page(replace(_typed(), email_error=str(error)))
    if tenant:
        return _answer(
            begin_at(
                at,
                tenant,
                connection,
                visitor(),
                email=str(address),
                next_path=next_path,
            )
        )
    return _answer(begin(at, _sign_in(form, address, connection, next_path), visitor()))


def _sign_in(
    form: Mapping[str, str], address: Address, connection: str, next_path: SafePath | None
) -> SignIn:
    password = form.get("password", "")
    wants_sso = form.get("is_sso") == "true"
    return SignIn(
        address=address,
        password=SecretStr(password[: _LONGEST_PASSWORD + 1]) if password else None,
        wants_sso=wants_sso,
        connection=connection,
        next=next_path,
        previous=session_token(),
    )


def _typed() -> SignInPage:
    """Give the page with what was typed; the password never."""
    return SignInPage(
        email=request.form.get("email", "").strip()[: LONGEST_ADDRESS + 1],
        next=_next(request.form.get("next")) or "",
        sso=request.form.get("is_sso") == "true",
    )


def _answer(outcome: BeginOutcome) -> Response:
    response: Response
    match outcome:
        case SignedIn():
            response = Onward(outcome.next, 303)
            remember_session(response, outcome)
            return response
        case GoToProvider():
            response = Onward(outcome.url, 302)
            remember_attempt(response, outcome)
            return response
        case ChoiceAsked(tenant, connections):
            page = ChoosePage(
                email=_typed().email,
                connections=_choices(connections),
                next=_typed().next,
                tenant=tenant.name,
                banner=banner_for(_typed().email),
            )
            return make_response(render_template("login/choose.html", page=page))
        case Failed():
            shown, is_kept = outcome.reference, outcome.is_kept
            notice = notice_for(outcome.code, failure_reference=shown, is_kept=is_kept)
            return _page(replace(_typed(), notice=notice))
        case Throttled():
            return _too_many(notice_of(outcome), outcome.retry_after)
        case PasswordAsked() | WrongPassword() | SsoMissing():
            return _page(_asked_again(outcome))
        case _:
            assert_never(outcome)


def _asked_again(outcome: PasswordAsked | WrongPassword | SsoMissing) -> SignInPage:
    page = replace(_typed(), sso=False, ask_password=True)
    match outcome:
        case PasswordAsked():
            return replace(page, password_note=_password_note(outcome))
        case WrongPassword():
            title = "That e-mail address and password don’t match"
            text = "Check both and try again, or ask the person who runs IT at your company."
        case SsoMissing():
            title = "Single sign-on isn’t set up for this address"
            text = "Sign in with your password, or check the address."
        case _:
            assert_never(outcome)
    tone = Tone.INFO if isinstance(outcome, SsoMissing) else Tone.ERROR
    return replace(page, notice=Notice(tone=tone, title=title, text=text))


def _password_note(asked: PasswordAsked) -> str:
    if asked.off is None:
        return "Enter your password."
    if asked.off is FailureCode.TENANT_SUSPENDED:
        return WORDS[asked.off].text
    if asked.exempt_only:
        return _OFF_NOTE + "Only emergency accounts can use a password."
    return _OFF_NOTE + "Use your password."


def _wait_at_gate(kind: str) -> int | None:
    """Give the seconds that this visitor's network has to wait, None where it may pass."""
    at, environ = services(), request.environ
    if not at.settings.rate_limits:
        return None
    if PASSED_GATE in environ:
        return cast("int | None", environ[PASSED_GATE])
    return at.gate.enter(kind, request.remote_addr or "")


def _too_many(notice: Notice, retry_after: int) -> Response:
    return refused(replace(_typed(), ask_password=True, notice=notice), retry_after)


def _choices(connections: Iterable[Connection], *, prefix: str = "") -> tuple[Choice, ...]:
    at = services()
    return tuple(
        Choice(prefix + way.slug, way.name, has_trouble=has_trouble(at, way)) for way in connections
    )


def _page(page: SignInPage, *, status: int = 200) -> Response:
    if status == 200:
        page = replace(page, banner=banner_for(page.email))
    return make_response(render_template(_TEMPLATE, page=page), status)


def form_again(error: CsrfError) -> Response:
    """Show the form again after a missing or stale CSRF token, with what was typed kept."""
    del error
    notice = Notice(
        tone=Tone.INFO,
        title="The page had been open for too long",
        text="Nothing was sent. Please try once more.",
    )
    return _page(replace(_typed(), notice=notice), status=400)


@blueprint.post("/auth/discover")
def discover() -> Response | tuple[Response, int] | tuple[Response, int, dict[str, str]]:
    """Say how a domain signs in; nothing here depends on whether the user exists."""
    if wait := _wait_at_gate("discover"):
        words = f"Too many questions from your network. Ask again in {counted(wait, 'second')}."
        body = jsonify(error="too_many_requests", message=words)
        return body, 429, {"Retry-After": str(wait)}
    try:
        asked = read_object(request.get_data())
    except JsonError:
        asked = {}
    raw = asked.get("email")
    if not isinstance(raw, str):
        return jsonify(error="invalid_request", message="Send JSON with an email."), 400
    try:
        address = Address.parse(raw)
    except AddressError as error:
        return jsonify(error="invalid_email", message=str(error)), 400
    route = route_of(services(), address)
    methods = {0: "password", 1: "sso"}
    answer: dict[str, Any] = {
        "method": methods.get(len(route.connections), "choose"),
        "connections": [{"id": c.slug, "name": c.name} for c in route.connections],
    }
    if asked.get("words") is True:
        answer["message"] = _message(route)
        answer["banner"] = banner_of(route.rule, address)
    return jsonify(answer)


# Read by the edge: this answers nothing that a cookie decides, so other sites may post it.
discover.takes_foreign_posts = True  # type: ignore[attr-defined]
discover.answers_json = True  # type: ignore[attr-defined]


def _message(route: Route) -> str | None:
    if route.off:
        return "Single sign-on isn’t available for your company right now."
    if route.rule is None or not route.connections:
        return None
    tenant = route.rule.tenant.name
    if len(route.connections) > 1:
        return f"{tenant} offers {len(route.connections)} ways to sign in."
    (way,) = route.connections
    if not has_trouble(services(), way):
        return f"{tenant} signs in with {way.name}."
    otherwise = ", or use your password" if route.rule.policy is Policy.OPTIONAL else ""
    return f"{way.name} has trouble at the moment. You can still try{otherwise}."

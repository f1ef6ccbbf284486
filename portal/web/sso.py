"""What providers call, by the browser or by themselves."""

from typing import assert_never
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, jsonify, make_response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from portal.core.address import Address, AddressError
from portal.core.attempt import StateToken, cookie_name
from portal.core.redirects import SafePath, safe_path
from portal.core.registry import Account
from portal.flows.editing.setup_session import Guest
from portal.flows.outcomes import Failed, GoToProvider, SignedIn, Throttled, Tried
from portal.flows.signing.callback import finish
from portal.flows.signing.initiate import Initiation, RouteUnclear, initiate
from portal.flows.signing.proof import Answer
from portal.flows.signing.sign_out import LogoutRefused, end_by_front_channel, end_by_logout_token
from portal.web.context import current_request, services, visitor
from portal.web.failures import to_login
from portal.web.guests import PATH, current_guest
from portal.web.identity import (
    attempt_cookie,
    current_session,
    forget_attempt,
    remember_attempt,
    remember_session,
    session_token,
)
from portal.web.onward import Onward
from portal.web.pages import SignInPage
from portal.web.throttled import notice_of, refused

blueprint = Blueprint("sso", __name__)

_ASKED = ("iss", "login_hint", "target_link_uri")  # OIDC Core, 4
_LONGEST = 2048


@blueprint.get("/auth/callback")
@blueprint.get("/auth/callback/<tenant>")
def callback(tenant: str | None = None) -> Response:
    """Take the provider's answer (OIDC Core, 3.1.2.5)."""
    at, asked = services(), current_request()
    settings, args = at.settings, asked.args
    state = _single(args, "state")
    cookie = attempt_cookie(cookie_name(StateToken(state)), is_https=settings.is_https)
    outcome = finish(
        at,
        Answer(
            redirect_uri=f"{settings.base_url}/auth/callback/{tenant}"
            if tenant
            else settings.default_redirect_uri,
            state=state,
            code=_single(args, "code"),
            error=_single(args, "error"),
            issuer=_single(args, "iss") if "iss" in args else None,
            is_ambiguous=any(len(values) > 1 for _, values in args.lists()),
        ),
        visitor(),
        sealed_attempt=asked.cookies.get(cookie, ""),
        previous=session_token(),
        signed_in=_signed_in,
    )
    response: Response
    match outcome:
        case SignedIn():
            response = Onward(outcome.next, 303)
            remember_session(response, outcome)
        case Tried():
            response = redirect(f"{outcome.back}/{outcome.reference}", 303)
        case Throttled():
            notice = notice_of(outcome)
            page = SignInPage(email=outcome.email, next=outcome.next or "", notice=notice)
            response = refused(page, outcome.retry_after)
        case Failed():
            response = to_login(outcome)
        case _:
            assert_never(outcome)
    if cookie in asked.cookies:
        forget_attempt(response, cookie)
    return response


def _signed_in(back: SafePath) -> Account | None:
    """Give who is there, for the trail of a trial that goes back to a page of theirs."""
    if back.startswith(f"{PATH}/"):
        guest = current_guest()
        return guest.account if isinstance(guest, Guest) else None
    session = current_session()
    return session.account if session else None


def _single(args: MultiDict[str, str], name: str) -> str:
    """Give a parameter that is there once (RFC 6749, 3.1: never more than once)."""
    values = args.getlist(name)
    return values[0] if len(values) == 1 else ""


@blueprint.route("/auth/initiate", methods=["GET", "POST"])
def start() -> Response:
    """Begin a sign-in for a provider, an app tile or a link in a mail (OIDC Core, 4)."""
    values = request.values
    if _comes_without_session():
        asked = {name: values[name][:_LONGEST] for name in _ASKED if name in values}
        return redirect(f"{request.path}?{urlencode(asked)}", 303)
    issuer, hint = values.get("iss", ""), values.get("login_hint", "")
    try:
        address = Address.parse(hint) if hint else None
    except AddressError:
        address = None
    target = safe_path(values.get("target_link_uri"), base_url=services().settings.base_url)
    if _replaces_somebody(issuer, address):
        return _to_sign_in_page(address, target)
    outcome = initiate(services(), Initiation(issuer, address, target), visitor())
    match outcome:
        case GoToProvider():
            response = Onward(outcome.url, 302)
            remember_attempt(response, outcome)
            return response
        case RouteUnclear():
            return _to_sign_in_page(address, target)
        case Failed():
            return to_login(outcome)
        case _:
            assert_never(outcome)


def _comes_without_session() -> bool:
    """Whether a browser posted this and kept its session back, as it does for other sites' forms.

    It sends the session along when it asks again by GET: only then can be seen whom a stranger's
    form would replace.
    """
    return request.method == "POST" and "Origin" in request.headers and session_token() is None


def _replaces_somebody(issuer: str, address: Address | None) -> bool:
    """Whether a link would put another person in the place of the one who is signed in.

    A link on any page could do so unseen (login CSRF); the sign-in page asks first.
    """
    session = current_session()
    if session is None:
        return False
    if address is not None:
        return address.key != Address.parse(session.account.email).key
    return issuer != session.by.issuer


def _to_sign_in_page(address: Address | None, target: SafePath | None) -> Response:
    known = {"email": str(address) if address else "", "next": target or ""}
    query = urlencode({name: value for name, value in known.items() if value})
    return redirect("/login" + (f"?{query}" if query else ""), 302)


@blueprint.post("/auth/backchannel-logout")
def backchannel_logout() -> Response:
    """Take a logout token from a provider's server (Back-Channel Logout, 2.5 and 2.8)."""
    tokens = request.form.getlist("logout_token")
    if len(tokens) != 1:
        outcome: object = LogoutRefused("invalid_request", "one logout_token is needed")
    else:
        outcome = end_by_logout_token(services(), tokens[0], visitor())
    if isinstance(outcome, LogoutRefused):
        body = jsonify(error=outcome.error, error_description=outcome.description)
        response = make_response(body, 400)
    else:
        response = make_response("", 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/auth/frontchannel-logout")
def frontchannel_logout() -> Response:
    """End the session that a provider's hidden frame names (Front-Channel Logout, 2)."""
    issuer, sid = _single(request.args, "iss"), _single(request.args, "sid")
    if not issuer or not sid:
        abort(400)
    end_by_front_channel(services(), issuer, sid, visitor())
    response = make_response("", 200)
    parts = urlsplit(issuer)
    if services().registry.clients_at(issuer):
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; frame-ancestors {parts.scheme}://{parts.netloc}"
        )
    return response


for _view in (start, backchannel_logout):
    _view.takes_foreign_posts = True  # type: ignore[attr-defined]
backchannel_logout.answers_json = True  # type: ignore[attr-defined]

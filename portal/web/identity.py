"""The cookies: `portal_session` for who is signed in, one attempt cookie for each sign-in.

A sibling subdomain can plant a `portal_session` for the whole domain (cookie tossing), and a cookie
does not say who set it. On https each session therefore has a companion with the `__Host-` prefix,
which nobody but this host can set: among several tokens the one that it names counts.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlencode

from flask import Response, g, redirect, request
from pydantic import SecretStr
from werkzeug.wrappers import Response as AnyResponse

from portal.core.attempt import LIFETIME
from portal.core.errors import FailureCode
from portal.core.redirects import safe_path
from portal.core.session import Session
from portal.flows.outcomes import GoToProvider, SignedIn
from portal.store import sessions
from portal.throttle import Known
from portal.web.context import current_request, kept, known_cookie, services
from portal.web.cookies import cookie_header

SESSION_COOKIE = "portal_session"
_HOST_PREFIX = "__Host-"
_COMPANION = "__Host-portal_bound"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ATTEMPT_PREFIX = "portal_attempt_"
_MOST_ATTEMPTS = 8

P = ParamSpec("P")
R = TypeVar("R")


def session_token() -> SecretStr | None:
    """Give the session token that this browser was given here, live or not."""
    sent = current_request().cookies.getlist(SESSION_COOKIE)
    if len(sent) > 1:
        sent = list(dict.fromkeys(raw for raw in sent if _TOKEN.fullmatch(raw)))
    if sent and services().settings.is_https:
        sent = _bound(sent)
    return SecretStr(sent[0]) if len(sent) == 1 and 0 < len(sent[0]) <= 100 else None


def _bound(sent: list[str]) -> list[str]:
    """Give the token that the companion names.

    A plain client that was handed a token alone has no companion; a browser, which tells itself by
    its other cookies of this host or by what it says of each request, has one or is not signed in.
    """
    companion = request.cookies.get(_COMPANION)
    if companion is not None:
        return [raw for raw in sent if _is_companion(companion, raw)]
    is_browser = "Sec-Fetch-Site" in request.headers or any(
        name.startswith(_HOST_PREFIX) for name in request.cookies
    )
    return [] if is_browser else sent


def _is_companion(companion: str, token: str) -> bool:
    return hmac.compare_digest(companion.encode(), _companion(token).encode())


def _companion(token: str) -> str:
    return hashlib.sha256(b"companion of " + token.encode()).hexdigest()[:32]


def current_session() -> Session | None:
    """Give the live session of this request, and note that it was used."""
    here = kept()
    if "portal_session" not in here:
        here.portal_session = _load()
    found: Session | None = here.portal_session
    return found


def current_sessions() -> tuple[Session | None, list[Session]]:
    """Give the live session of this request, and all of its account, the newest first."""
    token = session_token()
    if token is None:
        return None, []
    with services().database.quick_read() as place:
        session, found = sessions.load_beside(place, token.get_secret_value())
    kept().portal_session = session = _used(session)
    return session, found


def _load() -> Session | None:
    token = session_token()
    if token is None:
        return None
    with services().database.quick_read() as place:
        session = sessions.load(place, token.get_secret_value())
    return _used(session)


def _used(session: Session | None) -> Session | None:
    """Give a session only if it is live, and note that it was used."""
    if session is None:
        return None
    at, now = services(), services().now()
    if not session.is_live(now):
        g.ended_because = _why_ended(session)
        with at.database.transaction(brief=True) as connection:
            sessions.end(connection, session.id)
        return None
    if session.is_due_for_touch(now):
        with at.database.transaction(brief=True) as connection:
            sessions.touch(connection, session, now)
    return session


def _why_ended(session: Session) -> FailureCode:
    tenant = session.account.tenant
    if tenant and tenant.suspended:
        return FailureCode.TENANT_SUSPENDED
    return FailureCode.ACCOUNT_DISABLED if session.account.disabled else FailureCode.SESSION_EXPIRED


def sign_in_required(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """Let only signed-in people reach a view; send others to sign in and back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        if current_session() is None:
            return go_to_sign_in()
        return view(*args, **kwargs)

    guarded.needs_session = True  # type: ignore[attr-defined]
    return guarded


def go_to_sign_in() -> AnyResponse:
    """Redirect to the sign-in page and, after it, back to this page or this form's page."""
    query: dict[str, str] = {}
    if session_token() is not None:
        query["error"] = str(getattr(g, "ended_because", FailureCode.SESSION_EXPIRED))
    back = safe_path(_form_page())
    if back:
        query["next"] = back
    response = redirect("/login" + ("?" + urlencode(query) if query else ""), 302)
    forget_session(response)
    return response


def _form_page() -> str:
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    referrer = request.headers.get("Referer", "")
    base = services().settings.base_url
    if referrer.startswith(base + "/"):
        return referrer[len(base) :]
    allowed = request.url_rule.methods if request.url_rule else None
    return request.path if allowed and "GET" in allowed else "/dashboard"


def remember_session(response: AnyResponse, outcome: SignedIn) -> None:
    """Put the new session's token into its cookie, and what marks the browser into another."""
    _put(response, SESSION_COOKIE, outcome.token)
    if services().settings.is_https:
        _put(response, _COMPANION, _companion(outcome.token))
    if outcome.known_mark:
        _put(response, known_cookie(), outcome.known_mark, lasts=Known.lifetime)


def forget_session(response: AnyResponse) -> None:
    """Take the session cookie back, with its companion."""
    _take_back(response, SESSION_COOKIE)
    if services().settings.is_https:
        _take_back(response, _COMPANION)


def remember_attempt(response: AnyResponse, outcome: GoToProvider) -> None:
    """Keep the attempt in the browser that began it, and drop the oldest of too many.

    Browsers send the cookies they have had longest first (RFC 6265, 5.4).
    """
    is_https = services().settings.is_https
    for name in superfluous_attempts(request.cookies, is_https=is_https):
        forget_attempt(response, name)
    response.headers.add(*attempt_to_keep(outcome, is_https=is_https))


def superfluous_attempts(cookies: Iterable[str], *, is_https: bool) -> list[str]:
    """Give the names of the attempt cookies to take back, so that one more may be kept."""
    ours = attempt_cookie("", is_https=is_https)
    kept = [name for name in cookies if name.startswith(ours)]
    return kept[: max(0, len(kept) - _MOST_ATTEMPTS + 1)]


def attempt_to_keep(outcome: GoToProvider, *, is_https: bool) -> tuple[str, str]:
    """Give the header that keeps an attempt in the browser that began it."""
    name = attempt_cookie(outcome.cookie_name, is_https=is_https)
    return cookie_header(name, outcome.cookie_value, is_https=is_https, lasts=LIFETIME)


def forget_attempt(response: AnyResponse, name: str) -> None:
    """Take an attempt's cookie back."""
    _take_back(response, name)


def attempt_cookie(name: str, *, is_https: bool) -> str:
    """Give the cookie's full name: on https bound to this host, so no subdomain can plant it."""
    return f"{_HOST_PREFIX if is_https else ''}{_ATTEMPT_PREFIX}{name}"


def _put(response: AnyResponse, name: str, value: str, *, lasts: timedelta | None = None) -> None:
    is_https = services().settings.is_https
    response.headers.add(*cookie_header(name, value, is_https=is_https, lasts=lasts))


def _take_back(response: AnyResponse, name: str) -> None:
    is_https = services().settings.is_https
    response.headers.add(*cookie_header(name, "", is_https=is_https, lasts=timedelta()))


__all__ = [
    "Response",
    "current_session",
    "current_sessions",
    "forget_attempt",
    "forget_session",
    "go_to_sign_in",
    "remember_attempt",
    "remember_session",
    "session_token",
    "sign_in_required",
]

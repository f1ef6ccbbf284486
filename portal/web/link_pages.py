"""What the pages behind a link in a mail print, and the cookie that carries the link to them.

The token stands in one address alone, which shows no page: it leads on at once, so that neither a
Referer nor a browser's history of pages has it.

    welcome/password.html   NewPasswordPage
    welcome/done.html       PasswordSetPage
    welcome/closed.html     ClosedPage
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.flows.editing.invitations import Over
from portal.web.context import services
from portal.web.pages import Link, Notice

_LONGEST_TOKEN = 64
_CARRIED = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordPage:
    """The form in which a person sets a password. `by` made the link."""

    tenant: str
    email: str
    by: str
    until: datetime
    is_new: bool
    shortest: int
    error: str = ""
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSetPage:
    """It is done; `leads_to_sso`: the sign-in page offers the company's sign-in first."""

    email: str
    leads_to_sso: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPage:
    """A link leads nowhere: why, and the way on."""

    title: str
    text: str
    link: Link


_CLOSED: dict[Over, tuple[int, str, str]] = {
    Over.UNKNOWN: (404, "This link is not known here", "It may be cut off: copy it whole. {ask}"),
    Over.EXPIRED: (410, "This link has expired", "It was good for some days only. {ask}"),
    Over.REVOKED: (410, "This link was taken back", "A newer one may have taken its place. {ask}"),
    Over.USED: (410, "This link has been used", "It works once. Was that not you? {ask}"),
    Over.SUSPENDED: (
        403,
        "Your company’s access is suspended",
        "Nobody of your company can use the portal at the moment. Ask your IT team.",
    ),
    Over.ENDED: (410, "Your set-up session is over", "What you saved stays. {ask}"),
    Over.DISABLED: (403, "Your account is switched off", "{ask}"),
}


def closed(over: Over, *, by: str = "", way_on: Link | None = None) -> Response:
    """Say why a link leads nowhere, whom to ask, and where to go."""
    status, title, text = _CLOSED[over]
    ask = f"Ask {by} for another one." if by else "Ask whoever sent it for another one."
    if over is Over.DISABLED:
        ask = f"Ask {by} to switch it on again." if by else "Ask your IT team."
    page = ClosedPage(
        title=title,
        text=text.format(ask=ask),
        link=way_on or Link("/login", "Go to the sign-in page"),
    )
    return make_response(render_template("welcome/closed.html", page=page), status)


def carry_on(cookie: str, token: str, path: str) -> Response:
    """Put a link's token into a cookie and lead on to the page, whose address is clean."""
    response = redirect(path, 303)
    if 0 < len(token) <= _LONGEST_TOKEN and token.isascii():
        response.set_cookie(cookie_name(cookie), token, max_age=_CARRIED, **cookie_flags())
    else:
        response.delete_cookie(cookie_name(cookie), **cookie_flags())
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def carried(cookie: str) -> str:
    """Give the token that the browser carries, "" where there is none."""
    raw = request.cookies.get(cookie_name(cookie), "")
    return raw if len(raw) <= _LONGEST_TOKEN else ""


def put_down(response: Response, cookie: str) -> None:
    """Take a carried token back."""
    response.delete_cookie(cookie_name(cookie), **cookie_flags())


def cookie_name(name: str) -> str:
    """Give a cookie's full name: on https bound to this host, so no subdomain can plant it."""
    return f"__Host-{name}" if services().settings.is_https else name


def cookie_flags() -> dict[str, Any]:
    """Give how such a cookie is kept: from scripts, from other sites, from plain http."""
    secure = services().settings.is_https
    return {"httponly": True, "samesite": "Lax", "secure": secure, "path": "/"}

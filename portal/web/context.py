"""What a view needs to know of its app and its request."""

from typing import Any, cast

from flask import Request, current_app, g, request

from portal.flows.outcomes import Visitor
from portal.services import Services


def services() -> Services:
    """Give the services of the running app."""
    return cast("Services", current_app.extensions["portal"])


def current_request() -> Request:
    """Give the request itself: each look through Flask's `request` costs as much as a call."""
    return cast("Request", request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - documented


def kept() -> Any:
    """Give what is kept for this request, Flask's `g` itself, for those who look several times."""
    return g._get_current_object()  # noqa: SLF001 - documented


def cookie(name: str) -> str:
    """Give a cookie's value, "" where there is none: `get` makes an exception of each miss."""
    values = current_request().cookies.getlist(name)
    return values[0] if values else ""


def known_cookie() -> str:
    """Give the name of the cookie that a password sign-in leaves in the browser."""
    return "__Host-portal_known" if services().settings.is_https else "portal_known"


def visitor() -> Visitor:
    """Give who is asking. The network is the socket's address or the trusted proxies' word."""
    asked = current_request()
    return Visitor(
        network=asked.remote_addr or "",
        user_agent=asked.headers.get("User-Agent", "")[:300],
        reference=reference(),
        known_mark=cookie(known_cookie()),
    )


def reference() -> str:
    """Give the reference of this request, which its page, log and trail bear."""
    return cast("str", g.reference)

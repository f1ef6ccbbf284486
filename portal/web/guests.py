"""The cookie of a set-up session: `portal_setup`, which is no `portal_session` and no account."""

from flask import g, request
from werkzeug.wrappers import Response

from portal.crypto import new_token
from portal.flows.editing.invitations import Closed
from portal.flows.editing.setup_session import SESSION, Guest, guest_of
from portal.web.context import services
from portal.web.link_pages import cookie_flags, cookie_name

PATH = "/setup"
_COOKIE = "portal_setup"
_LONGEST = 64


def guest_token() -> str:
    """Give the token of a set-up session that the browser carries, "" where there is none."""
    raw = request.cookies.get(cookie_name(_COOKIE), "")
    return raw if len(raw) <= _LONGEST else ""


def current_guest() -> Guest | Closed | None:
    """Give whose set-up session this is, why it is over, or None where there is none."""
    if not hasattr(g, "portal_guest"):
        token = guest_token()
        g.portal_guest = guest_of(services(), token) if token else None
    found: Guest | Closed | None = g.portal_guest
    return found


def offer_session(response: Response) -> None:
    """Give the browser a token that counts for nothing until the button of a link is pressed.

    Because it is there before, somebody who presses twice at once is in both times.
    """
    response.set_cookie(cookie_name(_COOKIE), new_token(), max_age=SESSION, **cookie_flags())


def end_session(response: Response) -> None:
    """Take the token back."""
    response.delete_cookie(cookie_name(_COOKIE), **cookie_flags())

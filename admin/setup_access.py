"""The pages of a set-up session: a few of the admin pages, lent, and nothing else.

no set-up session                 -> 404, as if there were no such pages
one that is over, or taken back   -> why, and whom to ask
a step that the link lacks        -> 404
a button that is an admin's       -> 404

A lent view is the admin pages' own: it finds the tenant of the set-up session in its scope, and
each of its paths leads to `/setup`. What it may write is bounded by
`portal.flows.editing.setup_rules`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, current_app, g, request
from werkzeug.exceptions import BadRequest, NotFound

from admin.access import Scope, scope, stale_form
from portal.core.session import Session, SignedInBy
from portal.flows.editing.invitations import Closed
from portal.flows.editing.setup_rules import May
from portal.flows.editing.setup_session import Guest
from portal.web.csrf import CsrfError
from portal.web.guests import PATH, current_guest
from portal.web.link_pages import closed

blueprint = Blueprint("setup", __name__, url_prefix=PATH)

View = Callable[..., Any]


def doorstep(view: View) -> View:
    """Mark a view that comes before the set-up session."""
    view.is_doorstep = True  # type: ignore[attr-defined]
    return view


def step(*may: May, does: frozenset[str] = frozenset({"save"})) -> Callable[[View], View]:
    """Mark a view with what the link must allow (one of them), and with its buttons."""

    def marked(view: View) -> View:
        view.setup_may = frozenset(may)  # type: ignore[attr-defined]
        view.setup_does = does  # type: ignore[attr-defined]
        return view

    return marked


def lend(
    rule: str, view: View, *may: May, does: frozenset[str] = frozenset({"save"}), form: bool = True
) -> None:
    """Put a view of the admin pages under this address, for the tenant of the set-up session."""

    @wraps(view)
    def lent(**names: Any) -> Any:
        return view(tenant=scope().tenant.slug, **names)

    methods = ["GET", "POST"] if form else ["GET"]
    blueprint.add_url_rule(
        rule, endpoint=view.__name__, view_func=step(*may, does=does)(lent), methods=methods
    )


@blueprint.before_request
def guard() -> Any:
    """Let in who is in a set-up session, to the steps that their link allows."""
    view = current_app.view_functions[request.endpoint or ""]
    if getattr(view, "is_doorstep", False):
        return None
    guest = current_guest()
    if isinstance(guest, Closed):
        return closed(guest.over, by=guest.by)
    if guest is None or not _may(guest, view):
        return current_app.handle_user_exception(NotFound())
    g.admin_scope = Scope(_session(guest), guest.bundle, guest)
    return None


def _may(guest: Guest, view: View) -> bool:
    """Whether this request is one of the steps; a view that is not marked is none."""
    needed: frozenset[May] | None = getattr(view, "setup_may", None)
    if needed is None or (needed and not needed & guest.may):
        return False
    if not all(str(name).isprintable() for name in (request.view_args or {}).values()):
        return False
    does: frozenset[str] = getattr(view, "setup_does", frozenset())
    return request.method != "POST" or request.form.get("do", "save") in does


def _session(guest: Guest) -> Session:
    """Give what stands for a session in the scope; it is in no table, and signs nobody in."""
    began = guest.link.used_at or guest.link.created_at
    return Session(
        id=0,
        public_id="",
        account=guest.account,
        by=SignedInBy("setup_link"),
        created_at=began,
        authenticated_at=began,
        last_seen_at=began,
        ends_by=guest.ends_at,
    )


@blueprint.errorhandler(CsrfError)
def form_again(error: CsrfError) -> Any:
    """Show the form again after a missing or stale token; a form of another site gets nothing."""
    if error.description and "another site" in error.description:
        return current_app.handle_user_exception(BadRequest())
    stopped = guard()
    return stale_form() if stopped is None else stopped

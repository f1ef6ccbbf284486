"""Who may do what here: before any lookup, for every route of the admin pages.

no session           -> sign in, and back; 404 for a set-up session, whose pages are at /setup
a member             -> 403
another tenant       -> 404, as if it were not there
operators' own pages -> 403 for a tenant's admin
a change             -> a sign-in of the last 15 minutes, or the password once more
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, current_app, flash, g, make_response, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.wrappers import Response

from admin.confirmation import confirm
from portal.core.registry import Role, Tenant
from portal.core.session import Session
from portal.flows.changes.tenant_edits import Actor
from portal.flows.editing.setup_rules import rule_for
from portal.flows.editing.setup_session import Guest
from portal.store.registry import Bundle
from portal.store.tenant_items import TenantRef
from portal.web.context import services, visitor
from portal.web.csrf import CsrfError
from portal.web.guests import current_guest
from portal.web.identity import current_session, go_to_sign_in

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

P = ParamSpec("P")
R = TypeVar("R")


class StaleFormError(Exception):
    """A view was about to write with a form that did not count."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The person, and the tenant whose pages these are (None: the pages of all tenants).

    `guest` is somebody in a set-up session: then `session` stands for it, and is in no table.
    """

    session: Session
    bundle: Bundle | None
    guest: Guest | None = None

    @property
    def is_operator(self) -> bool:
        """Whether the person runs the portal."""
        return self.session.account.role is Role.OPERATOR

    @property
    def tenant(self) -> Tenant:
        """The tenant of this page."""
        assert self.bundle is not None, "only pages of a tenant ask for it"
        return self.bundle.tenant

    @property
    def ref(self) -> TenantRef:
        """The tenant of this page, as the store names it."""
        return TenantRef(self.tenant.id, self.tenant.slug)


def scope() -> Scope:
    """Give who is asking, and about which tenant."""
    found: Scope = g.admin_scope
    return found


def actor() -> Actor:
    """Give who changes something. Only a form that counts has one."""
    if not is_submitted():
        raise StaleFormError
    at = scope()
    if at.guest is not None:
        rule = rule_for(services(), at.guest.link)
        return Actor(at.guest.account, visitor(), rule=rule)
    return Actor(at.session.account, visitor(), at.session.id)


def is_submitted() -> bool:
    """Whether a form was sent that may be acted upon."""
    return request.method == "POST" and not hasattr(g, "form_is_stale")


def operators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view that a tenant's admin may not open."""
    view.operators_only = True  # type: ignore[attr-defined]
    return view


def holds_secrets(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a form with secrets: who opens it proves who they are first, so that none is lost."""
    view.holds_secrets = True  # type: ignore[attr-defined]
    return view


@blueprint.before_request
def guard() -> Any:
    """Let in who may come in."""
    return _stopped()


def _stopped() -> Any:
    session = current_session()
    if session is None:
        return _shut()
    refusal = _refusal(session)
    if refusal is not None:
        return current_app.handle_user_exception(refusal)
    if request.method == "POST" or getattr(_view(), "holds_secrets", False):
        return confirm(session)
    return None


def _shut() -> Any:
    """Lead to the sign-in page; for somebody in a set-up session these pages are not there."""
    if isinstance(current_guest(), Guest):
        return current_app.handle_user_exception(NotFound())
    return go_to_sign_in()


def _refusal(session: Session) -> HTTPException | None:
    account = session.account
    if account.role is Role.MEMBER:
        return Forbidden()
    names = request.view_args or {}
    if not all(str(name).isprintable() for name in names.values()):
        return NotFound()
    slug = names.get("tenant")
    own = account.tenant.slug if account.tenant else None
    if slug is not None and own is not None and slug != own:
        return NotFound()
    bundle = services().registry.tenant(slug) if slug is not None and len(slug) <= 63 else None
    if slug is not None and bundle is None:
        return NotFound()
    if getattr(_view(), "operators_only", False) and account.role is not Role.OPERATOR:
        return Forbidden()
    g.admin_scope = Scope(session, bundle)
    return None


def _view() -> Any:
    return current_app.view_functions[request.endpoint or ""]


@blueprint.errorhandler(CsrfError)
def form_again(error: CsrfError) -> Any:
    """Show the form again after a missing or stale token, with what was typed.

    A form that another site sent gets nothing of the kind.
    """
    if error.description and "another site" in error.description:
        return current_app.handle_user_exception(BadRequest())
    session = current_session()
    if session is None:
        return _shut()
    refusal = _refusal(session)
    if refusal is not None:
        return current_app.handle_user_exception(refusal)
    return stale_form()


def stale_form() -> Response:
    """Give the view's form again, with what was typed; nothing of it counts."""
    g.form_is_stale = True
    flash("The page had been open for too long. Nothing was saved; please try once more.", "info")
    response: Response = make_response(_view()(**(request.view_args or {})))
    response.status_code = 400
    return response

"""What signed-in people call: the dashboard, their sessions, sign-out."""

from functools import lru_cache

from flask import Blueprint, abort, make_response, redirect, render_template
from werkzeug.wrappers import Response

from portal.core.registry import Role
from portal.core.session import Session
from portal.flows.signing.sign_out import can_end_at_provider, revoke, sign_out
from portal.web.announcements import notice_for
from portal.web.context import services, visitor
from portal.web.identity import (
    current_session,
    current_sessions,
    forget_session,
    go_to_sign_in,
    sign_in_required,
)
from portal.web.pages import (
    DashboardPage,
    Method,
    SessionRow,
    SignedOutPage,
    SignOutPage,
    Viewer,
)

blueprint = Blueprint("account", __name__)

_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
_PLAIN = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


@blueprint.get("/")
def home() -> Response:
    """Lead to the dashboard, or to the sign-in page."""
    return redirect("/dashboard" if current_session() else "/login", 302)


@blueprint.get("/dashboard")
def dashboard() -> Response | str:
    """Show who is signed in, how, for which tenant, until when, and where else."""
    session, found = current_sessions()
    if session is None:
        return go_to_sign_in()
    account, now = session.account, services().now()
    page = DashboardPage(
        viewer=viewer(session),
        tenant=account.tenant.name if account.tenant else "",
        role=account.role.value,
        method=_method(session),
        started=session.created_at,
        ends=session.ends_at,
        idle_minutes=int(session.idle_limit.total_seconds() // 60),
        sessions=tuple(
            session_row(other, current=other.id == session.id)
            for other in found
            if other.is_live(now)
        ),
        notice=notice_for(session),
    )
    return render_template("account/dashboard.html", page=page)


@blueprint.post("/auth/sessions/<public_id>/revoke")
@sign_in_required
def revoke_session(public_id: str) -> Response:
    """Sign out one of the person's own sessions."""
    session = _session()
    if public_id == session.public_id:
        return _signed_out(session)
    revoke(services(), session, public_id, visitor())
    return redirect("/dashboard", 303)


@blueprint.get("/auth/logout")
def ask_sign_out() -> Response | str:
    """Show the page with one button."""
    session = current_session()
    if session is None:
        return redirect("/auth/logged-out", 302)
    name = session.by.connection_name or ""
    provider = name if can_end_at_provider(services(), session) else ""
    page = SignOutPage(email=session.account.email, provider=provider)
    return render_template("account/sign_out.html", page=page)


@blueprint.post("/auth/logout")
def do_sign_out() -> Response:
    """Sign out here and, where the provider can, there."""
    session = current_session()
    if session is None:
        response = redirect("/auth/logged-out", 303)
        forget_session(response)
        return response
    return _signed_out(session)


def _signed_out(session: Session) -> Response:
    url = sign_out(services(), session, visitor())
    response = redirect(url, 302) if url else redirect("/auth/logged-out", 303)
    forget_session(response)
    return response


@blueprint.get("/auth/logged-out")
def signed_out() -> Response:
    """Say that the person is signed out; providers send the browser here."""
    return make_response(render_template("account/signed_out.html", page=SignedOutPage()))


def viewer(session: Session) -> Viewer:
    """Give the person as the head of every signed-in page shows them."""
    account = session.account
    return Viewer(account.name, account.email, may_administer=account.role is not Role.MEMBER)


def _session() -> Session:
    session = current_session()
    if session is None:
        abort(403)
    return session


def _method(session: Session) -> Method:
    if session.by.method == "password":
        return Method("Password")
    return Method("SSO", session.by.connection_name or "")


def session_row(session: Session, *, current: bool) -> SessionRow:
    """Give a session as the pages list it."""
    return SessionRow(
        id=session.public_id,
        method=_method(session),
        started=session.created_at,
        last_seen=session.last_seen_at,
        agent=_agent(session.user_agent),
        network=session.network,
        current=current,
    )


@lru_cache(maxsize=256)
def _agent(raw: str) -> str:
    """Sum up a User-Agent as people would: Firefox on Linux."""
    browser = next((name for name in _BROWSERS if name in raw), "")
    system = next((name for name in _SYSTEMS if name in raw), "")
    if not browser:
        return "Another program"
    name = _PLAIN.get(browser, browser)
    return f"{name} on {_PLAIN.get(system, system)}" if system else name

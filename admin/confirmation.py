"""The page that asks for the password again before a change, with the change kept."""

from typing import assert_never

from flask import flash, g, make_response, redirect, render_template, request
from pydantic import SecretStr
from werkzeug.wrappers import Response

from admin.frame_pages import ConfirmPage
from portal.core.redirects import HOME, safe_path
from portal.core.session import Session
from portal.flows.outcomes import Failed, GoToProvider, Throttled, WrongPassword
from portal.flows.signing.step_up import Confirmed, confirm_password, is_fresh, to_provider
from portal.throttle import Reached
from portal.web.account import viewer
from portal.web.context import services, visitor
from portal.web.failures import Words, to_login
from portal.web.identity import remember_attempt
from portal.web.pages import Notice
from portal.web.throttled import BUSY, wait_notice

PASSWORD = "confirm_password"  # noqa: S105 - the name of a field
PROVIDER = "confirm_at_provider"
LOST = "confirm_lost"
SECRETS = frozenset({"client_secret", "private_key", "new_password"})
_LONGEST = 1024
_TOO_MANY = Words("Too many tries", "Wait {wait} and try again.")
_OWN = frozenset({"csrf_token", PASSWORD, PROVIDER, LOST})


def confirm(session: Session) -> Response | None:
    """Give the page that asks who it is, or None once the request may go on.

    What was sent travels on in that page, secrets aside: they are asked for anew.
    """
    if is_fresh(session, services().now()):
        return None
    if request.method == "POST" and PROVIDER in request.form:
        return _at_provider(session)
    outcome: object = None
    by_password = session.by.method == "password"  # who came by SSO proves it there
    if by_password and request.method == "POST" and PASSWORD in request.form:
        typed = SecretStr(request.form[PASSWORD][: _LONGEST + 1])
        outcome = confirm_password(services(), session, typed, visitor())
        if isinstance(outcome, Confirmed):
            return _go_on()
    return _ask(session, outcome)


def _go_on() -> Response | None:
    if not set(request.form) - _OWN:
        return redirect(request.full_path.rstrip("?"), 303)
    if LOST in request.form:
        g.form_is_stale = True
        flash("Thank you. Type the secret once more and save: it was not kept.", "info")
    return None


def _ask(session: Session, outcome: object) -> Response:
    sent = list(request.form.items(multi=True)) if request.method == "POST" else []
    page = ConfirmPage(
        viewer=viewer(session),
        provider=session.by.connection_name or "SSO" if session.by.method == "sso" else "",
        action=request.full_path.rstrip("?"),
        kept=tuple((name, text) for name, text in sent if name not in _OWN | SECRETS),
        lost=any(text for name, text in sent if name in SECRETS) or LOST in request.form,
        notice=_notice(outcome),
        error="That password is not right." if isinstance(outcome, WrongPassword) else "",
    )
    response = make_response(render_template("admin/confirm.html", page=page))
    if isinstance(outcome, Throttled):
        response.status_code = 429
        response.headers["Retry-After"] = str(outcome.retry_after)
    return response


def _notice(outcome: object) -> Notice | None:
    if not isinstance(outcome, Throttled):
        return None
    return wait_notice(BUSY if outcome.why is Reached.AT_ONCE else _TOO_MANY, outcome.retry_after)


def _at_provider(session: Session) -> Response:
    back = safe_path(request.path) or HOME
    outcome = to_provider(services(), session, visitor(), back=back)
    match outcome:
        case GoToProvider():
            response = redirect(outcome.url, 302)
            remember_attempt(response, outcome)
            return response
        case Failed():
            return to_login(outcome)
        case _:
            assert_never(outcome)

"""What an invited person opens: on to the sign-in page, or a form to set a password.

GET /welcome/<token> spends nothing and shows nothing; GET /welcome is the page; its button counts.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, current_app, make_response, redirect, render_template, request
from pydantic import SecretStr
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from portal.core.new_password import LONGEST, SHORTEST
from portal.flows.editing.form_checks import Wrong
from portal.flows.editing.invitations import (
    Closed,
    Over,
    PasswordSet,
    Welcome,
    look,
    set_own_password,
)
from portal.store.links import LinkKind
from portal.web.context import services, visitor
from portal.web.csrf import CsrfError
from portal.web.link_pages import (
    NewPasswordPage,
    PasswordSetPage,
    carried,
    carry_on,
    closed,
    put_down,
)
from portal.web.pages import Link, Notice, Tone

blueprint = Blueprint("welcome", __name__)

_COOKIE = "portal_welcome"
_STALE = Notice(
    tone=Tone.INFO,
    title="The page had been open for too long",
    text="Nothing was saved. Please type the password once more.",
)


@blueprint.get("/welcome/<token>")
def opened(token: str) -> Response:
    """Take the link of a mail to the page that it is for."""
    return carry_on(_COOKIE, token, "/welcome")


@blueprint.get("/welcome")
def show() -> Response:
    """Show the form of a new password, or lead to the sign-in page where none is needed."""
    return _shown()


@blueprint.post("/welcome")
def submit() -> Response:
    """Set the password."""
    raw = request.form.get("new_password", "")[: LONGEST + 1]
    outcome = set_own_password(services(), carried(_COOKIE), SecretStr(raw), visitor())
    match outcome:
        case Wrong(fields):
            return _shown(error=next(iter(fields.values())))
        case PasswordSet(email, leads_to_sso):
            page = PasswordSetPage(email=email, leads_to_sso=leads_to_sso)
            response = make_response(render_template("welcome/done.html", page=page))
            put_down(response, _COOKIE)
            return response
        case Closed():
            return _closed(outcome)


@blueprint.errorhandler(CsrfError)
def form_again(error: CsrfError) -> Any:
    """Show the form again after a missing or stale token; a form of another site gets nothing."""
    if error.description and "another site" in error.description:
        return current_app.handle_user_exception(BadRequest())
    response = _shown(notice=_STALE)
    if response.status_code == 200:
        response.status_code = 400
    return response


def _shown(*, error: str = "", notice: Notice | None = None) -> Response:
    found = look(services(), carried(_COOKIE))
    if isinstance(found, Closed):
        return _closed(found)
    if found.leads_to_sso:
        return redirect(_sign_in(found.who.email), 303)
    return make_response(render_template("welcome/password.html", page=_page(found, error, notice)))


def _page(found: Welcome, error: str, notice: Notice | None) -> NewPasswordPage:
    return NewPasswordPage(
        tenant=found.tenant.name,
        email=found.who.email,
        by=found.link.made_by,
        until=found.link.expires_at,
        is_new=found.link.kind is LinkKind.INVITATION,
        shortest=SHORTEST,
        error=error,
        notice=notice,
    )


def _closed(found: Closed) -> Response:
    way_on = Link(_sign_in(found.email), "Go to the sign-in page") if found.email else None
    response = closed(found.over, by=found.by, way_on=way_on)
    if found.over is not Over.SUSPENDED:
        put_down(response, _COOKIE)
    return response


def _sign_in(email: str) -> str:
    return "/login?" + urlencode({"email": email})

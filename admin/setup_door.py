"""The way into a set-up session and out of it: the link, its button, the last page."""

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from admin.access import is_submitted, scope
from admin.framing import frame
from admin.setup_access import blueprint, doorstep, step
from admin.setup_pages import FinishedPage, SetupPage, StartPage
from admin.setup_steps import step_lines
from admin.setup_words import STEPS
from portal.flows.editing.invitations import Closed
from portal.flows.editing.setup_rules import allowed
from portal.flows.editing.setup_session import SESSION, Guest, finish, look_at, start
from portal.web.context import services, visitor
from portal.web.guests import PATH, current_guest, end_session, guest_token, offer_session
from portal.web.link_pages import carried, carry_on, closed, put_down
from portal.web.pages import Notice, Tone

_COOKIE = "portal_setup_link"
_START = f"{PATH}/start"


@blueprint.get("/link/<token>")
@doorstep
def opened(token: str) -> Response:
    """Take a set-up link to its page; spends nothing."""
    return carry_on(_COOKIE, token, _START)


@blueprint.route("/start", methods=["GET", "POST"])
@doorstep
def begin() -> Response:
    """Say what the link is for; the button spends it and begins the set-up session."""
    token = carried(_COOKIE)
    if is_submitted():
        outcome = start(services(), token, guest_token(), visitor())
        if isinstance(outcome, Closed):
            return closed(outcome.over, by=outcome.by)
        response = redirect(f"{PATH}/", 303)
        put_down(response, _COOKIE)
        return response
    offer = look_at(services(), token)
    guest = current_guest()
    if isinstance(guest, Guest) and (isinstance(offer, Closed) or offer.link.id == guest.link.id):
        return redirect(f"{PATH}/", 303)
    if isinstance(offer, Closed):
        return closed(offer.over, by=offer.by)
    page = StartPage(
        tenant=offer.tenant.name,
        for_whom=offer.link.for_whom,
        made_by=offer.link.made_by,
        until=offer.link.expires_at,
        steps=tuple(text for may, text in STEPS.items() if may in allowed(offer.link)),
        hours=SESSION.seconds // 3600,
        notice=_stale() if request.method == "POST" else None,
    )
    response = make_response(render_template("setup/start.html", page=page))
    offer_session(response)
    return response


def _stale() -> Notice:
    return Notice(tone=Tone.INFO, title="Nothing was begun yet", text="Please press once more.")


@blueprint.route("/finish", methods=["GET", "POST"])
@step()
def finished() -> Response | str:
    """Say what is done and what is left; the button ends the session and tells the link’s maker."""
    at, lines = scope(), step_lines()
    if not is_submitted():
        page = SetupPage(
            frame=frame("finish"), steps=lines, done=sum(line.is_done for line in lines)
        )
        return render_template("setup/finish.html", page=page)
    assert at.guest is not None, "only a set-up session comes here"
    words = tuple(f"{line.title}: {'done' if line.is_done else 'still to do'}" for line in lines)
    finish(services(), at.guest, visitor(), done=words)
    end = FinishedPage(tenant=at.tenant.name, made_by=at.guest.link.made_by, steps=lines)
    response = make_response(render_template("setup/finished.html", page=end))
    end_session(response)
    return response

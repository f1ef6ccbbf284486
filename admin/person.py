"""One person: role, break-glass, password, sessions."""

from dataclasses import replace

from flask import abort, render_template, request
from pydantic import SecretStr
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.forms import seen, sent, wrong_form
from admin.frame_pages import Form, SurePage
from admin.framing import done, frame, overtaken, tenant_path
from admin.people_list import new_password
from admin.people_pages import PersonPage
from admin.person_links import act_on_link, link_card
from admin.what_if import of_person
from portal.core.address import Address
from portal.core.counting import counted
from portal.core.session import Session
from portal.flows.changes.tenant_edits import NotAllowed, Overtaken, SaveOutcome, seen_text
from portal.flows.editing import people_edits
from portal.flows.editing.form_checks import Wrong
from portal.store import break_glass, people, sessions
from portal.store.people import Person
from portal.store.tenant_items import user_item
from portal.web.account import session_row
from portal.web.context import services
from portal.web.pages import Notice, Tone


@blueprint.route("/tenants/<tenant>/people/<int(max=2147483647):person>", methods=["GET", "POST"])
def person(tenant: str, person: int) -> Response | str:
    """Show a person, and do what the buttons say."""
    del tenant
    who = replace(_found(person), seen=seen())
    if not is_submitted():
        return _page(who, Form({"reason": sent("reason", longest=300)}))
    if loss := _loss(who):
        return _sure(who, loss)
    return _act(who)


def _found(number: int) -> Person:
    with services().database.read() as connection:
        who = people.person(connection, scope().tenant.id, number)
    if who is None:
        abort(404)
    return who


def _loss(who: Person) -> str:
    if request.form.get("sure"):
        return ""
    do = request.form.get("do", "")
    if do == "give_free":
        return (
            f"The account {who.email} is removed here, with its sessions and links, so that the "
            "company that has proven the domain can have the address. The audit trail stays."
        )
    glass = ""
    if do in {"unmark", "disable"}:
        glass = people_edits.last_glass(services(), scope().ref, who)
    own = people_edits.own_loss(
        scope().session.account,
        who,
        role="member" if do == "make_member" else "",
        disabled=do == "disable",
    )
    return f"{own} {glass}".strip()


def _act(who: Person) -> Response | str:
    at, by = services(), actor()
    ref, path = scope().ref, tenant_path("people", str(who.id))
    match request.form.get("do", ""):
        case "make_admin" | "make_member" as do:
            role = do.removeprefix("make_")
            return _told(people_edits.set_role(at, by, ref, who, role=role), who, f"is {role} now")
        case "disable":
            outcome = people_edits.set_disabled(at, by, ref, who, disabled=True)
            return _told(outcome, who, "is switched off, and signed out everywhere")
        case "enable":
            outcome = people_edits.set_disabled(at, by, ref, who, disabled=False)
            return _told(outcome, who, "can sign in again")
        case "mark" | "unmark" as do:
            return _mark(who, exempt=do == "mark")
        case "password":
            return _set_password(who)
        case "invite" | "send_password_link" | "take_back" as do:
            return act_on_link(who, do)
        case "give_free":
            return _give_free(who)
        case "sign_out":
            public_id = sent("session", longest=64)
            people_edits.end_sessions(at, by, ref, who, public_id=public_id)
            return done(path, "That session has ended.")
        case "sign_out_all":
            ended = people_edits.end_sessions(at, by, ref, who)
            return done(path, f"Signed out of {counted(ended, 'session')}.")
        case _:
            raise BadRequest


def _give_free(who: Person) -> Response:
    outcome = people_edits.give_free(services(), actor(), scope().ref, who)
    if isinstance(outcome, NotAllowed):
        return done(tenant_path("people", str(who.id)), outcome.why, tone=Tone.ERROR)
    return done(tenant_path("people"), f"{who.email} is free again.")


def _mark(who: Person, *, exempt: bool) -> Response | str:
    reason = sent("reason", longest=300)
    if exempt and not reason:
        return _page(who, Form({}, {"reason": "Say why: it is kept in the audit trail."}))
    outcome = people_edits.set_break_glass(
        services(), actor(), scope().ref, who, exempt=exempt, reason=reason
    )
    words = "is break-glass now" if exempt else "is no longer break-glass"
    return _told(outcome, who, words)


def _set_password(who: Person) -> Response | str:
    password = new_password() or SecretStr("")
    outcome = people_edits.set_password(services(), actor(), scope().ref, who, password=password)
    if isinstance(outcome, Wrong):
        return _page(who, wrong_form({}, outcome, {}))
    return _told(outcome, who, "has a new password")


def _told(outcome: SaveOutcome, who: Person, words: str) -> Response | str:
    if isinstance(outcome, Overtaken):
        form = Form({"reason": sent("reason", longest=300)})
        return _page(_found(who.id), form, overtaken(outcome, "this person"))
    path = tenant_path("people", str(who.id))
    if isinstance(outcome, NotAllowed):
        return done(path, outcome.why, tone=Tone.ERROR)
    return done(path, f"{who.name or who.email} {words}.")


def _sure(who: Person, loss: str) -> str:
    page = SurePage(
        frame=frame("people"),
        title="Are you sure?",
        text=loss,
        back=tenant_path("people", str(who.id)),
        kept=(("do", request.form.get("do", "")), ("sure", "yes"), ("seen", seen())),
    )
    return render_template("admin/sure.html", page=page)


def _page(who: Person, form: Form, *notices: Notice) -> str:
    now, mine = services().now(), scope().session
    with services().database.read() as connection:
        found: list[Session] = sessions.of_account(connection, who.id)
        item = user_item(connection, scope().ref, who.key)
        mark = break_glass.of_person(connection, who.id)
    page = PersonPage(
        frame=frame("people", *notices),
        form=form,
        seen=seen_text(item) if item else "",
        name=who.name,
        email=who.email,
        is_self=who.id == mine.account.id,
        is_anothers=scope().is_operator
        and people_edits.is_anothers(services(), scope().ref, Address.parse(who.email)),
        role=who.role,
        by_group=who.group_role == "admin" and who.role != "admin",
        disabled=who.disabled,
        break_glass=who.sso_exempt,
        mark=mark,
        has_password=who.has_password,
        link=link_card(who),
        issuers=who.issuers,
        created_at=who.created_at,
        last_sign_in_at=who.last_sign_in_at,
        ways=of_person(who.email, disabled=who.disabled, exempt=who.sso_exempt),
        sessions=tuple(
            session_row(one, current=one.id == mine.id) for one in found if one.is_live(now)
        ),
    )
    return render_template("admin/person.html", page=page)

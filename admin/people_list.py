"""A tenant's people: the list, and a new one."""

from flask import render_template, request
from pydantic import SecretStr
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, holds_secrets, is_submitted, scope
from admin.forms import typed, wrong_form
from admin.frame_pages import Form, Option
from admin.framing import done, frame, page_number, pager, searched, tenant_path
from admin.link_words import written_aside
from admin.people_pages import NewPersonPage, PeoplePage, PersonRow
from admin.person_links import send
from portal.core.new_password import LONGEST
from portal.flows.changes.tenant_edits import NotAllowed, Saved, Taken
from portal.flows.editing.form_checks import Wrong
from portal.flows.editing.people_edits import NewPerson, add_person
from portal.store import listing, people
from portal.store.links import LinkKind
from portal.web.context import services

_FILTERS = {
    "": "Everybody",
    "admins": "Admins",
    "break_glass": "Break-glass",
    "disabled": "Switched off",
}
_LABELS = {"email": "The address", "name": "The name", "role": "The role"}


@blueprint.get("/tenants/<tenant>/people")
def people_list(tenant: str) -> str:
    """List a tenant's people."""
    del tenant
    search, only = searched(), request.args.get("only", "")
    only = only if only in _FILTERS else ""
    with services().database.read() as connection:
        found = listing.people(
            connection, scope().tenant.id, search=search, only=only, number=page_number()
        )
    page = PeoplePage(
        frame=frame("people"),
        search=search,
        only=only,
        filters=tuple(Option(value, text) for value, text in _FILTERS.items()),
        rows=tuple(_row(line) for line in found.lines),
        pager=pager(found, {"q": search, "only": only}),
    )
    return render_template("admin/people.html", page=page)


def _row(line: listing.PersonLine) -> PersonRow:
    return PersonRow(
        tenant_path("people", str(line.id)),
        line.name,
        line.email,
        "admin" in {line.role, line.group_role},
        line.role != "admin" and line.group_role == "admin",
        line.disabled,
        line.sso_exempt,
        line.sessions,
        line.last_sign_in_at,
    )


@blueprint.route("/tenants/<tenant>/people/new", methods=["GET", "POST"])
@holds_secrets
def new_person(tenant: str) -> Response | str:
    """Add a person."""
    del tenant
    start = {"role": "member", "invite": "on"}
    form = Form(typed(("email", "name", "role", "invite")) if request.method == "POST" else start)
    if is_submitted():
        password = new_password()
        new = NewPerson(form.value("email"), form.value("name"), form.value("role"), password)
        key, outcome = add_person(services(), actor(), scope().ref, new)
        match outcome:
            case Wrong():
                form = wrong_form(form.values, outcome, _LABELS)
            case NotAllowed(why, field):
                form = Form(form.values, {field: why})
            case Taken():
                form = Form(form.values, {"email": "This person is in the list already."})
            case _:
                return _added(form, key, is_new=isinstance(outcome, Saved))
    page = NewPersonPage(
        frame=frame("people"),
        form=form,
        aside=written_aside(),
        any_address=scope().is_operator,
    )
    return render_template("admin/person_new.html", page=page)


def _added(form: Form, key: str, *, is_new: bool) -> Response:
    """Go on to the new person's page; one who is new may be sent an invitation."""
    tenant_id, words = scope().tenant.id, f"{form.value('email')} is added."
    with services().database.read() as connection:
        number = people.number_of(connection, key)
        who = people.person(connection, tenant_id, number) if number else None
    if who is None:
        return done(tenant_path("people"), words)
    if is_new and form.is_on("invite"):
        return send(who, LinkKind.INVITATION, first=words)
    return done(tenant_path("people", str(who.id)), words)


def new_password() -> SecretStr | None:
    """Give the password that was typed for somebody, or None."""
    raw = request.form.get("new_password", "")[: LONGEST + 1]
    return SecretStr(raw) if raw else None

"""All tenants, for operators; a new one, a tenant's settings, suspending."""

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, operators_only, scope
from admin.forms import seen, typed, wrong_form
from admin.frame_pages import Form, Option, SuspendPage, TenantFormPage, TenantRow, TenantsPage
from admin.framing import done, frame, overtaken, page_number, pager, searched, tenant_path
from portal.core.changes import Item, Kind, Value
from portal.core.entries import TenantEntry
from portal.flows.changes.tenant_edits import Overtaken, Taken, create_tenant, save, seen_text
from portal.flows.editing.form_checks import Wrong, check_tenant
from portal.store import listing, population
from portal.store.tenant_items import tenant_item
from portal.web.context import services

_LABELS = {
    "name": "The name",
    "tenant": "The short name",
    "idle_minutes": "The time without activity",
    "absolute_hours": "The longest time",
}
_FIELDS = ("name", "idle_minutes", "absolute_hours")
_SORTS = {"name": "By name", "newest": "Newest first", "suspended": "Suspended first"}


@blueprint.get("/")
def home() -> Response | str:
    """Show operators all tenants; lead a tenant's admin to their own."""
    own = scope().session.account.tenant
    if own is not None:
        return redirect(f"/admin/tenants/{own.slug}", 302)
    search, sort = searched(), request.args.get("sort", "name")
    with services().database.read() as connection:
        found = listing.tenants(connection, search=search, sort=sort, number=page_number())
    page = TenantsPage(
        frame=frame("tenants"),
        search=search,
        sort=sort if sort in _SORTS else "name",
        sorts=tuple(Option(value, text) for value, text in _SORTS.items()),
        rows=tuple(_row(line) for line in found.lines),
        pager=pager(found, {"q": search, "sort": sort if sort in _SORTS else ""}),
    )
    return render_template("admin/tenants.html", page=page)


def _row(line: listing.TenantLine) -> TenantRow:
    return TenantRow(
        f"/admin/tenants/{line.slug}",
        line.name,
        line.slug,
        line.suspended,
        line.domains,
        line.people,
        line.created_at,
    )


@blueprint.route("/new-tenant", methods=["GET", "POST"])
@operators_only
def new_tenant() -> Response | str:
    """Make a new tenant."""
    form = Form({"idle_minutes": "60", "absolute_hours": "12"})
    if request.method == "POST":
        form = Form(typed((*_FIELDS, "tenant")))
    if is_submitted():
        checked = check_tenant(_data(form, slug=form.value("tenant")))
        if isinstance(checked, Wrong):
            form = wrong_form(form.values, checked, _LABELS)
        else:
            outcome = create_tenant(services(), actor(), _item(checked))
            if not isinstance(outcome, Taken):
                return done(f"/admin/tenants/{checked.slug}", f"{checked.name} was created.")
            form = Form(form.values, {"tenant": "Another tenant has that short name."})
    page = TenantFormPage(frame=frame("tenants"), form=form, is_new=True)
    return render_template("admin/tenant_form.html", page=page)


@blueprint.route("/tenants/<tenant>/settings", methods=["GET", "POST"])
def tenant_settings(tenant: str) -> Response | str:
    """Rename a tenant; how long its people stay signed in."""
    with services().database.read() as connection:
        current = tenant_item(connection, scope().ref)
    assert current is not None, "the scope found it"
    form = Form({name: str(current.fields[name]) for name in _FIELDS}, seen=seen_text(current))
    notices = []
    if request.method == "POST":
        form = Form(typed(_FIELDS), seen=seen())
    if is_submitted():
        checked = check_tenant(_data(form, slug=tenant))
        if isinstance(checked, Wrong):
            form = wrong_form(form.values, checked, _LABELS, seen=form.seen)
        else:
            item = _item(checked, with_status=False)
            outcome = save(services(), actor(), item, seen=form.seen)
            if isinstance(outcome, Overtaken):
                form = Form(form.values, seen=outcome.seen)
                notices.append(overtaken(outcome, "these settings"))
            else:
                return done(tenant_path("settings"), "The settings are saved.")
    page = TenantFormPage(frame=frame("settings", *notices), form=form, is_new=False)
    return render_template("admin/tenant_form.html", page=page)


@blueprint.route("/tenants/<tenant>/suspend", methods=["GET", "POST"])
@operators_only
def suspend(tenant: str) -> Response | str:
    """Suspend a tenant, or let it in again."""
    at = scope()
    with services().database.read() as connection:
        current = tenant_item(connection, at.ref)
        counts = population.of_tenant(connection, tenant_id=at.tenant.id)
    assert current is not None, "the scope found it"
    notices = []
    if is_submitted():
        status = "active" if at.tenant.suspended else "suspended"
        item = Item(Kind.TENANT, tenant, tenant, {"status": status})
        outcome = save(services(), actor(), item, seen=seen())
        if not isinstance(outcome, Overtaken):
            words = "may sign in again" if status == "active" else "is suspended"
            return done(tenant_path(), f"{at.tenant.name} {words}.")
        notices.append(overtaken(outcome, "this company"))
    page = SuspendPage(
        frame=frame("settings", *notices),
        suspended=at.tenant.suspended,
        people=counts.people,
        sessions=counts.sessions,
        seen=seen_text(current),
    )
    return render_template("admin/suspend.html", page=page)


def _data(form: Form, *, slug: str) -> dict[str, object]:
    session = {name: _number(form.value(name)) for name in ("idle_minutes", "absolute_hours")}
    return {"tenant": slug, "name": form.value("name"), "session": session}


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _item(entry: TenantEntry, *, with_status: bool = True) -> Item:
    fields: dict[str, Value] = {
        "name": entry.name,
        "idle_minutes": entry.idle_minutes,
        "absolute_hours": entry.absolute_hours,
    }
    if with_status:
        fields["status"] = "active"
    return Item(Kind.TENANT, entry.slug, entry.slug, fields)

"""The audit trail: who did what, from where, before and after; filtered, and as files."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, render_template

from admin.access import blueprint, operators_only, scope
from admin.forms import asked
from admin.frame_pages import Form, Option
from admin.framing import FIELDS, frame, harmless, page_number, pager, tenant_path
from admin.trail_pages import EntryRow, FieldLine, TrailPage
from portal.store import trail
from portal.store.trail import Filter, Line
from portal.web.context import services

_EVENTS = {
    "sign_in:password": "Sign-in by password",
    "sign_in:sso": "Sign-in by SSO",
    "session:sign_out": "Sign-out",
    "session:revoked": "Session ended by hand",
    "session:ended_by_provider": "Session ended by the provider",
    "session:confirmed": "Proved again who they are",
    "registry:changed": "Change",
    "rollout:planned": "Planned rollout",
    "domain:checked": "Domain checked",
    "connection:tried": "Test sign-in",
    "link:made": "Link made",
    "link:mailed": "Link mailed",
    "link:used": "Link used",
    "link:revoked": "Link revoked",
    "link:finished": "Set-up finished",
}
_OUTCOMES = (
    Option("", "Any"),
    Option("failed", "Failed"),
    Option("success", "Succeeded"),
    Option("created", "Created"),
    Option("changed", "Changed"),
    Option("removed", "Removed"),
)
_FIELDS = ("person", "event", "outcome", "about", "reference", "since", "until")
_GOOD = frozenset({"success", "created", "changed", "removed", "disabled"})
_COLUMNS = (
    "at",
    "event",
    "outcome",
    "tenant",
    "actor",
    "object",
    "network",
    "reference",
    "change_set",
    "detail",
)
_MOST_FIELDS = 40
_MOST_NAMES = 20
_OPEN_FIELDS = 3
_CHANGE = "registry:changed"
_KINDS = {
    "tenant": "Company",
    "client": "Application",
    "connection": "Connection",
    "domain": "Domain",
    "user": "Person",
    "operator": "Operator",
}
_DONE = {"created": "added", "disabled": "switched off"}


@blueprint.get("/audit")
@operators_only
def audit_of_all() -> str:
    """Show the trail of all tenants, and of what is of none."""
    return _page("/admin/audit", None)


@blueprint.get("/tenants/<tenant>/audit")
def audit(tenant: str) -> str:
    """Show a tenant's trail."""
    del tenant
    return _page(tenant_path("audit"), scope().tenant.id)


@blueprint.get("/audit.<any(csv, jsonl):form>")
@operators_only
def export_of_all(form: str) -> Response:
    """Give the trail of all tenants as a file."""
    return _file(form, None)


@blueprint.get("/tenants/<tenant>/audit.<any(csv, jsonl):form>")
def export(tenant: str, form: str) -> Response:
    """Give a tenant's trail as a file."""
    del tenant
    return _file(form, scope().tenant.id)


def _page(path: str, tenant_id: int | None) -> str:
    values = _values()
    wanted, errors = _filter(values, tenant_id)
    with services().database.read() as connection:
        edge = trail.edge_of(connection, wanted)
        found = trail.page(connection, wanted, number=page_number(), edge=edge)
    query = urlencode({name: text for name, text in values.items() if text})
    end = f"?{query}" if query else ""
    page = TrailPage(
        frame=frame("trail"),
        form=Form(values, errors),
        events=(Option("", "Any"), *(Option(value, text) for value, text in _EVENTS.items())),
        outcomes=_OUTCOMES,
        rows=tuple(_row(line, wanted.about) for line in found.lines),
        back_to=edge.at if edge else None,
        pager=pager(found, values),
        path=path,
        exports=(("CSV", f"{path}.csv{end}"), ("JSON Lines", f"{path}.jsonl{end}")),
        is_filtered=bool(query),
    )
    return render_template("admin/trail.html", page=page)


def _values() -> dict[str, str]:
    return {name: asked(name) for name in _FIELDS}


def _filter(values: Mapping[str, str], tenant_id: int | None) -> tuple[Filter, dict[str, str]]:
    errors: dict[str, str] = {}
    since, until = (_day(values[name], name, errors) for name in ("since", "until"))
    wanted = Filter(
        tenant_id=tenant_id,
        person=values["person"],
        event=values["event"],
        outcome=values["outcome"],
        about=values["about"],
        reference=values["reference"].upper(),
        since=since,
        until=until + timedelta(days=1) if until else None,
    )
    return wanted, errors


def _day(text: str, name: str, errors: dict[str, str]) -> datetime | None:
    """Give the beginning of a day, in UTC."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = None
    if text and (day is None or not 1970 <= day.year <= 9000):
        errors[name] = "Write a day as 2026-12-31."
        return None
    return datetime.combine(day, time(), UTC) if day else None


def _row(line: Line, looked_for: str) -> EntryRow:
    fields = tuple(_fields(line.detail, looked_for.lower()))[:_MOST_FIELDS]
    return EntryRow(
        at=line.at,
        who=line.actor or "Somebody unknown",
        what=_what(line),
        about=_about(line),
        outcome="Done" if line.event == _CHANGE else line.outcome.replace("_", " ").capitalize(),
        tone="success" if line.outcome in _GOOD else "error",
        tenant=line.tenant,
        network=line.network,
        reference=line.reference,
        fields=fields,
        is_short=len(fields) <= _OPEN_FIELDS and line.outcome != "created",
    )


def _what(line: Line) -> str:
    """Say what was done: `Domain added`, `Sign-in by SSO`."""
    if line.event != _CHANGE:
        return _EVENTS.get(line.event, line.event)
    kind, _, name = line.about.partition(" ")
    thing = _KINDS.get(kind, "Domains" if name.endswith("domains") else "Something")
    return f"{thing} {_DONE.get(line.outcome, line.outcome)}"


def _about(line: Line) -> str:
    """Name the object as its own page does."""
    if line.event == "connection:tried":
        return _connection_of(line)
    kind, _, name = line.about.partition(" ")
    if kind in _KINDS:
        return name.removeprefix(f"{line.tenant}/")
    return name if line.event == _CHANGE else line.about


def _connection_of(line: Line) -> str:
    """Name the connection of a test sign-in, which the trail knows by its number."""
    bundle, number = scope().bundle, line.about.rpartition(" ")[2]
    way = bundle.connections.get(int(number)) if bundle and number.isdigit() else None
    return way.name if way else line.about


def _fields(detail: Mapping[str, Any], looked_for: str) -> Iterator[FieldLine]:
    for name, value in detail.items():
        if name == "fields" and isinstance(value, Mapping):
            for inner, change in value.items():
                yield _field(inner, change)
        elif name == "domains" and isinstance(value, list):
            yield FieldLine("Domains", "", _names(value, looked_for))
        elif isinstance(value, bool):
            yield FieldLine(_said(name), "", "yes" if value else "no")
        else:
            yield FieldLine(_said(name), "", _text(value))


def _said(name: str) -> str:
    return FIELDS.get(name) or name.replace("_", " ").capitalize()


def _names(names: list[Any], looked_for: str) -> str:
    """Name the first of many domains, those before all that were looked for."""
    told = sorted(map(str, names), key=lambda name: looked_for not in name)
    more = f" and {len(told) - _MOST_NAMES:,} more" if len(told) > _MOST_NAMES else ""
    return ", ".join(told[:_MOST_NAMES]) + more


def _field(name: str, change: Any) -> FieldLine:
    said = _said(name)
    if isinstance(change, list) and len(change) == 2:
        return FieldLine(said, _text(change[0]) or "nothing", _text(change[1]) or "nothing")
    return FieldLine(said, "", _text(change))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else str(value)


def _file(form: str, tenant_id: int | None) -> Response:
    """Stream the entries: a trail of any length needs no memory."""
    wanted, _ = _filter(_values(), tenant_id)
    database = services().database

    def lines() -> Iterator[str]:
        with database.read() as connection:
            found = trail.stream(connection, wanted)
            yield from (_as_csv(found) if form == "csv" else _as_json(found))

    kind = "text/csv" if form == "csv" else "application/jsonl"
    response = Response(lines(), content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


def _as_csv(lines: Iterator[Line]) -> Iterator[str]:
    yield ",".join(_COLUMNS) + "\r\n"
    for line in lines:
        buffer = io.StringIO()
        csv.writer(buffer).writerow([_cell(value) for value in _cells(line).values()])
        yield buffer.getvalue()


def _cell(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)
    return harmless(text)


def _as_json(lines: Iterator[Line]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(_cells(line), ensure_ascii=False) + "\n"


def _cells(line: Line) -> dict[str, object]:
    values = (
        line.at.isoformat(),
        line.event,
        line.outcome,
        line.tenant,
        line.actor,
        line.about,
        line.network,
        line.reference,
        line.change_set,
        dict(line.detail),
    )
    return dict(zip(_COLUMNS, values, strict=True))

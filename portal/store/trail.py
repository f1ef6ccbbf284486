"""The audit trail as people read it: filtered, in pages or as a stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, func, or_, select

from portal.store.audit import SHARED, Event
from portal.store.engine import AnyRow
from portal.store.listing import PAGE, Slice
from portal.store.tables import AUDIT, TENANTS

LOOKED_THROUGH = 100_000
"""How many entries a page looks through for a text that may stand anywhere: no index helps."""

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries: of one tenant (None: of all), and whatever else is not empty."""

    tenant_id: int | None
    person: str = ""
    event: str = ""
    events: tuple[str, ...] = ()
    outcome: str = ""
    about: str = ""
    reference: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the trail, as it was written."""

    id: int
    at: datetime
    event: str
    outcome: str
    tenant_id: int | None
    tenant: str
    actor: str
    about: str
    network: str
    reference: str
    change_set: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edge:
    """The oldest entry that a search for a text looks at."""

    id: int
    at: datetime


def edge_of(connection: Connection, wanted: Filter) -> Edge | None:
    """Give how far back a page looks, None where it looks at everything.

    A search for a text reads what it looks through, so that is bounded; an earlier `until` moves
    it on. A file of the same entries looks at everything.
    """
    if not wanted.person and not wanted.about:
        return None
    where = _where(Filter(tenant_id=wanted.tenant_id, until=wanted.until))
    query = select(AUDIT.c.id, AUDIT.c.at).where(*where).order_by(AUDIT.c.id.desc())
    row = connection.execute(query.offset(LOOKED_THROUGH - 1).limit(1)).first()
    return Edge(row.id, row.at) if row else None


def page(
    connection: Connection, wanted: Filter, *, number: int = 1, edge: Edge | None = None
) -> Slice[Line]:
    """Give a page of the entries, the newest first, back to the edge."""
    where = _where(wanted)
    if edge is not None:
        where.append(AUDIT.c.id >= edge.id)
    counting = select(func.count()).select_from(AUDIT).where(*where)
    total = connection.execute(counting).scalar_one()
    number = min(max(1, number), max(1, -(-total // PAGE)))
    query = _lines(where).limit(PAGE).offset((number - 1) * PAGE)
    return Slice(tuple(_line(row) for row in connection.execute(query)), number, total)


def stream(connection: Connection, wanted: Filter) -> Iterator[Line]:
    """Give all entries, the newest first, a batch at a time."""
    where = _where(wanted)
    before: int | None = None
    while True:
        older = [] if before is None else [AUDIT.c.id < before]
        rows = connection.execute(_lines([*where, *older]).limit(_BATCH)).all()
        yield from (_line(row) for row in rows)
        if len(rows) < _BATCH:
            return
        before = rows[-1].id


def latest_about(
    connection: Connection, tenant_id: int, about: str, *, outcome: str = ""
) -> Line | None:
    """Give the newest change of one object of a tenant, of one kind where that is asked for."""
    where = [
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.object == about,
        AUDIT.c.event == Event.REGISTRY_CHANGED.value,
    ]
    if outcome:
        where.append(AUDIT.c.outcome == outcome)
    row = connection.execute(_lines(where).limit(1)).first()
    return _line(row) if row else None


def by_reference(
    connection: Connection, tenant_id: int | None, reference: str, *events: str
) -> Line | None:
    """Give the newest entry with a reference, of one tenant, or with None of any or of none."""
    where = [AUDIT.c.reference == reference, AUDIT.c.event.in_(events)]
    if tenant_id is not None:
        where.append(AUDIT.c.tenant_id == tenant_id)
    row = connection.execute(_lines(where).limit(1)).first()
    return _line(row) if row else None


def _lines(where: list[ColumnElement[bool]]) -> Any:
    return (
        select(AUDIT, TENANTS.c.slug)
        .outerjoin(TENANTS, TENANTS.c.id == AUDIT.c.tenant_id)
        .where(*where)
        .order_by(AUDIT.c.id.desc())
    )


def _where(wanted: Filter) -> list[ColumnElement[bool]]:
    where = _outcome(wanted.outcome)
    if wanted.tenant_id is not None:
        where.append(AUDIT.c.tenant_id == wanted.tenant_id)
    if wanted.person:
        where.append(_holds(AUDIT.c.actor, wanted.person))
    if wanted.about:
        where.append(_is_about(wanted.about))
    for column, text in ((AUDIT.c.event, wanted.event), (AUDIT.c.reference, wanted.reference)):
        if text:
            where.append(column == text)
    if wanted.events:
        where.append(AUDIT.c.event.in_(wanted.events))
    if wanted.since:
        where.append(AUDIT.c.at >= wanted.since)
    if wanted.until:
        where.append(AUDIT.c.at < wanted.until)
    return where


def _is_about(text: str) -> ColumnElement[bool]:
    """Whether an entry is about it: by its object, or as one of the many domains of an entry."""
    by_object = _holds(AUDIT.c.object, text)
    if "." not in text:
        return by_object
    shared = (
        AUDIT.c.event == Event.REGISTRY_CHANGED.value,
        AUDIT.c.object.endswith(SHARED, autoescape=True),
        _holds(cast(AUDIT.c.detail, Text), text),
    )
    return or_(by_object, and_(*shared))


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = func.lower(column).contains(text.lower(), autoescape=True)
    return found


def _outcome(wanted: str) -> list[ColumnElement[bool]]:
    if wanted == "failed":
        return [AUDIT.c.outcome.not_in(("success", "created", "changed", "removed", "disabled"))]
    return [AUDIT.c.outcome == wanted] if wanted else []


def _line(row: AnyRow) -> Line:
    return Line(
        id=row.id,
        at=row.at,
        event=row.event,
        outcome=row.outcome,
        tenant_id=row.tenant_id,
        tenant=row.slug or "",
        actor=row.actor,
        about=row.object,
        network=row.network,
        reference=row.reference,
        change_set=row.change_set or "",
        detail=row.detail,
    )

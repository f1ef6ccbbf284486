"""What nobody needs any more: found without a lock, removed in short transactions of a few rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute

from portal.core.session import OPERATOR_ABSOLUTE, OPERATOR_IDLE
from portal.store import spent
from portal.store.columns import UtcDateTime
from portal.store.engine import Database
from portal.store.link_tables import LinkRow
from portal.store.tables import (
    AuditRow,
    SessionRow,
    SpentRow,
    TenantRow,
    ThrottleRow,
    UploadRow,
    UserRow,
)
from portal.store.watch_tables import StartedRow

STARTED_KEPT = timedelta(days=7)
BACK_KEPT = timedelta(hours=1)
MOST_STARTED = 100_000  # whatever a flood brought
AUDIT_KEPT = timedelta(days=400)
THROTTLE_KEPT = timedelta(hours=1)  # longer than any window reaches back
LINKS_KEPT = timedelta(days=30)  # after their end: until then their page says what became of them
BATCH = 500
MOST_BATCHES = 200  # of one kind in one run; the next run goes on


@dataclass(frozen=True, slots=True)
class Broom:
    """One kind of thing that grows old: its name, its key, and which are stale."""

    name: str
    key: InstrumentedAttribute[Any]
    stale: Callable[[datetime, bool], Select[*tuple[Any, ...]]]


def take_turn(database: Database, slot: str, *, until: datetime) -> bool:
    """Whether this process is the one that sweeps in this slot of time, over all of them."""
    with database.transaction() as connection:
        return spent.spend(connection, f"housekeeping:{slot}", expires_at=until)


def sweep_batch(database: Database, broom: Broom, now: datetime) -> int:
    """Remove some of what is stale; give how many. Fewer than a batch: nothing is left."""
    with database.read() as connection:
        found = connection.execute(broom.stale(now, database.is_sqlite).limit(BATCH))
        keys = found.scalars().all()
    if not keys:
        return 0
    with database.transaction() as connection:
        return _remove(connection, broom.key, keys)


def _remove(connection: Connection, key: InstrumentedAttribute[Any], keys: Sequence[Any]) -> int:
    some = key.in_(bindparam("keys", expanding=True))
    return connection.execute(delete(key.class_).where(some), {"keys": keys}).rowcount


def _ended_sessions(now: datetime, is_sqlite: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001 - the field `stale` gives it its place
    idle = func.coalesce(TenantRow.idle_minutes, _minutes(OPERATOR_IDLE))
    longest = func.coalesce(TenantRow.absolute_hours * 60, _minutes(OPERATOR_ABSOLUTE))
    return (
        select(SessionRow.id)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .outerjoin(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(
            (SessionRow.ends_by <= now)
            | (SessionRow.last_seen_at <= _ago(now, idle, is_sqlite=is_sqlite))
            | (SessionRow.created_at <= _ago(now, longest, is_sqlite=is_sqlite))
        )
    )


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _ago(now: datetime, minutes: ColumnElement[int], *, is_sqlite: bool) -> ColumnElement[datetime]:
    """Give the time so many minutes before `now`, as each database reckons it."""
    if is_sqlite:
        reckoned = func.datetime(literal(now, UtcDateTime()), func.format("-%d minutes", minutes))
        return type_coerce(reckoned, UtcDateTime())
    # years, months, weeks, days, hours, minutes
    span = func.make_interval(0, 0, 0, 0, 0, minutes)
    return type_coerce(literal(now, UtcDateTime()) - span, UtcDateTime())


def _old_starts(now: datetime, _is_sqlite: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001 - as above
    beyond = select(StartedRow.at).order_by(StartedRow.at.desc()).offset(MOST_STARTED).limit(1)
    return select(StartedRow.key).where(
        (StartedRow.at < now - STARTED_KEPT)
        | (StartedRow.back_at < now - BACK_KEPT)
        | (StartedRow.at <= beyond.scalar_subquery())
    )


BROOMS: tuple[Broom, ...] = (
    Broom("sessions", SessionRow.id, _ended_sessions),
    Broom(
        "spent",
        SpentRow.token_hash,
        lambda now, _: select(SpentRow.token_hash).where(SpentRow.expires_at < now),
    ),
    Broom(
        "uploads",
        UploadRow.user_id,
        lambda now, _: select(UploadRow.user_id).where(UploadRow.expires_at < now),
    ),
    Broom(
        "throttle",
        ThrottleRow.id,
        lambda now, _: select(ThrottleRow.id).where(ThrottleRow.at < now - THROTTLE_KEPT),
    ),
    Broom("started", StartedRow.key, _old_starts),
    Broom(
        "links",
        LinkRow.id,
        lambda now, _: select(LinkRow.id).where(LinkRow.expires_at < now - LINKS_KEPT),
    ),
    Broom(
        "audit",
        AuditRow.id,
        lambda now, _: select(AuditRow.id).where(AuditRow.at < now - AUDIT_KEPT),
    ),
)

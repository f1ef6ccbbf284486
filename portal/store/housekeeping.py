"""What nobody needs any more: found without a lock, removed in short transactions of a few rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
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

from portal.core.session import OPERATOR_ABSOLUTE, OPERATOR_IDLE
from portal.store import spent
from portal.store.columns import UtcDateTime
from portal.store.engine import Database
from portal.store.link_tables import LINKS
from portal.store.tables import (
    AUDIT,
    SESSIONS,
    SPENT,
    TENANTS,
    THROTTLE,
    UPLOADS,
    USERS,
)
from portal.store.watch_tables import STARTED_SIGN_INS

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
    key: Column[Any]
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


def _remove(connection: Connection, key: Column[Any], keys: Sequence[Any]) -> int:
    some = key.in_(bindparam("keys", expanding=True))
    return connection.execute(delete(key.table).where(some), {"keys": keys}).rowcount


def _ended_sessions(now: datetime, is_sqlite: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001 - the field `stale` gives it its place
    idle = func.coalesce(TENANTS.c.idle_minutes, _minutes(OPERATOR_IDLE))
    longest = func.coalesce(TENANTS.c.absolute_hours * 60, _minutes(OPERATOR_ABSOLUTE))
    return (
        select(SESSIONS.c.id)
        .join(USERS, USERS.c.id == SESSIONS.c.user_id)
        .outerjoin(TENANTS, TENANTS.c.id == USERS.c.tenant_id)
        .where(
            (SESSIONS.c.ends_by <= now)
            | (SESSIONS.c.last_seen_at <= _ago(now, idle, is_sqlite=is_sqlite))
            | (SESSIONS.c.created_at <= _ago(now, longest, is_sqlite=is_sqlite))
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
    beyond = (
        select(STARTED_SIGN_INS.c.at)
        .order_by(STARTED_SIGN_INS.c.at.desc())
        .offset(MOST_STARTED)
        .limit(1)
    )
    return select(STARTED_SIGN_INS.c.key).where(
        (STARTED_SIGN_INS.c.at < now - STARTED_KEPT)
        | (STARTED_SIGN_INS.c.back_at < now - BACK_KEPT)
        | (STARTED_SIGN_INS.c.at <= beyond.scalar_subquery())
    )


BROOMS: tuple[Broom, ...] = (
    Broom("sessions", SESSIONS.c.id, _ended_sessions),
    Broom(
        "spent",
        SPENT.c.token_hash,
        lambda now, _: select(SPENT.c.token_hash).where(SPENT.c.expires_at < now),
    ),
    Broom(
        "uploads",
        UPLOADS.c.user_id,
        lambda now, _: select(UPLOADS.c.user_id).where(UPLOADS.c.expires_at < now),
    ),
    Broom(
        "throttle",
        THROTTLE.c.id,
        lambda now, _: select(THROTTLE.c.id).where(THROTTLE.c.at < now - THROTTLE_KEPT),
    ),
    Broom("started", STARTED_SIGN_INS.c.key, _old_starts),
    Broom(
        "links",
        LINKS.c.id,
        lambda now, _: select(LINKS.c.id).where(LINKS.c.expires_at < now - LINKS_KEPT),
    ),
    Broom(
        "audit",
        AUDIT.c.id,
        lambda now, _: select(AUDIT.c.id).where(AUDIT.c.at < now - AUDIT_KEPT),
    ),
)

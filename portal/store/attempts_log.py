"""A sliding log of wrong passwords: reserved before the work, so that races cannot overshoot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, text

from portal.store.engine import Database
from portal.store.tables import THROTTLE
from portal.throttle import Limit, PasswordLimits, Reached


@dataclass(frozen=True, slots=True)
class Reserved:
    """A place under the own limit; given back with `release` when nothing wrong happened."""

    id: int | None = None
    shared: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A limit is reached; trying again makes sense after `retry_after`."""

    retry_after: timedelta
    of: Reached


def reserve(database: Database, limits: PasswordLimits, *, now: datetime) -> Reserved | Exhausted:
    """Take a place under the own limit, over all processes, where no shared one is reached."""
    own = limits.own
    with database.transaction(brief=True) as connection:
        for limit in limits.shared:
            if until := _full_until(connection, limit, now):
                return Exhausted(until - now, limit.of)
        if not database.is_sqlite:
            lock = text("SELECT pg_advisory_xact_lock(:key)")
            connection.execute(lock, {"key": int(own.key[:15], 16)})
        mine = THROTTLE.c.key_hash == own.key
        connection.execute(delete(THROTTLE).where(mine, THROTTLE.c.at <= now - own.window))
        hits, oldest = connection.execute(
            select(func.count(), func.min(THROTTLE.c.at)).where(mine)
        ).one()
        if hits >= own.most:
            return Exhausted(oldest + own.window - now, own.of)
        taken = insert(THROTTLE).values(key_hash=own.key, at=now).returning(THROTTLE.c.id)
        return Reserved(connection.execute(taken).scalar_one(), limits.shared)


def _full_until(connection: Connection, limit: Limit, now: datetime) -> datetime | None:
    """Give when a shared limit has room again, None where it has."""
    last = (
        select(THROTTLE.c.at)
        .where(THROTTLE.c.key_hash == limit.key, THROTTLE.c.at > now - limit.window)
        .order_by(THROTTLE.c.at.desc())
        .offset(limit.most - 1)
        .limit(1)
    )
    at: datetime | None = connection.execute(last).scalar()
    return at + limit.window if at else None


def release(database: Database, reserved: Reserved) -> None:
    """Give the place back: what was tried was right."""
    if reserved.id is None:
        return
    with database.transaction(brief=True) as connection:
        connection.execute(delete(THROTTLE).where(THROTTLE.c.id == reserved.id))


def count_wrong(connection: Connection, reserved: Reserved, *, now: datetime) -> None:
    """Count a wrong password against the limits that many people share."""
    rows = _rows(reserved.shared, now)
    if rows:
        connection.execute(insert(THROTTLE), rows)


def _rows(limits: Sequence[Limit], now: datetime) -> list[dict[str, object]]:
    return [{"key_hash": limit.key, "at": now} for limit in limits]

"""A sliding log of what is limited: reserved before the work, so that races cannot overshoot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, text

from portal.store.engine import Database
from portal.store.tables import ThrottleRow
from portal.throttle import Limit


@dataclass(frozen=True, slots=True)
class Reserved:
    """A place under every limit; given back with `release` when nothing wrong happened."""

    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A limit is reached; trying again makes sense after `retry_after`."""

    retry_after: timedelta


def reserve(database: Database, limits: Sequence[Limit], *, now: datetime) -> Reserved | Exhausted:
    """Take a place under every limit, in one transaction, over all processes."""
    ids: list[int] = []
    with database.transaction() as connection:
        for limit in limits:
            if not database.is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": int(limit.key[:15], 16)})
            since = now - limit.window
            mine = ThrottleRow.key_hash == limit.key
            connection.execute(delete(ThrottleRow).where(mine, ThrottleRow.at <= since))
            hits, oldest = connection.execute(
                select(func.count(), func.min(ThrottleRow.at)).where(mine)
            ).one()
            if hits >= limit.most:
                connection.execute(delete(ThrottleRow).where(ThrottleRow.id.in_(ids)))
                return Exhausted(oldest + limit.window - now)
            ids.append(
                connection.execute(
                    insert(ThrottleRow).values(key_hash=limit.key, at=now).returning(ThrottleRow.id)
                ).scalar_one()
            )
    return Reserved(tuple(ids))


def release(database: Database, reserved: Reserved) -> None:
    """Give the places back: what was tried was right."""
    with database.transaction() as connection:
        connection.execute(delete(ThrottleRow).where(ThrottleRow.id.in_(reserved.ids)))


def sweep(database: Database, before: datetime) -> int:
    """Forget what no window reaches any more; give how many."""
    with database.transaction() as connection:
        return connection.execute(delete(ThrottleRow).where(ThrottleRow.at < before)).rowcount

"""Break-glass people: why each is one, and when they last got in by it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from portal.store.rollout_tables import BREAK_GLASS
from portal.store.tables import USERS
from portal.store.upserts import upsert

QUIET = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of a mark; all of it may be empty, as of one that a seed file made."""

    reason: str = ""
    marked_by: str = ""
    marked_at: datetime | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody who got in by their mark."""

    user_id: int
    email: str
    used_at: datetime


def of_person(connection: Connection, user_id: int) -> Mark:
    """Give what is known of a person's mark."""
    names = ("reason", "marked_by", "marked_at", "used_at")
    columns = [BREAK_GLASS.c[name] for name in names]
    row = connection.execute(select(*columns).where(BREAK_GLASS.c.user_id == user_id)).first()
    return Mark(*row) if row else Mark()


def note_mark(
    connection: Connection, user_id: int, *, reason: str, by: str, now: datetime | None
) -> None:
    """Note why somebody is break-glass, or (with nothing) that they are no more."""
    _ensure(connection, user_id)
    connection.execute(
        update(BREAK_GLASS)
        .where(BREAK_GLASS.c.user_id == user_id)
        .values(reason=reason, marked_by=by, marked_at=now)
    )


def note_use(connection: Connection, user_id: int, *, now: datetime) -> bool:
    """Note that somebody got in by their mark; whether it is time to tell of it by mail."""
    _ensure(connection, user_id)
    mine = BREAK_GLASS.c.user_id == user_id
    connection.execute(update(BREAK_GLASS).where(mine).values(used_at=now))
    quiet = or_(BREAK_GLASS.c.told_at.is_(None), BREAK_GLASS.c.told_at <= now - QUIET)
    told = update(BREAK_GLASS).where(mine, quiet).values(told_at=now)
    return connection.execute(told).rowcount == 1


def uses(connection: Connection, tenant_id: int, *, since: datetime) -> list[Use]:
    """Give who of a tenant got in by their mark since a time, the latest first."""
    query = (
        select(USERS.c.id, USERS.c.email, BREAK_GLASS.c.used_at)
        .join(USERS, USERS.c.id == BREAK_GLASS.c.user_id)
        .where(USERS.c.tenant_id == tenant_id, BREAK_GLASS.c.used_at >= since)
        .order_by(BREAK_GLASS.c.used_at.desc())
        .limit(10)
    )
    return [Use(row[0], row[1], row[2]) for row in connection.execute(query) if row[2]]


def _ensure(connection: Connection, user_id: int) -> None:
    insert = upsert(BREAK_GLASS, dialect=connection.dialect.name)
    connection.execute(insert.values(user_id=user_id).on_conflict_do_nothing())

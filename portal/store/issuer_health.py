"""How issuers are: one row each, written by whoever has the turn, read by every process."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, literal, null, select, update

from portal.store.columns import UtcDateTime
from portal.store.tables import CLIENTS, CONNECTIONS, TENANTS
from portal.store.upserts import upsert
from portal.store.watch_tables import ISSUER_HEALTH


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an issuer found; a `problem` where it could not be read.

    `ahead` is how far its clock is before ours, None where it told no time.
    """

    issuer: str
    problem: str = ""
    is_down: bool = False
    keys: int = 0
    algorithms: int = 0
    ahead: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The last look at an issuer, how many in a row have failed, and since when."""

    look: Look
    checked_at: datetime
    failures: int
    failing_since: datetime | None
    good_at: datetime | None


def enrol(connection: Connection, *, default: str, now: datetime) -> None:
    """See that every issuer that people are sent to has a row; `default` serves the rest."""
    used = _used(default)
    new = select(used.c.issuer, literal(now, UtcDateTime())).where(
        ~exists().where(ISSUER_HEALTH.c.issuer == used.c.issuer)
    )
    insert = upsert(ISSUER_HEALTH, dialect=connection.dialect.name)
    statement = insert.from_select(["issuer", "next_check_at"], new)
    connection.execute(statement.on_conflict_do_nothing())


def take_due(
    connection: Connection, *, default: str, now: datetime, until: datetime, most: int
) -> list[str]:
    """Give the issuers in use whose time has come, the longest waiting first; put them off."""
    used = _used(default)
    query = (
        select(ISSUER_HEALTH.c.issuer)
        .where(
            ISSUER_HEALTH.c.next_check_at <= now, ISSUER_HEALTH.c.issuer.in_(select(used.c.issuer))
        )
        .order_by(ISSUER_HEALTH.c.next_check_at)
        .limit(most)
    )
    found = list(connection.execute(query).scalars())
    if found:
        mine = ISSUER_HEALTH.c.issuer.in_(found)
        connection.execute(update(ISSUER_HEALTH).where(mine).values(next_check_at=until))
    return found


def note(connection: Connection, look: Look, *, now: datetime, next_at: datetime) -> None:
    """Write how a look ended."""
    before = of_issuers(connection, [look.issuer]).get(look.issuer)
    failures = (before.failures if before else 0) + 1 if look.problem else 0
    since = (before.failing_since if before else None) or now
    values = {
        "next_check_at": next_at,
        "checked_at": now,
        "problem": look.problem,
        "is_down": look.is_down,
        "keys": look.keys,
        "algorithms": look.algorithms,
        "ahead_seconds": round(look.ahead.total_seconds()) if look.ahead is not None else None,
        "failures": failures,
        "failing_since": since if failures else None,
        "good_at": now if not failures else before.good_at if before else None,
    }
    insert = upsert(ISSUER_HEALTH, dialect=connection.dialect.name).values(
        issuer=look.issuer, **values
    )
    connection.execute(insert.on_conflict_do_update(index_elements=["issuer"], set_=values))


def of_issuers(connection: Connection, issuers: Iterable[str]) -> dict[str, Health]:
    """Give the health of these issuers, where they have been looked at."""
    wanted = sorted(set(issuers))
    query = select(ISSUER_HEALTH).where(
        ISSUER_HEALTH.c.issuer.in_(wanted), ISSUER_HEALTH.c.checked_at.is_not(None)
    )
    return {row.issuer: _health(row) for row in connection.execute(query)}


def failing(connection: Connection, *, failures: int, since: datetime) -> list[str]:
    """Give the issuers that have failed so many looks in a row, the last one since a time."""
    query = select(ISSUER_HEALTH.c.issuer).where(
        ISSUER_HEALTH.c.failures >= failures, ISSUER_HEALTH.c.checked_at >= since
    )
    return list(connection.execute(query).scalars())


def _used(default: str) -> Any:
    """Give the issuers of all connections that are on, as a subquery."""
    own: Select[Any] = (
        select(CLIENTS.c.issuer)
        .join(CONNECTIONS, CONNECTIONS.c.client_id == CLIENTS.c.id)
        .join(TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id)
        .where(CONNECTIONS.c.enabled, TENANTS.c.status == "active")
    )
    shared: Select[Any] = (
        select(literal(default) if default else null())
        .select_from(CONNECTIONS)
        .where(CONNECTIONS.c.enabled, CONNECTIONS.c.client_id.is_(None), literal(bool(default)))
    )
    return own.union(shared).subquery("used")


def _health(row: Any) -> Health:
    ahead = timedelta(seconds=row.ahead_seconds) if row.ahead_seconds is not None else None
    look = Look(row.issuer, row.problem, row.is_down, row.keys, row.algorithms, ahead)
    return Health(look, row.checked_at, row.failures, row.failing_since, row.good_at)

"""A tenant's sign-ins by day, for the small chart of its overview."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from portal.store.setup_progress import PASSWORD, SSO
from portal.store.tables import AUDIT


@dataclass(frozen=True, slots=True)
class Day:
    """How many came in by each way on a day (UTC), and how many tries failed."""

    day: date
    by_sso: int = 0
    by_password: int = 0
    failed: int = 0


def by_day(connection: Connection, tenant_id: int, *, now: datetime, days: int) -> list[Day]:
    """Give the last days, the oldest first; a day without sign-ins is there too."""
    first = now.date() - timedelta(days=days - 1)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = _utc_date(connection)
    succeeded = AUDIT.c.outcome == "success"
    query = (
        select(
            day,
            func.count().filter(AUDIT.c.event == SSO, succeeded),
            func.count().filter(AUDIT.c.event == PASSWORD, succeeded),
            func.count().filter(~succeeded),
        )
        .where(
            AUDIT.c.tenant_id == tenant_id,
            AUDIT.c.at >= start,
            AUDIT.c.event.in_((SSO, PASSWORD)),
        )
        .group_by(day)
    )
    found = {str(row[0]): row for row in connection.execute(query)}
    return [
        Day(at, *found[str(at)][1:]) if str(at) in found else Day(at)
        for at in (first + timedelta(days=number) for number in range(days))
    ]


def _utc_date(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        return func.date(AUDIT.c.at)
    return func.date(func.timezone("UTC", AUDIT.c.at))

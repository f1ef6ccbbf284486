"""How a tenant's sign-ins by each connection ended lately, counted from the trail."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from portal.core.errors import FailureCode
from portal.store.setup_progress import SSO
from portal.store.tables import AUDIT

_FAULTS = frozenset(
    {
        FailureCode.OIDC_FAILED.value,
        FailureCode.PROVIDER_UNAVAILABLE.value,
        FailureCode.SSO_UNAVAILABLE.value,
    }
)
"""How sign-ins end where it is not for the person that they fail."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many came in, how many failed by a fault of the connection, how many otherwise."""

    came_in: int = 0
    faults: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """How many tried."""
        return self.came_in + self.faults + self.others

    def plus(self, outcome: str, count: int) -> "Tally":
        """Give the tally with so many more of an outcome."""
        if outcome == "success":
            return replace(self, came_in=self.came_in + count)
        if outcome in _FAULTS:
            return replace(self, faults=self.faults + count)
        return replace(self, others=self.others + count)


@dataclass(frozen=True, slots=True)
class Tallies:
    """The sign-ins of the last day and of the last week."""

    day: Tally = field(default_factory=Tally)
    week: Tally = field(default_factory=Tally)


def by_connection(
    connection: Connection, tenant_id: int, slugs: list[str], *, day: datetime, week: datetime
) -> dict[str, Tallies]:
    """Give the tallies of a tenant's connections by their slug, since a day and since a week."""
    abouts = {f"connection {slug}": slug for slug in slugs}
    query = (
        select(
            AUDIT.c.object,
            AUDIT.c.outcome,
            func.count().filter(AUDIT.c.at >= day),
            func.count(),
        )
        .where(
            AUDIT.c.tenant_id == tenant_id,
            AUDIT.c.object.in_(abouts),
            AUDIT.c.event == SSO,
            AUDIT.c.at >= week,
        )
        .group_by(AUDIT.c.object, AUDIT.c.outcome)
    )
    found = dict.fromkeys(slugs, Tallies())
    for about, outcome, of_day, of_week in connection.execute(query):
        before = found[abouts[about]]
        found[abouts[about]] = Tallies(
            before.day.plus(outcome, of_day), before.week.plus(outcome, of_week)
        )
    return found

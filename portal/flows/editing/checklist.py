"""What a tenant still has to do, from nothing to SSO for everyone: a list with next actions."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection

from portal.services import Services
from portal.store import population, setup_progress, sign_in_days
from portal.store.population import Population
from portal.store.setup_progress import Progress, SignIns
from portal.store.sign_in_days import Day
from portal.store.tenant_items import TenantRef

LATELY = timedelta(days=30)


class Step(StrEnum):
    """The steps, in their order."""

    CLAIM = "claim"
    PROVE = "prove"
    CONNECT = "connect"
    LEAD = "lead"
    TEST = "test"
    FIRST = "first"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Point:
    """A step: whether it is done, and the object that its next action is about."""

    step: Step
    is_done: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A tenant's steps and its numbers of the last 30 days."""

    points: tuple[Point, ...]
    progress: Progress
    people: Population
    sign_ins: SignIns
    days: tuple[Day, ...]

    @property
    def next(self) -> Point | None:
        """The first step that is not done."""
        return next((point for point in self.points if not point.is_done), None)


def checklist(services: Services, tenant: TenantRef) -> Checklist:
    """Give where a tenant stands."""
    since = services.now() - LATELY
    with services.database.read() as connection:
        found = setup_progress.of_tenant(connection, tenant.id)
        people = population.of_tenant(connection, tenant_id=tenant.id)
        lately = setup_progress.sign_ins(connection, tenant.id, since=since)
        days = sign_in_days.by_day(connection, tenant.id, now=services.now(), days=LATELY.days)
        points = _points(connection, tenant, found)
    return Checklist(points, found, people, lately, tuple(days))


def next_point(services: Services, tenant: TenantRef) -> Point | None:
    """Give the first step that is not done; None where all are."""
    with services.database.read() as connection:
        found = setup_progress.of_tenant(connection, tenant.id)
        points = _points(connection, tenant, found)
    return next((point for point in points if not point.is_done), None)


def _points(connection: Connection, tenant: TenantRef, found: Progress) -> tuple[Point, ...]:
    came = setup_progress.has_come_in(connection, tenant.id, setup_progress.SSO)
    tested = came or setup_progress.has_come_in(connection, tenant.id, setup_progress.TEST)
    return (
        Point(Step.CLAIM, found.domains > 0),
        Point(Step.PROVE, found.domains > 0 and not found.unproven, found.unproven),
        Point(Step.CONNECT, found.enabled > 0),
        Point(Step.LEAD, found.connected > 0, found.unconnected),
        Point(Step.TEST, tested, found.enabled_key),
        Point(Step.FIRST, came),
        Point(Step.REQUIRE, found.required > 0, found.optional),
    )

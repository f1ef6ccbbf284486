"""Planned rollouts, one for each domain at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from portal.core.registry import Policy
from portal.core.rollout_plan import PlanState, RolloutPlan, RolloutStep, WayNow
from portal.store.engine import AnyRow
from portal.store.rollout_tables import ROLLOUT_PLANS
from portal.store.tables import DOMAINS, TENANTS
from portal.store.tenant_items import TenantRef


@dataclass(frozen=True, slots=True)
class DomainRef:
    """A domain that has a plan, which is not read yet."""

    id: int
    name: str
    tenant: TenantRef

    def __str__(self) -> str:
        """Name it as the log does."""
        return f"{self.tenant.slug}/{self.name}"


@dataclass(frozen=True, slots=True)
class PlannedDomain(DomainRef):
    """A domain with its plan."""

    plan: RolloutPlan


_PLANNED = (
    select(ROLLOUT_PLANS, DOMAINS.c.name, DOMAINS.c.tenant_id, TENANTS.c.slug)
    .join(DOMAINS, DOMAINS.c.id == ROLLOUT_PLANS.c.domain_id)
    .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
)
_REFS = _PLANNED.with_only_columns(
    ROLLOUT_PLANS.c.domain_id, DOMAINS.c.name, DOMAINS.c.tenant_id, TENANTS.c.slug
)


def domain_id(connection: Connection, tenant: TenantRef, name: str) -> int | None:
    """Give the number of a tenant's domain."""
    query = select(DOMAINS.c.id).where(DOMAINS.c.tenant_id == tenant.id, DOMAINS.c.name == name)
    return connection.execute(query).scalar()


def of_domain(connection: Connection, number: int) -> RolloutPlan | None:
    """Give what is planned for a domain."""
    row = connection.execute(_PLANNED.where(ROLLOUT_PLANS.c.domain_id == number)).first()
    return _plan(row) if row else None


def of_tenant(connection: Connection, tenant_id: int) -> list[PlannedDomain]:
    """Give everything that is planned for a tenant, by name."""
    query = _PLANNED.where(DOMAINS.c.tenant_id == tenant_id).order_by(DOMAINS.c.name)
    return [_planned(row) for row in connection.execute(query)]


def planned(connection: Connection, at: DomainRef) -> PlannedDomain | None:
    """Give a domain with what is planned for it now."""
    plan = of_domain(connection, at.id)
    return PlannedDomain(at.id, at.name, at.tenant, plan) if plan else None


def due(connection: Connection, now: datetime) -> list[DomainRef]:
    """Give the domains whose next step has come; those of suspended tenants wait."""
    query = _REFS.where(ROLLOUT_PLANS.c.due_at <= now, TENANTS.c.status == "active")
    return _refs(connection, query.order_by(ROLLOUT_PLANS.c.due_at))


def watched(connection: Connection, now: datetime) -> list[DomainRef]:
    """Give the domains whose last step was taken lately."""
    query = _REFS.where(
        ROLLOUT_PLANS.c.watched_until > now,
        ROLLOUT_PLANS.c.state.in_((PlanState.PLANNED.value, PlanState.DONE.value)),
    )
    return _refs(connection, query)


def _refs(connection: Connection, query: Any) -> list[DomainRef]:
    return [
        DomainRef(row.domain_id, row.name, TenantRef(row.tenant_id, row.slug))
        for row in connection.execute(query)
    ]


def put(connection: Connection, number: int, plan: RolloutPlan) -> None:
    """Write what is planned for a domain, in the place of what was."""
    values = {
        "steps": [[step.on.isoformat(), step.per_cent] for step in plan.steps],
        "done": plan.done,
        "state": plan.state.value,
        "due_at": plan.due_at,
        "planned_by": plan.planned_by,
        "planned_at": plan.planned_at,
        "way_before": _as_json(plan.before),
        "way_left": _as_json(plan.left),
        "stepped_at": plan.stepped_at,
        "watched_until": plan.watched_until,
        "told": dict(plan.told),
    }
    mine = ROLLOUT_PLANS.c.domain_id == number
    if not connection.execute(update(ROLLOUT_PLANS).where(mine).values(**values)).rowcount:
        connection.execute(insert(ROLLOUT_PLANS).values(domain_id=number, **values))


def drop(connection: Connection, number: int) -> bool:
    """Forget what was planned for a domain; whether there was anything."""
    gone = connection.execute(delete(ROLLOUT_PLANS).where(ROLLOUT_PLANS.c.domain_id == number))
    return bool(gone.rowcount)


def _planned(row: AnyRow) -> PlannedDomain:
    return PlannedDomain(row.domain_id, row.name, TenantRef(row.tenant_id, row.slug), _plan(row))


def _plan(row: AnyRow) -> RolloutPlan:
    return RolloutPlan(
        steps=tuple(RolloutStep(date.fromisoformat(day), size) for day, size in row.steps),
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        before=_way(row.way_before),
        left=_way(row.way_left),
        done=row.done,
        state=PlanState(row.state),
        due_at=row.due_at,
        stepped_at=row.stepped_at,
        watched_until=row.watched_until,
        told=row.told,
    )


def _as_json(way: WayNow) -> dict[str, Any]:
    return {"policy": way.policy.value, "rollout": way.rollout}


def _way(values: Mapping[str, Any]) -> WayNow:
    return WayNow(Policy(values["policy"]), values["rollout"])

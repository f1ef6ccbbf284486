"""Requiring SSO in steps, by dates: planned, changed, cancelled, and taken when the day comes.

    plan, drop, go_on     what an admin does
    take_due              what the running portal does: each step once, across processes

What must be so before a requirement is looked at when it is planned and again on the day. If it is
not so then, nothing changes for anybody: the plan is held, and the admins are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from portal.core.changes import Action, Change, Item, Kind, field_changes
from portal.core.registry import Policy
from portal.core.rollout_plan import (
    WATCHED,
    PlanState,
    RolloutPlan,
    RolloutStep,
    WayNow,
    moved_to,
    problems,
)
from portal.flows.changes.registry_changes import write
from portal.flows.changes.registry_trail import Source
from portal.flows.changes.tenant_edits import Actor
from portal.flows.letters.rollout_mail import tell_held, tell_taken
from portal.flows.one_by_one import one_by_one
from portal.flows.rollout.enforcement import Condition, conditions_within
from portal.observe import log
from portal.services import Services
from portal.store import audit, rollout_plans
from portal.store.rollout_plans import DomainRef
from portal.store.tenant_items import TenantRef, domain_item, lock_tenant

_LEAST_BETWEEN = timedelta(hours=23)  # a step that was late leaves the next one its time


@dataclass(frozen=True, slots=True)
class Planned:
    """It is as the admin wants it: a plan, or (None) no plan any more."""

    plan: RolloutPlan | None


@dataclass(frozen=True, slots=True)
class WrongSteps:
    """The steps make no plan: what is wrong with which of them."""

    problems: dict[int, str]


@dataclass(frozen=True, slots=True)
class Unmet:
    """What must be so before is not so."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class PlanOvertaken:
    """Somebody else planned, changed or cancelled meanwhile; nothing was written."""

    by: str


@dataclass(frozen=True, slots=True)
class DomainGone:
    """The domain is not there any more."""


PlanOutcome = Planned | WrongSteps | Unmet | PlanOvertaken | DomainGone


@dataclass(frozen=True, slots=True)
class _Held:
    """A domain with its plan, in the transaction that may change both."""

    connection: Connection
    tenant: TenantRef
    item: Item
    number: int
    plan: RolloutPlan | None


def version_of(plan: RolloutPlan | None) -> str:
    """Give what a form carries to tell whether the plan changed meanwhile."""
    return f"{plan.planned_at.isoformat()} {plan.done} {plan.state}" if plan else ""


def way_of(item: Item) -> WayNow:
    """Give what a domain asks now."""
    return WayNow(Policy(str(item.fields["policy"])), int(str(item.fields["rollout"])))


def plan(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    name: str,
    *,
    steps: Sequence[RolloutStep],
    seen: str,
) -> PlanOutcome:
    """Plan the steps of a domain, in the place of what was planned."""
    now = services.now()
    with services.database.transaction() as connection:
        at = _hold(connection, tenant, name)
        if at is None:
            return DomainGone()
        if version_of(at.plan) != seen:
            return PlanOvertaken(at.plan.planned_by if at.plan else "")
        way = way_of(at.item)
        found = problems(steps, today=now.date(), reach=way.reach)
        if found or not steps:
            return WrongSteps(found or {0: "Give a day and a number for one step at least."})
        if unmet := _unmet(services, at):
            return Unmet(unmet)
        wanted = RolloutPlan(
            steps=tuple(steps),
            planned_by=actor.account.email,
            planned_at=now,
            before=way,
            left=way,
            due_at=steps[0].at,
        )
        rollout_plans.put(connection, at.number, wanted)
        _note(services, at, actor, Action.CHANGED if at.plan else Action.CREATED, wanted)
    return Planned(wanted)


def drop(
    services: Services, actor: Actor, tenant: TenantRef, name: str, *, seen: str
) -> PlanOutcome:
    """Cancel what is planned; the domain stays as it is."""
    with services.database.transaction() as connection:
        at = _hold(connection, tenant, name)
        if at is None:
            return DomainGone()
        if at.plan is None:
            return Planned(None)
        if version_of(at.plan) != seen:
            return PlanOvertaken(at.plan.planned_by)
        rollout_plans.drop(connection, at.number)
        _note(services, at, actor, Action.REMOVED, at.plan)
    return Planned(None)


def go_on(
    services: Services, actor: Actor, tenant: TenantRef, name: str, *, seen: str
) -> PlanOutcome:
    """Take the step at which a plan waits, now; the later ones keep their distance."""
    with services.database.transaction() as connection:
        at = _hold(connection, tenant, name)
        if at is None:
            return DomainGone()
        if at.plan is None or not at.plan.waits or version_of(at.plan) != seen:
            return PlanOvertaken(at.plan.planned_by if at.plan else "")
        if unmet := _unmet(services, at):
            return Unmet(unmet)
        reach = way_of(at.item).reach
        ahead = moved_to(
            [step for step in at.plan.ahead if step.per_cent > reach], services.now().date()
        )
        wanted = replace(
            at.plan,
            steps=(*at.plan.steps[: at.plan.done], *ahead),
            planned_by=actor.account.email,
            planned_at=services.now(),
        )
        if not ahead:
            rollout_plans.drop(connection, at.number)
            _note(services, at, actor, Action.REMOVED, at.plan)
            return Planned(None)
        _note(services, at, actor, Action.CHANGED, wanted)
        source = Source(actor.visitor.network, actor.visitor.reference)
        return Planned(_take(services, replace(at, plan=wanted), wanted, source=source))


def take_due(services: Services) -> int:
    """Take the steps whose day has come; give how many were looked at."""
    with services.database.read() as connection:
        found = rollout_plans.due(connection, services.now())
    one_by_one(services, found, _come_due, name=str)
    return len(found)


def _come_due(services: Services, domain: DomainRef) -> None:
    with services.database.transaction() as connection:
        at = _hold(connection, domain.tenant, domain.name)
        if at is None or at.plan is None or at.plan.due_at is None:
            return
        if at.plan.due_at > services.now() or at.plan.state is not PlanState.PLANNED:
            return
        if way_of(at.item) != at.plan.left:
            _put_on_hold(services, at, at.plan, {"why": "changed"})
        elif unmet := _unmet(services, at):
            needs = [c.need.value for c in unmet if not c.is_met]
            _put_on_hold(services, at, at.plan, {"why": "conditions", "needs": needs})
        else:
            wanted = _take(services, at, at.plan)
            tell_taken(services, connection, domain, wanted)


def _hold(connection: Connection, tenant: TenantRef, name: str) -> _Held | None:
    locked = lock_tenant(connection, tenant.slug)
    item = domain_item(connection, locked, name) if locked else None
    number = rollout_plans.domain_id(connection, locked, name) if locked else None
    if locked is None or item is None or number is None:
        return None
    return _Held(connection, locked, item, number, rollout_plans.of_domain(connection, number))


def _unmet(services: Services, at: _Held) -> tuple[Condition, ...]:
    """Give the conditions where one of them is not met, else nothing."""
    keys = at.item.fields["connections"]
    chosen = keys if isinstance(keys, tuple) else ()
    found = conditions_within(services, at.connection, at.tenant, at.item, connections=chosen)
    return () if all(condition.is_met for condition in found) else found


def _take(
    services: Services, at: _Held, plan: RolloutPlan, *, source: Source | None = None
) -> RolloutPlan:
    """Take the next step, as a change of the domain by whoever planned it."""
    step, now = plan.ahead[0], services.now()
    said = f"rollout: step {plan.done + 1} of {len(plan.steps)}, planned {plan.planned_at:%Y-%m-%d}"
    way = WayNow(Policy.REQUIRED, step.per_cent)
    change_way(services, at.connection, at.item, way, by=plan.planned_by, source=source, note=said)
    later = plan.ahead[1:]
    taken = replace(
        plan,
        before=way_of(at.item),
        left=way,
        done=plan.done + 1,
        state=PlanState.PLANNED if later else PlanState.DONE,
        due_at=max(later[0].at, now + _LEAST_BETWEEN) if later else None,
        stepped_at=now,
        watched_until=now + WATCHED,
        told={},
    )
    rollout_plans.put(at.connection, at.number, taken)
    log.info("rollout.step_taken", tenant=at.tenant.slug, domain=at.item.key, to=step.per_cent)
    return taken


def change_way(
    services: Services,
    connection: Connection,
    item: Item,
    way: WayNow,
    *,
    by: str,
    note: str,
    source: Source | None = None,
) -> None:
    """Write policy and rollout of a domain, through the one write path, in this transaction."""
    fields = {"policy": way.policy.value, "rollout": way.rollout}
    found = field_changes(item, Item(Kind.DOMAIN, item.tenant, item.key, fields))
    if not found:
        return
    change = Change(Action.CHANGED, Kind.DOMAIN, item.tenant, item.key, found)
    whence = replace(source or Source(), note=note)
    write(connection, [change], now=services.now(), by=by, source=whence)


def _put_on_hold(services: Services, at: _Held, plan: RolloutPlan, told: dict[str, Any]) -> None:
    held = replace(
        plan,
        state=PlanState.HELD,
        due_at=None,
        told={**told, "at": services.now().isoformat(), "day": plan.ahead[0].on.isoformat()},
    )
    rollout_plans.put(at.connection, at.number, held)
    note_plan(services, at.connection, at.tenant, at.item.key, held, outcome="held")
    domain = DomainRef(at.number, at.item.key, at.tenant)
    tell_held(services, at.connection, domain, held)
    log.warning("rollout.held", tenant=at.tenant.slug, domain=at.item.key, why=told["why"])


def _note(services: Services, at: _Held, actor: Actor, action: Action, plan: RolloutPlan) -> None:
    note_plan(
        services,
        at.connection,
        at.tenant,
        at.item.key,
        plan,
        outcome=action.value,
        actor=actor,
        before=at.plan if action is Action.CHANGED else None,
    )


def note_plan(
    services: Services,
    connection: Connection,
    tenant: TenantRef,
    name: str,
    plan: RolloutPlan,
    *,
    outcome: str,
    actor: Actor | None = None,
    before: RolloutPlan | None = None,
) -> None:
    """Append to the trail what became of a plan."""
    detail: dict[str, Any] = {"steps": _said(plan), **plan.told}
    if before is not None:
        detail["before"] = _said(before)
    entry = audit.Entry(
        at=services.now(),
        event=audit.Event.ROLLOUT_PLANNED,
        outcome=outcome,
        actor=actor.account.email if actor else "the portal itself",
        tenant_id=tenant.id,
        object=f"domain {tenant.slug}/{name}",
        network=actor.visitor.network if actor else "",
        reference=actor.visitor.reference if actor else "",
        detail=detail,
    )
    audit.record(connection, entry)


def _said(plan: RolloutPlan) -> list[str]:
    return [f"{step.on.isoformat()}: {step.per_cent} %" for step in plan.steps]

"""A word in time: three days before a step, when it would not happen as things are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from portal.core.rollout_plan import PlanState, RolloutPlan
from portal.flows.letters.rollout_mail import tell_reminded
from portal.flows.one_by_one import one_by_one
from portal.flows.rollout.enforcement import conditions
from portal.flows.rollout.planned_rollout import way_of
from portal.services import Services
from portal.store import rollout_plans
from portal.store.rollout_plans import DomainRef, PlannedDomain
from portal.store.tenant_items import domain_item, lock_tenant

BEFORE = timedelta(days=3)


def remind(services: Services) -> int:
    """Tell the admins of steps that would be held, once for each step; give how many."""
    now = services.now()
    with services.database.read() as connection:
        coming = rollout_plans.due(connection, now + BEFORE)
    return one_by_one(services, coming, _look, name=str)


def _is_to_come(services: Services, plan: RolloutPlan) -> bool:
    is_ahead = plan.due_at is not None and plan.due_at > services.now()
    return is_ahead and plan.told.get("reminded") != plan.done


def _look(services: Services, domain: DomainRef) -> bool:
    with services.database.read() as connection:
        one = rollout_plans.planned(connection, domain)
        item = domain_item(connection, domain.tenant, domain.name)
    if one is None or not _is_to_come(services, one.plan):
        return False
    day = one.plan.due_at
    if item is None or day is None or way_of(item) != one.plan.left:
        return False
    keys = item.fields["connections"]
    chosen = keys if isinstance(keys, tuple) else ()
    # As of that day: a break-glass sign-in of today may be too old by then.
    found = conditions(replace(services, now=lambda: day), one.tenant, item, chosen)
    needs = [condition.need.value for condition in found if not condition.is_met]
    return bool(needs) and _tell(services, one, needs)


def _tell(services: Services, one: PlannedDomain, needs: Sequence[str]) -> bool:
    """Note that it is told, so that no other process tells it too."""
    with services.database.transaction() as connection:
        lock_tenant(connection, one.tenant.slug)
        plan = rollout_plans.of_domain(connection, one.id)
        if plan != one.plan or plan.state is not PlanState.PLANNED:
            return False
        noted = replace(plan, told={"reminded": plan.done})
        rollout_plans.put(connection, one.id, noted)
        tell_reminded(services, connection, one, needs=needs)
    return True

"""A rollout that stops by itself when sign-ins fail, for a week after each step.

The domain goes back to what it asked before the step, never below; the steps that are still to
come are held until an admin goes on. Enforcement that has stood for longer is never touched: what
an attacker could gain at most is the time before the step.
"""

from dataclasses import replace

from portal.core.counting import counted
from portal.core.rollout_alarm import WINDOW, Figures, figures
from portal.core.rollout_plan import PlanState, RolloutPlan
from portal.flows.letters.rollout_mail import tell_stopped
from portal.flows.one_by_one import one_by_one
from portal.flows.rollout.planned_rollout import change_way, note_plan, way_of
from portal.observe import log
from portal.services import Services
from portal.store import enforcement_facts, recent_tries, rollout_plans
from portal.store.rollout_plans import DomainRef, PlannedDomain
from portal.store.tenant_items import domain_item, lock_tenant


def watch_rollouts(services: Services) -> int:
    """Look at the domains whose last step was taken lately; give how many were stopped."""
    with services.database.read() as connection:
        domains = rollout_plans.watched(connection, services.now())
    return one_by_one(services, domains, _look, name=str)


def _look(services: Services, domain: DomainRef) -> bool:
    tenant, now = domain.tenant, services.now()
    with services.database.read() as connection:
        planned = rollout_plans.planned(connection, domain)
        item = domain_item(connection, tenant, domain.name)
        if planned is None or planned.plan.stepped_at is None or item is None:
            return False
        of_domain = {"subdomains": bool(item.fields["subdomains"])}
        since = max(planned.plan.stepped_at, now - WINDOW)
        found = figures(
            recent_tries.of_domain(connection, tenant.id, domain.name, since=since, **of_domain)
        )
        if not found.may_alarm:
            return False
        known = enforcement_facts.count_people(connection, tenant.id, domain.name, **of_domain)
    return found.is_alarming(known=known) and _stop(services, planned, found)


def _stop(services: Services, planned: PlannedDomain, found: Figures) -> bool:
    """Take the step back, unless somebody has changed the domain or the plan meanwhile."""
    with services.database.transaction() as connection:
        tenant = lock_tenant(connection, planned.tenant.slug)
        item = domain_item(connection, tenant, planned.name) if tenant else None
        if tenant is None or item is None:
            return False
        plan = rollout_plans.of_domain(connection, planned.id)
        if plan != planned.plan or way_of(item) != plan.left:
            return False
        tried = counted(found.tried, "person", "people")
        said = f"rollout stopped: {found.failed} of {tried} failed"
        change_way(services, connection, item, plan.before, by="the portal itself", note=said)
        stopped = _stopped(services, plan, found)
        rollout_plans.put(connection, planned.id, stopped)
        note_plan(services, connection, tenant, planned.name, stopped, outcome="stopped")
        tell_stopped(services, connection, planned, failed=found.failed, tried=found.tried)
    log.warning(
        "rollout.stopped",
        tenant=planned.tenant.slug,
        domain=planned.name,
        failed=found.failed,
        tried=found.tried,
    )
    return True


def _stopped(services: Services, plan: RolloutPlan, found: Figures) -> RolloutPlan:
    told = {
        "why": "failures",
        "failed": found.failed,
        "tried": found.tried,
        "at": services.now().isoformat(),
        "day": plan.steps[plan.done - 1].on.isoformat(),
    }
    return replace(
        plan,
        state=PlanState.STOPPED,
        done=plan.done - 1,
        left=plan.before,
        due_at=None,
        watched_until=None,
        told=told,
    )

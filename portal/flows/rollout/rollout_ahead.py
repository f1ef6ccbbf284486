"""What a planned rollout means for an address: the day from which it signs in by SSO alone.

It depends on the domain, the plan and the address itself, never on whether there is an account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from portal.core.address import Address, Domain
from portal.core.registry import Account, Connection, DomainRule
from portal.core.rollout_plan import SHOWN_BEFORE, PlanState, RolloutPlan
from portal.core.rollout_words import day_words
from portal.core.routing import is_exempt
from portal.services import Services
from portal.store import rollout_plans
from portal.store.registry import Bundle
from portal.store.tenant_items import domain_item


@dataclass(frozen=True, slots=True)
class Ahead:
    """From which day, and through which connections."""

    on: date
    ways: tuple[str, ...]
    domain: Domain


def plan_of_rule(services: Services, rule: DomainRule | None) -> RolloutPlan | None:
    """Give what is planned for the domain of a rule, where its days come by themselves."""
    if rule is None or not rule.verified:
        return None
    with services.database.read() as connection:
        plan = rollout_plans.of_domain(connection, rule.id)
    if plan is None or plan.state is not PlanState.PLANNED:
        return None
    is_so = (plan.left.policy, plan.left.rollout) == (rule.policy, rule.rollout)
    return plan if is_so else None


def ahead(
    services: Services, rule: DomainRule | None, address: Address, *, soon: bool = True
) -> Ahead | None:
    """Give what comes for an address; with `soon` only from two weeks before on."""
    plan = plan_of_rule(services, rule)
    day = plan.day_of(address) if plan else None
    if rule is None or day is None or (soon and not _is_soon(services, day)):
        return None
    return Ahead(day, _names(rule.connections), rule.domain)


def planned_words(
    services: Services, rule: DomainRule | None, address: Address, account: Account | None
) -> str:
    """Say what is planned for an address, in one sentence; nothing where nothing is.

    For those who may look behind the pages: the exempt are told nothing of a day.
    """
    found = ahead(services, rule, address, soon=False)
    if rule is None or found is None or is_exempt(account, rule):
        return ""
    return f"From {day_words(found.on, today=services.now().date())} SSO is required."


def ahead_of_tenant(services: Services, bundle: Bundle) -> list[Ahead]:
    """Give what comes soon for the domains of a tenant, by their next steps."""
    found: list[Ahead] = []
    with services.database.read() as connection:
        for one in rollout_plans.of_tenant(connection, bundle.tenant.id):
            steps = one.plan.ahead if one.plan.state is PlanState.PLANNED else ()
            if not steps or not _is_soon(services, steps[0].on):
                continue
            item = domain_item(connection, one.tenant, one.name)
            keys = item.fields["connections"] if item else ()
            ways = [bundle.connection(key) for key in keys] if isinstance(keys, tuple) else []
            names = _names(way for way in ways if way)
            found.append(Ahead(steps[0].on, names, Domain(one.name)))
    return found


def _is_soon(services: Services, day: date) -> bool:
    return day - services.now().date() <= SHOWN_BEFORE


def _names(ways: Iterable[Connection]) -> tuple[str, ...]:
    return tuple(way.name for way in ways)

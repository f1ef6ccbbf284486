"""What an admin should see first: break-glass sign-ins, and rollouts that wait or are to come."""

from collections.abc import Iterator
from datetime import timedelta

from admin.access import scope
from admin.framing import tenant_path
from portal.core.address import Domain
from portal.core.rollout_plan import PlanState
from portal.core.rollout_words import day_words, steps_words
from portal.store import break_glass, rollout_plans
from portal.store.break_glass import Use
from portal.store.rollout_plans import PlannedDomain
from portal.web.context import services
from portal.web.pages import Link, Notice, Tone

_LATELY = timedelta(days=7)
_WAITING = {
    PlanState.STOPPED: "The rollout of {name} was stopped, because sign-ins fail",
    PlanState.HELD: "The planned step of {name} did not happen",
}


def overview_notices() -> Iterator[Notice]:
    """Give the notices of a tenant's overview, the most urgent first."""
    with services().database.read() as connection:
        since = services().now() - _LATELY
        uses = break_glass.uses(connection, scope().tenant.id, since=since)
        planned = rollout_plans.of_tenant(connection, scope().tenant.id)
    yield from (_used(use) for use in uses)
    yield from (_waiting(one) for one in planned if one.plan.waits)
    yield from (_to_come(one) for one in planned if one.plan.due_at)


def _used(use: Use) -> Notice:
    day = day_words(use.used_at.date(), today=services().now().date())
    return Notice(
        tone=Tone.WARNING,
        title=f"Break-glass used: {use.email}",
        text=f"They signed in with a password where SSO is required, on {day} at "
        f"{use.used_at:%H:%M} UTC.",
        link=Link(tenant_path("people", str(use.user_id)), "Look at the person"),
    )


def _waiting(one: PlannedDomain) -> Notice:
    title = _WAITING[one.plan.state].format(name=Domain(one.name).display)
    return Notice(tone=Tone.WARNING, title=title, link=_link(one, "Go on, or leave it"))


def _to_come(one: PlannedDomain) -> Notice:
    text = steps_words(one.plan, today=services().now().date())
    name = Domain(one.name).display
    link = _link(one, "Look at the plan")
    return Notice(tone=Tone.INFO, title=f"A rollout is planned for {name}", text=text, link=link)


def _link(one: PlannedDomain, words: str) -> Link:
    return Link(tenant_path("domains", one.name, "rollout"), words)

"""A requirement that comes in steps, by dates: what is planned, and whom it reaches from when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from portal.core.address import Address
from portal.core.registry import Policy
from portal.core.routing import in_rollout

MOST_STEPS = 4
FARTHEST = timedelta(days=400)
SHOWN_BEFORE = timedelta(days=14)
WATCHED = timedelta(days=7)
_TUESDAY = 1


class PlanState(StrEnum):
    """Where a plan stands: its dates come; it waits for an admin; its last step was taken."""

    PLANNED = "planned"
    HELD = "held"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """From a day on, at 00:00 UTC, SSO is required for so many per cent."""

    on: date
    per_cent: int

    @property
    def at(self) -> datetime:
        """The moment at which the day begins."""
        return datetime.combine(self.on, time(), UTC)


@dataclass(frozen=True, slots=True)
class WayNow:
    """What a domain asks of its people."""

    policy: Policy
    rollout: int

    @property
    def reach(self) -> int:
        """Of how many per cent SSO is required."""
        return self.rollout if self.policy is Policy.REQUIRED else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """What is planned for a domain. `done` steps have been taken; `due_at` is when the next comes.

    `before` and `left` are how the domain was before and after the last step, or at the planning.
    `told` says why the plan is held or stopped.
    """

    steps: tuple[RolloutStep, ...]
    planned_by: str
    planned_at: datetime
    before: WayNow
    left: WayNow
    done: int = 0
    state: PlanState = PlanState.PLANNED
    due_at: datetime | None = None
    stepped_at: datetime | None = None
    watched_until: datetime | None = None
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def ahead(self) -> tuple[RolloutStep, ...]:
        """The steps that are still to come, in their order."""
        return self.steps[self.done :]

    @property
    def waits(self) -> bool:
        """Whether nothing more happens until an admin says so."""
        return self.state in {PlanState.HELD, PlanState.STOPPED}

    def is_over(self, now: datetime) -> bool:
        """Whether there is nothing left of it to tell."""
        watched = self.watched_until is not None and now < self.watched_until
        return self.state is PlanState.DONE and not watched

    def day_of(self, address: Address) -> date | None:
        """Give the day from which SSO is required of an address, None where no step reaches it.

        It depends on the address alone, and not on whether anybody has it.
        """
        if self.state is not PlanState.PLANNED or in_rollout(address, self.left.reach):
            return None
        return next((s.on for s in self.ahead if in_rollout(address, s.per_cent)), None)


def problems(steps: Sequence[RolloutStep], *, today: date, reach: int) -> dict[int, str]:
    """Say what is wrong with which step: dates and numbers only ever grow.

    `reach` is of how many per cent SSO is required already.
    """
    found: dict[int, str] = {}
    day, most = today, reach
    for number, step in enumerate(steps):
        if not 1 <= step.per_cent <= 100:
            found[number] = "A step is for 1 to 100 per cent."
        elif step.per_cent <= most and number == 0:
            found[number] = f"SSO is required for {reach} % already."
        elif step.per_cent <= most:
            found[number] = "A step reaches more people than the one before."
        elif step.on <= day and number == 0:
            found[number] = "Choose a day from tomorrow on."
        elif step.on <= day:
            found[number] = "A step comes after the one before."
        elif step.on - today > FARTHEST:
            found[number] = f"Choose a day within the next {FARTHEST.days} days."
        day, most = max(day, step.on), max(most, step.per_cent)
    return found


def suggested(today: date, *, reach: int) -> tuple[RolloutStep, ...]:
    """Give a careful plan to begin with: people hear of it for two weeks, then week by week.

    It begins on a Tuesday: somebody is there when it does, and on the days after.
    """
    soonest = today + SHOWN_BEFORE + timedelta(days=1)
    first = soonest + timedelta(days=(_TUESDAY - soonest.weekday()) % 7)
    sizes = [size for size in (25, 50, 100) if size > reach]
    return tuple(RolloutStep(first + timedelta(weeks=n), size) for n, size in enumerate(sizes))


def moved_to(steps: Sequence[RolloutStep], today: date) -> tuple[RolloutStep, ...]:
    """Give steps that begin today at the latest possible, with the days between them kept."""
    late = max(today - steps[0].on, timedelta()) if steps else timedelta()
    return tuple(RolloutStep(step.on + late, step.per_cent) for step in steps)

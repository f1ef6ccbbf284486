"""A planned rollout in words, for pages, mails and the command line."""

from datetime import date

from portal.core.rollout_alarm import FEW_PEOPLE, LEAST_FAILED, LEAST_OF_FEW
from portal.core.rollout_plan import PlanState, RolloutPlan

_NUMBERS = {2: "two", 5: "five"}
STOPS_WHEN = (
    f"A step is taken back by itself when {_NUMBERS[LEAST_FAILED]} people do not get in within an "
    "hour, and are most of those who tried. Where a domain has no more than "
    f"{FEW_PEOPLE} people, {_NUMBERS[LEAST_OF_FEW]} are enough, who are at least half of those "
    "who tried."
)


def day_words(day: date, *, today: date) -> str:
    """Give a day as people say it: with its year only where that is another."""
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day.day} {day:%B}{year}"


def steps_words(plan: RolloutPlan, *, today: date) -> str:
    """Say what is still to come, in one sentence; nothing where nothing comes by itself."""
    if plan.state is not PlanState.PLANNED or not plan.ahead:
        return ""
    first, *rest = plan.ahead
    said = f"From {day_words(first.on, today=today)} SSO is required for {_whom(first.per_cent)}"
    later = [f"from {day_words(s.on, today=today)} for {_whom(s.per_cent)}" for s in rest]
    return ", ".join([said, *later]) + "."


def _whom(per_cent: int) -> str:
    return "everybody" if per_cent == 100 else f"{per_cent} %"

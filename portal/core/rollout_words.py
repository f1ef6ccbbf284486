"""A planned rollout in words, for pages, mails and the command line."""

from datetime import date

from portal.core.rollout_plan import PlanState, RolloutPlan


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

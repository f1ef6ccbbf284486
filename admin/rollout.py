"""A planned rollout: the steps of a domain by date, and what became of them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.domain_way import condition_line, current_domain
from admin.domains import names
from admin.forms import seen, typed
from admin.frame_pages import Form
from admin.framing import done, frame, tenant_path
from admin.rollout_pages import PlannedStep, RolloutPage, StepField, Stop
from portal.core.changes import Item
from portal.core.counting import counted
from portal.core.rollout_plan import MOST_STEPS, PlanState, RolloutPlan, RolloutStep, suggested
from portal.core.rollout_words import STOPS_WHEN, day_words, steps_words
from portal.flows.letters.rollout_mail import why_held
from portal.flows.rollout import planned_rollout
from portal.flows.rollout.enforcement import conditions, reach
from portal.flows.rollout.planned_rollout import (
    DomainGone,
    Planned,
    PlanOutcome,
    PlanOvertaken,
    Unmet,
    WrongSteps,
    way_of,
)
from portal.store import rollout_plans
from portal.web.context import services
from portal.web.pages import Notice, Tone

_DAYS = tuple(f"day_{n}" for n in range(MOST_STEPS))
_SIZES = tuple(f"size_{n}" for n in range(MOST_STEPS))
_AGAIN = "This changed while you had it open"


@blueprint.route("/tenants/<tenant>/domains/<name>/rollout", methods=["GET", "POST"])
def rollout(tenant: str, name: str) -> Response | str:
    """Show what is planned for a domain, and do what the buttons say."""
    del tenant
    current = current_domain(name)
    plan = plan_of(current)
    if not is_submitted():
        return _page(current, plan, _form(current, plan))
    at, by, ref = services(), actor(), scope().ref
    match request.form.get("do", "plan"):
        case "look":
            return _page(current, plan, _form(current, plan))
        case "drop":
            outcome = planned_rollout.drop(at, by, ref, name, seen=seen())
            return _told(
                outcome, current, "Nothing is planned any more. The domain stays as it is."
            )
        case "go_on":
            outcome = planned_rollout.go_on(at, by, ref, name, seen=seen())
            return _told(outcome, current, "The rollout goes on.")
        case _:
            return _plan(current, plan)


def plan_of(current: Item) -> RolloutPlan | None:
    """Give what is planned for a domain and not over yet."""
    with services().database.read() as connection:
        number = rollout_plans.domain_id(connection, scope().ref, current.key)
        found = rollout_plans.of_domain(connection, number) if number else None
    return None if found is None or found.is_over(services().now()) else found


def plan_words(current: Item) -> str:
    """Say what is planned for a domain, or why it waits; nothing where nothing is planned."""
    plan, today = plan_of(current), services().now().date()
    stop = _stop(current, plan, today) if plan else None
    if plan is None or stop is not None:
        return f"{stop.title}." if stop else ""
    return steps_words(plan, today=today) or "All steps have been taken; sign-ins are watched."


def _stored(current: Item) -> RolloutPlan | None:
    with services().database.read() as connection:
        number = rollout_plans.domain_id(connection, scope().ref, current.key)
        return rollout_plans.of_domain(connection, number) if number else None


def _plan(current: Item, plan: RolloutPlan | None) -> Response | str:
    form = _form(current, plan)
    steps, errors = _typed_steps(form)
    if errors:
        return _page(current, plan, Form(form.values, errors, form.seen))
    outcome = planned_rollout.plan(
        services(), actor(), scope().ref, current.key, steps=list(steps.values()), seen=form.seen
    )
    if isinstance(outcome, WrongSteps):
        rows = list(steps) or [0]
        errors = {f"day_{rows[n]}": words for n, words in outcome.problems.items()}
        return _page(current, plan, Form(form.values, errors, form.seen))
    return _told(outcome, current, "The rollout is planned.", form)


def _told(
    outcome: PlanOutcome, current: Item, words: str, form: Form | None = None
) -> Response | str:
    match outcome:
        case Planned():
            return done(tenant_path("domains", current.key, "rollout"), words)
        case DomainGone():
            return redirect(tenant_path("domains"), 303)
        case PlanOvertaken(by):
            text = f"Last by {by}. " if by else ""
            notice = Notice(tone=Tone.WARNING, title=_AGAIN, text=f"{text}Nothing was saved.")
        case Unmet():
            title = "Nothing is planned: something must be so before"
            notice = Notice(tone=Tone.WARNING, title=title, text="What is missing stands below.")
        case WrongSteps():
            notice = Notice(tone=Tone.WARNING, title=_AGAIN)
    plan = plan_of(current)
    kept = form or _form(current, plan)
    fresh = Form(kept.values, kept.errors, planned_rollout.version_of(_stored(current)))
    return _page(current, plan, fresh, notice)


def _form(current: Item, plan: RolloutPlan | None) -> Form:
    """Give the form as it was typed; else the plan as it stands; else a careful suggestion."""
    if request.method == "POST" and "day_0" in request.form:
        return Form(typed((*_DAYS, *_SIZES)), seen=seen())
    steps = plan.ahead if plan else ()
    if not steps:
        steps = suggested(services().now().date(), reach=way_of(current).reach)
    values = {f"day_{n}": step.on.isoformat() for n, step in enumerate(steps)}
    values |= {f"size_{n}": str(step.per_cent) for n, step in enumerate(steps)}
    return Form(values, seen=planned_rollout.version_of(_stored(current)))


def _typed_steps(form: Form) -> tuple[dict[int, RolloutStep], dict[str, str]]:
    """Give the rows that are filled in, by their number; a row is a whole one or none."""
    steps: dict[int, RolloutStep] = {}
    errors: dict[str, str] = {}
    for n in range(MOST_STEPS):
        raw, size = form.value(f"day_{n}"), form.value(f"size_{n}")
        if not raw and not size:
            continue
        day = _day(raw)
        if day is None:
            errors[f"day_{n}"] = "Write the day as 2026-12-31."
        elif not (size.isascii() and size.isdigit() and len(size) < 4):
            errors[f"day_{n}"] = "Give a number from 1 to 100."
        else:
            steps[n] = RolloutStep(day, int(size))
    return steps, errors


def _day(raw: str) -> date | None:
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9000 else None


def _page(current: Item, plan: RolloutPlan | None, form: Form, *notices: Notice) -> str:
    at, fields = scope(), _fields_of(current)
    shown, plain = names(current.key)
    found = reach(services(), at.ref, current.key, subdomains=fields["subdomains"])
    lines = conditions(services(), at.ref, current, fields["connections"])
    today = services().now().date()
    rows = tuple(_row(form, n, found.by_rollout) for n in range(MOST_STEPS))
    page = RolloutPage(
        frame=frame("domains", *notices),
        name=shown,
        ascii=plain,
        policy=fields["policy"],
        rollout=fields["rollout"],
        connections=_connections(fields["connections"]),
        planned=_planned(plan, found.by_rollout, today) if plan else (),
        planned_by=plan.planned_by if plan else "",
        stops_when=STOPS_WHEN,
        stop=_stop(current, plan, today) if plan else None,
        is_everybody=way_of(current).reach == 100,
        form=form,
        fields=rows,
        earliest=today + timedelta(days=1),
        known=found.known,
        by_rollout=found.by_rollout,
        conditions=tuple(condition_line(line) for line in lines),
        is_ready=all(line.is_met for line in lines),
    )
    return render_template("admin/rollout.html", page=page)


def _fields_of(current: Item) -> Mapping[str, Any]:
    return current.fields


def _connections(keys: tuple[str, ...]) -> str:
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    found = (bundle.connection(key) for key in keys)
    return " or ".join(way.name for way in found if way)


def _row(form: Form, number: int, by_rollout: tuple[int, ...]) -> StepField:
    size = form.value(f"size_{number}")
    per_cent = int(size) if size.isascii() and size.isdigit() and len(size) < 4 else 0
    return StepField(
        number=number,
        day=form.value(f"day_{number}"),
        size=size,
        people=by_rollout[min(per_cent, 100)],
        error=form.error(f"day_{number}"),
    )


def _planned(
    plan: RolloutPlan, by_rollout: tuple[int, ...], today: date
) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(
            day=day_words(step.on, today=today),
            per_cent=step.per_cent,
            people=by_rollout[step.per_cent],
            is_done=n < plan.done,
            is_next=n == plan.done and plan.state is PlanState.PLANNED,
        )
        for n, step in enumerate(plan.steps)
    )


def _stop(current: Item, plan: RolloutPlan, today: date) -> Stop | None:
    told: Mapping[str, Any] = plan.told
    if plan.state is PlanState.STOPPED:
        tried = counted(told["tried"], "person", "people")
        text = (
            f"{told['failed']} of the {tried} who tried to sign in by SSO within an hour did not "
            "get in. So the last step was taken back, and the steps to come wait."
        )
        return Stop("The rollout was stopped, because sign-ins fail", text, _at(told), True)
    if plan.state is PlanState.HELD:
        day = day_words(date.fromisoformat(told["day"]), today=today)
        text = f"The reason: {why_held(plan)}. Nothing has changed for anybody."
        return Stop(f"The step of {day} did not happen", text, _at(told), False)
    if plan.ahead and way_of(current) != plan.left:
        text = "Go on planning below: as it stands, the next step will not happen."
        return Stop("The domain was changed since this was planned", text, None, False)
    return None


def _at(told: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(told["at"])

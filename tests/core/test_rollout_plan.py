"""A rollout in steps: which plans are sound, whom a step reaches when, what is alarming."""

from datetime import date, timedelta

import pytest

from portal.core.address import Address
from portal.core.registry import Policy
from portal.core.rollout_alarm import Figures, Try, figures
from portal.core.rollout_plan import (
    PlanState,
    RolloutPlan,
    RolloutStep,
    WayNow,
    moved_to,
    problems,
    suggested,
)
from portal.core.rollout_words import steps_words
from portal.core.routing import in_rollout
from tests.builders import NOW

TODAY = NOW.date()
OPTIONAL = WayNow(Policy.OPTIONAL, 100)


def steps(*pairs):
    return tuple(RolloutStep(TODAY + timedelta(days=days), size) for days, size in pairs)


def make_plan(*pairs, **values):
    given = {"planned_by": "it@acme.example", "planned_at": NOW, "before": OPTIONAL}
    return RolloutPlan(**{**given, "left": OPTIONAL, "steps": steps(*pairs), **values})


@pytest.mark.parametrize(
    ("pairs", "reach", "wrong"),
    [
        (((1, 25), (8, 50), (15, 100)), 0, {}),
        (((1, 100),), 50, {}),
        (((0, 25),), 0, {0: "tomorrow"}),
        (((-3, 25),), 0, {0: "tomorrow"}),
        (((1, 0),), 0, {0: "1 to 100"}),
        (((1, 101),), 0, {0: "1 to 100"}),
        (((1, 25),), 25, {0: "25 % already"}),
        (((1, 25), (1, 50)), 0, {1: "after the one before"}),
        (((9, 25), (2, 50)), 0, {1: "after the one before"}),
        (((1, 50), (2, 50)), 0, {1: "more people"}),
        (((401, 50),), 0, {0: "next 400 days"}),
    ],
)
def test_days_and_numbers_of_a_plan_only_ever_grow(pairs, reach, wrong):
    found = problems(steps(*pairs), today=TODAY, reach=reach)
    assert found.keys() == wrong.keys()
    assert all(words in found[n] for n, words in wrong.items())


@pytest.mark.parametrize("reach", [0, 10, 25, 60, 99])
def test_what_is_suggested_is_sound_and_leaves_two_weeks(reach):
    found = suggested(TODAY, reach=reach)
    assert problems(found, today=TODAY, reach=reach) == {}
    assert found[0].on - TODAY > timedelta(days=14)
    assert {step.on.weekday() for step in found} == {1}
    assert found[-1].per_cent == 100


def test_each_address_has_its_day_by_itself_alone():
    plan = make_plan((1, 25), (8, 50), (15, 100))
    for n in range(300):
        address = Address.parse(f"p{n}@acme.example")
        first = next(step for step in plan.steps if in_rollout(address, step.per_cent))
        assert plan.day_of(address) == first.on


def test_who_is_in_already_has_no_day_and_a_plan_that_waits_promises_none():
    address = Address.parse("ann@acme.example")
    assert make_plan((1, 100), left=WayNow(Policy.REQUIRED, 100)).day_of(address) is None
    for state in (PlanState.HELD, PlanState.STOPPED, PlanState.DONE):
        assert make_plan((1, 100), state=state).day_of(address) is None


def test_steps_that_are_late_begin_today_and_keep_their_distance():
    moved = moved_to(steps((-3, 25), (4, 50)), TODAY)
    assert moved == steps((0, 25), (7, 50))
    assert moved_to(steps((3, 25)), TODAY) == steps((3, 25))


def test_a_plan_in_words_names_each_day():
    plan = RolloutPlan(
        steps=(RolloutStep(date(2026, 12, 1), 25), RolloutStep(date(2027, 1, 8), 100)),
        planned_by="it@acme.example",
        planned_at=NOW,
        before=OPTIONAL,
        left=OPTIONAL,
    )
    assert steps_words(plan, today=TODAY) == (
        "From 1 December SSO is required for 25 %, from 8 January 2027 for everybody."
    )


def failed(number, outcome="oidc_failed", **values):
    return [Try(outcome, f"p{n}@acme.example", known_browser=True, **values) for n in range(number)]


def came(*numbers):
    return [Try("success", f"p{n}@acme.example") for n in numbers]


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        (failed(5), (5, 5)),
        (failed(4), (4, 4)),
        (failed(5) + came(10, 11, 12, 13, 14), (5, 10)),
        (failed(6) + came(10, 11, 12, 13, 14), (6, 11)),
        (failed(1) * 50, (1, 1)),
        (failed(6) + came(0, 1), (4, 6)),
        (came(0, 1) + failed(6), (6, 6)),
        (failed(9, "access_denied"), (0, 0)),
        (failed(9, "access_denied") * 2, (9, 9)),
        (failed(9, "account_disabled"), (0, 0)),
    ],
)
def test_people_are_counted_and_not_tries(tries, expected):
    found = figures(tries)
    assert (found.failed, found.tried) == expected


@pytest.mark.parametrize(
    ("failing", "tried", "alarming"), [(5, 5, True), (4, 4, False), (5, 10, False), (6, 11, True)]
)
def test_of_many_five_people_and_most_of_those_who_tried_are_alarming(failing, tried, alarming):
    assert Figures(failing, tried).is_alarming(known=21) is alarming


@pytest.mark.parametrize(
    ("known", "failing", "tried", "alarming"),
    [
        (3, 1, 1, False),  # one person is no pattern
        (3, 2, 2, True),
        (3, 2, 3, True),
        (3, 3, 3, True),
        (8, 2, 4, True),
        (8, 2, 5, False),
        (20, 2, 4, True),
        (20, 9, 19, False),
        (20, 10, 20, True),
        (0, 2, 3, True),  # nobody had an account before
        (0, 2, 21, False),
        (21, 2, 2, False),
        (20, 5, 21, False),  # who tried is more than who is known
        (20, 11, 21, True),
    ],
)
def test_of_up_to_twenty_two_people_and_half_of_those_who_tried(known, failing, tried, alarming):
    found = Figures(failing, tried)
    assert found.is_alarming(known=known) is alarming
    assert found.may_alarm or not alarming


def test_what_a_stranger_can_send_back_counts_for_nobody():
    strange = [Try("oidc_failed", f"p{n}@acme.example") for n in range(50)]
    assert figures(strange + came(1)) == Figures(0, 1)


def test_one_insider_is_one_person_whatever_they_type():
    typed = [
        Try("email_not_allowed", f"p{n}@acme.example", vouched="mal@acme.example")
        for n in range(50)
    ]
    assert figures(typed) == Figures(1, 1)

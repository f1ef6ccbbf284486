"""A sign-in under way, as a value: whole after its cookie, ten minutes long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.attempt import Attempt, Purpose, cookie_name, genuine_state, new_state
from portal.core.redirects import SafePath
from tests.builders import NOW

KEY = b"k" * 32


def attempt() -> Attempt:
    return Attempt(
        state=new_state(KEY),
        tenant_id=1,
        connection_id=2,
        issuer="https://idp.example",
        client_id="portal",
        redirect_uri="http://localhost:5000/auth/callback",
        nonce="nonce-value",
        verifier="verifier-value",
        next=SafePath("/dashboard"),
        email="ann@acme.example",
        began_at=NOW,
    )


def test_attempt_comes_back_whole():
    before = attempt()
    assert Attempt.load(before.dump()) == before


def test_attempt_of_a_trial_with_a_bound_on_its_age_comes_back_whole():
    before = replace(attempt(), max_age=0, purpose=Purpose.TRIAL)
    assert Attempt.load(before.dump()) == before


@given(st.text(max_size=80))
def test_any_other_text_is_no_attempt(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever field it stumbles at
        Attempt.load(text)


def test_field_that_runs_into_the_next_makes_no_attempt():
    with pytest.raises(ValueError, match="unpack"):
        Attempt.load(replace(attempt(), email="ann@acme.example\0").dump())


def test_attempt_shows_no_secret():
    assert "nonce-value" not in repr(attempt())
    assert "verifier-value" not in repr(attempt())


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (timedelta(), True),
        (timedelta(minutes=9, seconds=59), True),
        (timedelta(minutes=10), False),
        (timedelta(days=1), False),
        (timedelta(minutes=-11), False),
    ],
)
def test_attempt_lives_ten_minutes(age: timedelta, *, fresh: bool):
    assert attempt().is_fresh(NOW + age) is fresh


def test_state_of_our_own_making_is_known():
    state = new_state(KEY)
    assert genuine_state(state, KEY) == state
    assert genuine_state(state, b"another key") is None


def test_changed_state_is_not_ours():
    state = new_state(KEY)
    for index in range(len(state)):
        letter = "A" if state[index] != "A" else "B"
        assert genuine_state(state[:index] + letter + state[index + 1 :], KEY) is None


def test_state_in_another_spelling_is_not_ours():
    state = new_state(KEY)
    spaced = f"{state[:2]} {state[2:]}"
    for other in (state.upper(), spaced, spaced[:-1]):
        assert genuine_state(other, KEY) is None


@given(st.text(max_size=60))
def test_invented_state_is_not_ours(text: str):
    assert genuine_state(text, KEY) is None


def test_each_state_has_a_cookie_of_its_own():
    assert cookie_name(new_state(KEY)) != cookie_name(new_state(KEY))

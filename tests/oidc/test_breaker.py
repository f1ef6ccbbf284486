"""The breaker: opens after failures in a row, tries again by itself, one at a time."""

import pytest

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc.breaker import FAILURES, Breaker
from tests.oidc.outcomes import failure_of


def _fail(breaker, code=FailureCode.PROVIDER_UNAVAILABLE):
    with pytest.raises(SignInFailure), breaker.call():
        raise SignInFailure(code, "it failed")


def _succeed(breaker):
    with breaker.call():
        return True


def _is_open(breaker):
    failure = failure_of(_succeed, breaker)
    return failure is not None and failure.code is FailureCode.PROVIDER_UNAVAILABLE


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def test_breaker_opens_after_failures_in_a_row(breaker):
    for _ in range(FAILURES):
        _fail(breaker)
    assert _is_open(breaker)


def test_success_between_failures_starts_the_count_again(breaker):
    for _ in range(FAILURES - 1):
        _fail(breaker)
    assert _succeed(breaker)
    for _ in range(FAILURES - 1):
        _fail(breaker)
    assert not _is_open(breaker)


def test_wrong_answer_is_an_answer(breaker):
    for _ in range(FAILURES * 2):
        _fail(breaker, FailureCode.OIDC_FAILED)
    assert not _is_open(breaker)


def test_breaker_tries_again_within_half_a_minute_and_closes_on_success(breaker, clock):
    for _ in range(FAILURES):
        _fail(breaker)
    clock.advance(29)
    assert _succeed(breaker)
    assert not breaker.is_doubtful
    _fail(breaker)
    assert not _is_open(breaker)


def test_failed_trial_opens_it_again(breaker, clock):
    for _ in range(FAILURES):
        _fail(breaker)
    clock.advance(29)
    _fail(breaker)
    assert _is_open(breaker)


def test_only_one_call_is_on_trial(breaker, clock):
    for _ in range(FAILURES):
        _fail(breaker)
    clock.advance(29)
    with breaker.call():
        assert _is_open(breaker)
    assert not _is_open(breaker)


def test_call_that_began_before_it_opened_does_not_end_the_trial(breaker, clock):
    early = breaker.call()
    early.__enter__()
    for _ in range(FAILURES):
        _fail(breaker)
    clock.advance(29)
    with breaker.call():
        failure = SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, "late")
        assert not early.__exit__(SignInFailure, failure, None)
        assert _is_open(breaker)


def test_issuer_answers_where_the_last_call_was_answered(breaker):
    assert not breaker.answers
    _succeed(breaker)
    assert breaker.answers
    _fail(breaker)
    assert not breaker.answers

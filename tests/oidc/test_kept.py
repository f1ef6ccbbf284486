"""What is kept of a provider: fetched once for all who wait, and served while it is down."""

import threading
import time
from datetime import timedelta

import pytest

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc.kept import Kept, Terms


class Source:
    """Something to fetch, that counts, may fail and may take its time."""

    def __init__(self):
        self.fetched = 0
        self.failure = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self):
        self.fetched += 1
        number = self.fetched
        self.gate.wait(5)
        if self.failure is not None:
            raise SignInFailure(self.failure, "the source failed")
        return f"value {number}"


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def keep(source, clock):
    def make(*, in_doubt=False, **terms):
        return Kept(source, now=clock, in_doubt=lambda: in_doubt, terms=Terms(**terms))

    return make


def _from_threads(number, action):
    """Run `action` in threads; give what each returned or the SignInFailure that it raised."""
    outcomes = []

    def run():
        try:
            outcomes.append(action())
        except SignInFailure as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads, outcomes


def _join(threads):
    for thread in threads:
        thread.join(10)


def test_value_is_fetched_once_while_it_is_fresh(keep, source, clock):
    kept = keep()
    assert [kept.get() for _ in range(3)] == ["value 1"] * 3
    clock.advance(599)
    assert kept.get() == "value 1"
    clock.advance(2)
    assert kept.get() == "value 2"


def test_hundred_waiting_for_the_first_value_fetch_it_once(keep, source):
    kept = keep()
    source.gate.clear()
    threads, outcomes = _from_threads(100, kept.get)
    time.sleep(0.1)
    source.gate.set()
    _join(threads)
    assert outcomes == ["value 1"] * 100
    assert source.fetched == 1


def test_hundred_learn_of_the_failure_of_the_one_that_fetched(keep, source):
    kept = keep()
    source.gate.clear()
    source.failure = FailureCode.OIDC_FAILED
    threads, outcomes = _from_threads(100, kept.get)
    time.sleep(0.1)
    source.gate.set()
    _join(threads)
    assert [outcome.code for outcome in outcomes] == [FailureCode.OIDC_FAILED] * 100
    assert len({id(outcome) for outcome in outcomes}) == 100
    assert source.fetched == 1


@pytest.mark.parametrize("in_doubt", [False, True])
def test_nobody_waits_long_for_a_fetch_of_somebody_else(keep, source, in_doubt):
    terms = {"wait": 5.0, "wait_in_doubt": 0.2} if in_doubt else {"wait": 0.2}
    kept = keep(in_doubt=in_doubt, **terms)
    source.gate.clear()
    leader, _ = _from_threads(1, kept.get)
    time.sleep(0.05)
    began = time.monotonic()
    followers, outcomes = _from_threads(5, kept.get)
    _join(followers)
    assert time.monotonic() - began < 1
    assert {outcome.code for outcome in outcomes} == {FailureCode.PROVIDER_UNAVAILABLE}
    began = time.monotonic()
    with pytest.raises(SignInFailure):  # who comes when the time is up already
        kept.get()
    assert time.monotonic() - began < 0.1
    source.gate.set()
    _join(leader)


def test_old_value_is_served_at_once_while_one_renews_it(keep, source, clock):
    kept = keep()
    kept.get()
    clock.advance(601)
    source.gate.clear()
    leader, renewed = _from_threads(1, kept.get)
    time.sleep(0.05)
    assert kept.get() == "value 1"
    source.gate.set()
    _join(leader)
    assert renewed == ["value 2"]
    assert kept.get() == "value 2"


def test_old_value_serves_a_day_while_the_source_is_down(keep, source, clock):
    kept = keep()
    kept.get()
    source.failure = FailureCode.PROVIDER_UNAVAILABLE
    clock.advance(24 * 3600 - 1)
    assert kept.get() == "value 1"
    clock.advance(2)
    with pytest.raises(SignInFailure):
        kept.get()


def test_source_that_is_down_is_not_asked_by_every_sign_in(keep, source, clock):
    kept = keep()
    kept.get()
    source.failure = FailureCode.PROVIDER_UNAVAILABLE
    clock.advance(601)
    for _ in range(10):
        assert kept.get() == "value 1"
    assert source.fetched == 2
    clock.advance(31)
    source.failure = None
    assert kept.get() == "value 3"


def test_wrong_answer_is_not_covered_up_by_the_old_value(keep, source, clock):
    kept = keep()
    kept.get()
    source.failure = FailureCode.OIDC_FAILED
    clock.advance(601)
    with pytest.raises(SignInFailure) as failure:
        kept.get()
    assert failure.value.code is FailureCode.OIDC_FAILED


def test_failure_is_not_kept(keep, source):
    kept = keep()
    source.failure = FailureCode.PROVIDER_UNAVAILABLE
    with pytest.raises(SignInFailure):
        kept.get()
    source.failure = None
    assert kept.get() == "value 2"


def test_renewal_that_was_asked_for_happens_once_in_a_cool_down(keep, source, clock):
    kept = keep()
    seen = kept.get()
    newer = kept.renewed(seen, why="unknown kid")
    assert newer == "value 2"
    assert [kept.renewed(newer, why="unknown kid") for _ in range(50)] == [None] * 50
    clock.advance(31)
    assert kept.renewed(newer, why="unknown kid") == "value 3"


def test_each_reason_has_a_cool_down_of_its_own(keep):
    kept = keep()
    newer = kept.renewed(kept.get(), why="unknown kid")
    assert kept.renewed(newer, why="wrong signature") == "value 3"


def test_value_that_somebody_else_renewed_is_taken(keep, source):
    kept = keep()
    seen = kept.get()
    kept.renewed(seen, why="unknown kid")
    assert kept.renewed(seen, why="unknown kid") == "value 2"
    assert source.fetched == 2


def test_hundred_that_need_a_newer_value_fetch_it_once(keep, source):
    kept = keep()
    seen = kept.get()
    source.gate.clear()
    threads, outcomes = _from_threads(100, lambda: kept.renewed(seen, why="unknown kid"))
    time.sleep(0.1)
    source.gate.set()
    _join(threads)
    assert outcomes == ["value 2"] * 100


def test_renewal_needs_no_value_before_it(keep):
    assert keep().renewed("never seen", why="unknown kid") == "value 1"


def test_who_looks_just_before_a_fetch_ends_does_not_fetch_again(keep, source, clock):
    kept = keep()

    def somebody_else_is_faster():
        kept._now = clock
        kept.get()
        return clock()

    kept._now = somebody_else_is_faster  # between the look at the value and the fetch
    assert kept.get() == "value 1"
    assert source.fetched == 1


def test_unexpected_error_leaves_nobody_waiting(keep, source):
    kept = keep()

    def breaks():
        raise ZeroDivisionError

    kept._fetch = breaks
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept.get()
    kept._fetch = source
    assert kept.get() == "value 1"


def test_cool_down_also_follows_a_failed_renewal(keep, source):
    kept = keep(cool_down=timedelta(seconds=60))
    seen = kept.get()
    source.failure = FailureCode.PROVIDER_UNAVAILABLE
    with pytest.raises(SignInFailure):
        kept.renewed(seen, why="unknown kid")
    assert kept.renewed(seen, why="unknown kid") is None

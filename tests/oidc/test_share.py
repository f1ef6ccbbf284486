"""Calls at once to one issuer: few, and a crowd waits only where the issuer answers."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from portal.core.errors import SignInFailure
from portal.oidc.share import Share, waiting_places
from portal.oidc.transport import Limits
from tests.oidc.network_faults import GOOD
from tests.oidc.servers import routes

ISSUER = "https://issuer.example"
SLOW = 0.2


def crowd(number: int, call: Callable[[], object]) -> Counter[str]:
    """What comes of so many calls at once."""
    ends: list[str] = []
    together = threading.Barrier(number)

    def one() -> None:
        together.wait(10)
        try:
            call()
            ends.append("answered")
        except SignInFailure as failure:
            ends.append(failure.detail)

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ends)


def call_through(share: Share, *, may_wait: bool) -> Callable[[], None]:
    def call() -> None:
        with share.place(may_wait=may_wait):
            time.sleep(SLOW)

    return call


def test_more_calls_than_places_are_refused_where_nobody_may_wait():
    share = Share(2, waiting=waiting_places())
    ends = crowd(5, call_through(share, may_wait=False))
    assert ends == {"answered": 2, "too many calls to the provider are under way": 3}


def test_those_who_may_wait_get_a_place_one_after_another():
    share = Share(2, waiting=waiting_places())
    assert crowd(6, call_through(share, may_wait=True)) == {"answered": 6}


def test_nobody_waits_past_their_patience_or_beyond_the_places_to_wait_in():
    impatient = Share(1, waiting=waiting_places(), patience=SLOW / 4)
    assert crowd(2, call_through(impatient, may_wait=True))["answered"] == 1
    crowded = Share(1, waiting=threading.Semaphore(1))
    assert crowd(4, call_through(crowded, may_wait=True))["answered"] == 2


def test_a_place_is_given_back_whatever_happens():
    share = Share(1, waiting=waiting_places())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), share.place(may_wait=False):
            raise ZeroDivisionError


def test_a_crowd_that_comes_back_from_a_slow_provider_is_answered(open_door, serve):
    def slowly(_asked: object) -> bytes:
        time.sleep(SLOW)
        return GOOD

    door = open_door(limits=Limits(at_once=2))
    server = serve(routes(slowly))
    door.get_json(ISSUER, server.url)
    assert crowd(6, lambda: door.get_json(ISSUER, server.url)) == {"answered": 6}

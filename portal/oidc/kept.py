"""A value that somebody else publishes: kept, renewed by one for all, outliving short outages."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from portal.core.errors import FailureCode, SignInFailure
from portal.core.waits import Aside, nobody_waits

Value = TypeVar("Value")

_SLOW, _SLOW_PAUSE = 1.0, 10.0  # seconds: a failure that took longer is not tried again at once


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a value is kept, and how long people wait for it."""

    fresh: timedelta = timedelta(minutes=10)
    stale: timedelta = timedelta(hours=24)  # while its source is down
    retry: timedelta = timedelta(seconds=30)  # between attempts to renew a stale one
    cool_down: timedelta = timedelta(seconds=30)  # between renewals that were asked for
    wait: float = 4.0  # seconds, for a fetch of somebody else's
    wait_in_doubt: float = 1.0  # seconds, where the last fetch failed
    most_waiting: int = 8  # so long; each of them keeps a thread from everybody else
    wait_of_more: float = 0.5  # seconds, for those past them


@dataclass(frozen=True, slots=True)
class _Copy(Generic[Value]):
    value: Value
    fetched_at: datetime
    fresh_until: datetime


class Kept(Generic[Value]):
    """The last good value of `fetch`, read from memory without a lock while it is fresh.

    One caller at a time fetches; the others take the old value, or wait a little where there is
    none, so that a silent provider holds one thread and not all of them.
    """

    def __init__(
        self,
        fetch: Callable[[], Value],
        *,
        now: Callable[[], datetime],
        in_doubt: Callable[[], bool],
        terms: Terms,
        aside: Aside = nobody_waits,
    ) -> None:
        self._fetch = fetch
        self._aside = aside
        self._now = now
        self._in_doubt = in_doubt
        self._terms = terms
        self._lock = threading.Lock()
        self._copy: _Copy[Value] | None = None
        self._flight: Future[Value] | None = None
        self._flight_began = 0.0
        self._waiting = 0
        self._slow_failure: tuple[SignInFailure, float] | None = None
        self._not_before: dict[str, datetime] = {}

    def is_fresh(self) -> bool:
        """Whether `get` gives the value from memory."""
        copy = self._copy
        return copy is not None and self._now() < copy.fresh_until

    def get(self) -> Value:
        """Give the value. Raises the SignInFailure of the fetch where none can be had."""
        copy, now = self._copy, self._now()
        if copy is not None and now < copy.fresh_until:
            return copy.value
        self._raise_if_slow_lately(copy)
        usable = copy if copy is not None and now < copy.fetched_at + self._terms.stale else None
        with self._lock:
            if self._copy is not None and self._copy is not copy:
                return self._copy.value
            flight, mine = self._board()
        if not mine:
            return self._wait(flight) if usable is None else usable.value
        try:
            return self._land(flight)
        except SignInFailure as failure:
            if usable is None or failure.code is not FailureCode.PROVIDER_UNAVAILABLE:
                raise
            again = min(self._now() + self._terms.retry, usable.fetched_at + self._terms.stale)
            self._copy = replace(usable, fresh_until=again)
            return usable.value

    def _raise_if_slow_lately(self, copy: _Copy[Value] | None) -> None:
        """Raise the last failure again for a while when it took long: it must not hold others."""
        if copy is not None or self._slow_failure is None:
            return
        failure, until = self._slow_failure
        if time.monotonic() < until:
            raise SignInFailure(failure.code, failure.detail, **failure.facts)

    def renewed(self, seen: Value, *, why: str) -> Value | None:
        """Give a newer value than `seen`: one that somebody else fetched, or fetch it.

        None during the cool-down that follows each renewal for the same reason. Raises the
        SignInFailure of the fetch.
        """
        with self._lock:
            if self._copy is not None and self._copy.value is not seen:
                return self._copy.value
            if self._flight is None:
                now = self._now()
                if why in self._not_before and now < self._not_before[why]:
                    return None
                self._not_before[why] = now + self._terms.cool_down
            flight, mine = self._board()
        return self._land(flight) if mine else self._wait(flight)

    def _board(self) -> tuple[Future[Value], bool]:
        """Give the fetch under way, and whether the caller has to do it. Needs the lock."""
        if self._flight is not None:
            return self._flight, False
        self._flight = Future()
        self._flight_began = time.monotonic()
        return self._flight, True

    def _land(self, flight: Future[Value]) -> Value:
        began = time.monotonic()
        try:
            value = self._fetch()
        except BaseException as error:
            if isinstance(error, SignInFailure) and time.monotonic() - began > _SLOW:
                self._slow_failure = (error, time.monotonic() + _SLOW_PAUSE)
            with self._lock:
                self._flight = None
            flight.set_exception(error)
            raise
        now = self._now()
        with self._lock:
            self._copy = _Copy(value, now, now + self._terms.fresh)
            self._flight = None
        flight.set_result(value)
        return value

    def _wait(self, flight: Future[Value]) -> Value:
        bound = self._terms.wait_in_doubt if self._in_doubt() else self._terms.wait
        with self._lock:
            if self._waiting >= self._terms.most_waiting:
                bound = min(bound, self._terms.wait_of_more)
            self._waiting += 1
        left = self._flight_began + bound - time.monotonic()
        try:
            with self._aside():
                return flight.result(max(left, 0))
        except TimeoutError:
            raise SignInFailure(
                FailureCode.PROVIDER_UNAVAILABLE, "the provider keeps another sign-in waiting"
            ) from None
        except SignInFailure as failure:
            # An exception of one's own: a hundred threads must not share one traceback.
            raise SignInFailure(failure.code, failure.detail, **failure.facts) from None
        finally:
            with self._lock:
                self._waiting -= 1

"""Keeps one slow or dead provider from holding up everybody else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portal.core.errors import FailureCode, SignInFailure

FAILURES = 5  # in a row, until the breaker opens
_LATELY = timedelta(minutes=1)
PAUSE = timedelta(seconds=10)  # until it tries again by itself


class Breaker:
    """Lets calls to one issuer through: few at once, and none while it is known to be down.

    Closed, it counts failures in a row. Open, it refuses at once; after `pause` it lets one call
    through as a trial, whose outcome closes it or keeps it open.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        at_once: int,
        failures: int = FAILURES,
        pause: timedelta = PAUSE,
    ) -> None:
        self._now = now
        self._at_once = at_once
        self._failures_to_open = failures
        self._pause = pause
        self._lock = threading.Lock()
        self._under_way = 0
        self._failures = 0
        self._open_until: datetime | None = None
        self._on_trial = False

    @property
    def is_doubtful(self) -> bool:
        """Whether the last call failed: nobody should wait for the next one."""
        return self._failures > 0

    @property
    def is_open(self) -> bool:
        """Whether the provider failed repeatedly and has not answered since."""
        return self._open_until is not None

    @property
    def has_opened_lately(self) -> bool:
        """Whether it is open, or was a minute ago and nobody has tried since."""
        return self._open_until is not None and self._now() < self._open_until + _LATELY

    @contextmanager
    def call(self) -> Iterator[None]:
        """Hold a place for one call. Raises SignInFailure (provider_unavailable) where none is.

        A call that ends in provider_unavailable counts as a failure; any other end is an answer.
        """
        trial = self._enter()
        answered = False
        try:
            yield
            answered = True
        except SignInFailure as failure:
            answered = failure.code is not FailureCode.PROVIDER_UNAVAILABLE
            raise
        finally:
            self._leave(answered=answered, trial=trial)

    def _enter(self) -> bool:
        with self._lock:
            if self._open_until is not None and (self._on_trial or self._now() < self._open_until):
                raise _unavailable("the provider failed repeatedly and is left alone for a while")
            if self._under_way >= self._at_once:
                raise _unavailable("too many calls to the provider are under way")
            self._on_trial = trial = self._open_until is not None
            self._under_way += 1
            return trial

    def _leave(self, *, answered: bool, trial: bool) -> None:
        with self._lock:
            self._under_way -= 1
            if trial:
                self._on_trial = False
            if answered:
                self._failures = 0
                self._open_until = None
                return
            self._failures += 1
            if self._failures >= self._failures_to_open:
                self._open_until = self._now() + self._pause


def _unavailable(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, detail)

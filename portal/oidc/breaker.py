"""Keeps a slow or dead provider, and a client that fails there, from holding up everybody else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portal.core.errors import FailureCode, SignInFailure

FAILURES = 5  # in a row, until the breaker opens
SEVERAL = 3  # clients that failed one after another: it is the provider then, and none of them
_LATELY = timedelta(minutes=1)
PAUSE = timedelta(seconds=10)  # until it tries again by itself


class AskedTooOftenError(SignInFailure):
    """The provider will not be asked so often (429): by this client, which others have no part in.

    What one tenant's people provoke must not shut the door of an issuer that many tenants share.
    """


class _Standing:
    """Failures in a row, of the whole issuer or of one client, and the pause they lead to."""

    def __init__(self) -> None:
        self.failures = 0
        self.open_until: datetime | None = None
        self.on_trial = False

    def is_shut(self, now: datetime) -> bool:
        return self.open_until is not None and (self.on_trial or now < self.open_until)

    def opened_lately(self, now: datetime) -> bool:
        return self.open_until is not None and now < self.open_until + _LATELY


class Breaker:
    """Lets calls to one issuer through, and none while it is known to be down.

    Closed, it counts failures in a row. Open, it refuses at once; after `pause` it lets one call
    through as a trial, whose outcome closes it or keeps it open.

    A call for a client counts against that client, which is then left alone by itself. It is the
    issuer that fails where calls for no client fail (metadata, keys), or for several clients in a
    row with no answer between them.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        failures: int = FAILURES,
        pause: timedelta = PAUSE,
    ) -> None:
        self._now = now
        self._failures_to_open = failures
        self._pause = pause
        self._lock = threading.Lock()
        self._answered_last = False
        self._issuer = _Standing()
        self._clients: dict[str, _Standing] = {}  # those that failed and have not answered since
        self._failing: set[str] = set()  # whose calls the issuer's failures in a row were

    @property
    def is_doubtful(self) -> bool:
        """Whether the issuer failed just now: nobody should wait for the next call."""
        return self._is_the_issuer

    @property
    def answers(self) -> bool:
        """Whether the last call that ended was answered: the next may be worth a wait."""
        return self._answered_last

    def is_open(self, client: str = "") -> bool:
        """Whether the issuer, or this client there, failed repeatedly and has not answered yet."""
        return any(one.open_until is not None for one in self._standings(client))

    def has_opened_lately(self, client: str = "") -> bool:
        """Whether it is open, or was a minute ago and nobody has tried since."""
        now = self._now()
        return any(one.opened_lately(now) for one in self._standings(client))

    @contextmanager
    def call(self, client: str = "") -> Iterator[None]:
        """Let one call through. Raises SignInFailure (provider_unavailable) while it may not.

        A call that ends in provider_unavailable counts as a failure; any other end is an answer.
        """
        trials = self._enter(client)
        answered = too_often = False
        try:
            yield
            answered = True
        except SignInFailure as failure:
            answered = failure.code is not FailureCode.PROVIDER_UNAVAILABLE
            too_often = isinstance(failure, AskedTooOftenError)
            raise
        finally:
            with self._lock:
                for one in trials:
                    one.on_trial = False
                if answered:
                    self._note_answer(client)
                else:
                    self._note_failure(client, trials, too_often=too_often)

    @property
    def _is_the_issuer(self) -> bool:
        return "" in self._failing or len(self._failing) >= SEVERAL

    def _standings(self, client: str) -> list[_Standing]:
        own = self._clients.get(client)
        return [self._issuer, own] if own else [self._issuer]

    def _enter(self, client: str) -> list[_Standing]:
        """Give what this call is the trial of."""
        with self._lock:
            now, standings = self._now(), self._standings(client)
            if any(one.is_shut(now) for one in standings):
                raise _unavailable("the provider failed repeatedly and is left alone for a while")
            trials = [one for one in standings if one.open_until is not None]
            for one in trials:
                one.on_trial = True
            return trials

    def _note_answer(self, client: str) -> None:
        self._answered_last = True
        self._clients.pop(client, None)
        self._failing.clear()
        self._issuer.failures = 0
        self._issuer.open_until = None

    def _note_failure(self, client: str, trials: list[_Standing], *, too_often: bool) -> None:
        self._answered_last = False
        until = self._now() + self._pause
        was_trial = self._issuer in trials
        if client:
            own = self._clients.setdefault(client, _Standing())
            own.failures += 1
            # A client that failed at the issuer's trial is left alone, and the next one may try:
            # a client that always fails must not keep the issuer shut.
            if was_trial or own.failures >= self._failures_to_open:
                own.open_until = until
            if was_trial or too_often:
                return
        self._failing.add(client)
        self._issuer.failures += 1
        if self._issuer.failures >= self._failures_to_open and self._is_the_issuer:
            self._issuer.open_until = until


def _unavailable(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, detail)

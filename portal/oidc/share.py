"""Each issuer's share of calls at once, so that a slow one does not take everybody's threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.core.errors import FailureCode, SignInFailure

_MOST_WAITING = 16  # for all issuers of a worker, beside the calls under way: of its 48 threads
_PATIENCE = 4.0  # seconds


def waiting_places() -> threading.Semaphore:
    """Make the places in which all those wait who find an issuer's share taken."""
    return threading.Semaphore(_MOST_WAITING)


class Share:
    """The places that calls to one issuer hold.

    Who finds none free waits for one where the issuer answers: a crowd that comes back at once from
    a slow provider is no fault of anybody.
    """

    def __init__(
        self, at_once: int, *, waiting: threading.Semaphore, patience: float = _PATIENCE
    ) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._waiting = waiting
        self._patience = patience

    @contextmanager
    def place(self, *, may_wait: bool) -> Iterator[None]:
        """Hold a place. Raises SignInFailure (provider_unavailable) where none is free in time."""
        if not self._places.acquire(blocking=False) and not (may_wait and self._wait()):
            raise SignInFailure(
                FailureCode.PROVIDER_UNAVAILABLE, "too many calls to the provider are under way"
            )
        try:
            yield
        finally:
            self._places.release()

    def _wait(self) -> bool:
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._places.acquire(timeout=self._patience)
        finally:
            self._waiting.release()

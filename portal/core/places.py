"""Places for work that is dear, and two lines before them: of those who are known, of strangers."""

import threading
from collections import deque

_MOST_STRANGERS = 40  # that wait in a worker, of its 48 threads: the rest is everybody else's


def waiting_room() -> threading.Semaphore:
    """Make the room in which the strangers of one process wait, for whatever it is."""
    return threading.Semaphore(_MOST_STRANGERS)


class _Waiting:
    """One who waits; `called` is set once a place is theirs."""

    __slots__ = ("called", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.called = threading.Event()


class Places:
    """A few places at a time; who finds none free waits up to `patience` seconds.

    The two lines alternate, so that neither is in the way of the other. Strangers wait as long as
    there is `room`. Those who are known need none, once each: what else comes in their name is a
    stranger's, so that nobody fills the line of the known either.
    """

    def __init__(self, number: int, *, patience: float, room: threading.Semaphore) -> None:
        self._free = number
        self._patience = patience
        self._room = room
        self._lock = threading.Lock()
        self._known: deque[_Waiting] = deque()
        self._strangers: deque[_Waiting] = deque()
        self._last_was_known = False

    def take(self, *, known: str = "") -> bool:
        """Wait for a place, to be given back after use; False where none came free in time.

        `known` names who it is, where that is certain.
        """
        waiting = _Waiting(known)
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            is_known = bool(known) and all(other.name != known for other in self._known)
            if not is_known and not self._room.acquire(blocking=False):
                return False
            line = self._known if is_known else self._strangers
            line.append(waiting)
        waiting.called.wait(self._patience)
        with self._lock:
            if not waiting.called.is_set():
                line.remove(waiting)
        if not is_known:
            self._room.release()
        return waiting.called.is_set()

    def give_back(self) -> None:
        """Let the next one have the place."""
        with self._lock:
            known_first = not (self._last_was_known and self._strangers)
            line = self._known if self._known and known_first else self._strangers
            if not line:
                self._free += 1
                return
            self._last_was_known = line is self._known
            line.popleft().called.set()

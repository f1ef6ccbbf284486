"""Requests take turns: in a worker one thread at a time runs Python, and none is woken in vain.

Python runs one thread at a time anyway. Left alone, a dozen threads with requests snatch that one
place from each other at every look into the database, and each change costs as much as a good part
of a request. So one thread listens to the server, answers, and listens again; the others rest
(leader and followers, Schmidt et al. 2000). Who has to wait for a provider or a password check
steps aside: one that rests listens meanwhile. A turn that lasts is taken away by a watch, so that
nothing that hangs unforeseen, such as a database, holds up those who do not need it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TICK, _IDLE_TICK = 0.02, 0.2  # seconds; a turn is taken away after one to two ticks


class _Seat:
    """One of the server's threads; `called` is let go to wake it."""

    __slots__ = ("called", "is_aside")

    def __init__(self) -> None:
        self.called = threading.Lock()
        self.called.acquire()
        self.is_aside = False


class Turns:
    """Hands out the turn to run Python among the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._running: _Seat | None = None
        self._given = 0  # how often the turn was given
        self._next: deque[_Seat] = deque()
        self._resting: list[_Seat] = []
        self._listening = 0

    def watch(self) -> None:
        """Begin to take away turns that last."""
        threading.Thread(target=self._take_away, name="turns", daemon=True).start()

    def take(self, work: Callable[[], None]) -> None:
        """Do a request's work in turn; then listen on, or rest while somebody else listens."""
        seat = self._arrive()
        self._wait_for_turn(seat)
        try:
            work()
        finally:
            self._leave(seat)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have the turn during a wait; nothing where no turn was taken."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        if seat is None or seat.is_aside:
            yield
            return
        with self._lock:
            if self._running is seat:
                self._pass_on()
            self._have_a_listener()
        seat.is_aside = True
        try:
            yield
        finally:
            seat.is_aside = False
            self._wait_for_turn(seat)

    def was_taken_away(self) -> bool:
        """Whether the request that this thread is at has lost its turn because it lasted."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        return seat is not None and not seat.is_aside and self._running is not seat

    def _arrive(self) -> _Seat:
        seat: _Seat | None = getattr(self._mine, "seat", None)
        if seat is None:  # a thread that the server has just started
            seat = self._mine.seat = _Seat()
            return seat
        with self._lock:
            self._listening -= 1
        return seat

    def _wait_for_turn(self, seat: _Seat) -> None:
        with self._lock:
            if self._running is None:
                self._give(seat)
                return
            self._next.append(seat)
        seat.called.acquire()

    def _leave(self, seat: _Seat) -> None:
        with self._lock:
            if self._running is seat:
                self._pass_on()
            if not self._listening:
                self._listening = 1
                return
            self._resting.append(seat)
        seat.called.acquire()

    def _give(self, seat: _Seat) -> None:
        self._running = seat
        self._given += 1

    def _pass_on(self) -> None:
        if not self._next:
            self._running = None
            return
        seat = self._next.popleft()
        self._give(seat)
        seat.called.release()

    def _have_a_listener(self) -> None:
        """Wake the one that rested last, unless somebody listens."""
        if not self._listening and self._resting:
            self._listening = 1
            self._resting.pop().called.release()

    def _take_away(self) -> None:
        before = 0
        while True:
            time.sleep(_TICK if self._given != before or self._running else _IDLE_TICK)
            with self._lock:
                if self._running and self._given == before:
                    self._pass_on()
                    self._have_a_listener()
                before = self._given

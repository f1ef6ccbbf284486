"""Requests take turns: in a worker few threads at a time run Python, and none is woken in vain.

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
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

_TICK, _IDLE_TICK = 0.02, 0.2  # seconds; a turn is taken away after one to two ticks


class _Seat:
    """One of the server's threads; `called` is let go to wake it."""

    __slots__ = ("called", "is_aside")

    def __init__(self) -> None:
        self.called = threading.Lock()
        self.called.acquire()
        self.is_aside = False


class _Aside:
    """What surrounds a wait; a generator would cost a good part of what it surrounds."""

    __slots__ = ("_seat", "_turns")

    def __init__(self, turns: "Turns", seat: _Seat) -> None:
        self._turns = turns
        self._seat = seat

    def __enter__(self) -> None:
        self._turns.step_aside(self._seat)

    def __exit__(self, *_error: object) -> None:
        self._turns.come_back(self._seat)


_NOTHING = nullcontext()


class Turns:
    """Hands out turns to run Python among the threads of one worker.

    `at_once` are out at a time: one where the database is a file, some where each statement is a
    wait for another machine.
    """

    def __init__(self, *, at_once: int = 1) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._tick = 0
        self._given = 0  # how often a turn was given
        self._running: dict[_Seat, int] = {}  # and since which tick
        self._fresh: deque[_Seat] = deque()  # who wait for a turn: with a request just come in,
        self._back: deque[_Seat] = deque()  # and back from a wait; these two lines alternate
        self._last_was_fresh = False
        self._resting: list[_Seat] = []
        self._listening = 0

    def watch(self) -> None:
        """Begin to take away turns that last."""
        threading.Thread(target=self._take_away, name="turns", daemon=True).start()

    def take(self, work: Callable[[], None]) -> None:
        """Do a request's work in turn; then listen on, or rest while somebody else listens."""
        seat = self._arrive()
        self._wait_for_turn(seat, self._fresh)
        try:
            work()
        finally:
            self._leave(seat)

    def aside(self) -> AbstractContextManager[None]:
        """Let others have the turn during a wait; nothing where no turn was taken."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        return _NOTHING if seat is None or seat.is_aside else _Aside(self, seat)

    def step_aside(self, seat: _Seat) -> None:
        """Give the turn of this seat to others."""
        with self._lock:
            self._end_turn(seat)
            self._have_a_listener()
        seat.is_aside = True

    def come_back(self, seat: _Seat) -> None:
        """Wait for a turn again."""
        seat.is_aside = False
        self._wait_for_turn(seat, self._back)

    def was_taken_away(self) -> bool:
        """Whether the request that this thread is at has lost its turn because it lasted."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        return seat is not None and not seat.is_aside and seat not in self._running

    def _arrive(self) -> _Seat:
        seat: _Seat | None = getattr(self._mine, "seat", None)
        if seat is None:  # a thread that the server has just started
            seat = self._mine.seat = _Seat()
            return seat
        with self._lock:
            self._listening -= 1
        return seat

    def _wait_for_turn(self, seat: _Seat, line: deque[_Seat]) -> None:
        with self._lock:
            if len(self._running) < self._at_once:
                self._give(seat)
                return
            line.append(seat)
            self._have_a_listener()
        seat.called.acquire()

    def _leave(self, seat: _Seat) -> None:
        with self._lock:
            self._end_turn(seat)
            if self._lacks_a_listener():
                self._listening += 1
                return
            self._resting.append(seat)
        seat.called.acquire()

    def _give(self, seat: _Seat) -> None:
        self._running[seat] = self._tick
        self._given += 1

    def _end_turn(self, seat: _Seat) -> None:
        """Give this one's turn to the next; nothing where it was taken away."""
        if self._running.pop(seat, None) is None or not (self._fresh or self._back):
            return
        # A crowd that comes back from one dead provider must not be in everybody's way.
        first = self._fresh and not (self._last_was_fresh and self._back)
        self._last_was_fresh = bool(first)
        following = (self._fresh if first else self._back).popleft()
        self._give(following)
        following.called.release()

    def _lacks_a_listener(self) -> bool:
        """Whether another may listen: as many as may run, and one where a line is to be passed."""
        if self._back and not self._listening:
            return True
        return self._listening + len(self._running) < self._at_once

    def _have_a_listener(self) -> None:
        """Wake the one that rested last where one more may listen."""
        if self._resting and self._lacks_a_listener():
            self._listening += 1
            self._resting.pop().called.release()

    def _take_away(self) -> None:
        before = 0
        while True:
            time.sleep(_TICK if self._given != before or self._running else _IDLE_TICK)
            before = self._given
            with self._lock:
                for seat in [one for one, since in self._running.items() if since < self._tick]:
                    self._end_turn(seat)
                    self._have_a_listener()
                self._tick += 1

"""Requests take turns: in a worker one thread at a time runs Python, and none is woken in vain.

Python runs one thread at a time anyway. Left alone, a dozen threads with requests snatch that one
place from each other at every look into the database, and each change costs as much as a good part
of a request. So one thread listens to the server, answers, and listens again; the others rest
(leader and followers, Schmidt et al. 2000). Who has to wait for a provider, a password check or a
database's server steps aside: one that rests listens meanwhile. A turn that lasts is taken away by
a watch, so that nothing that hangs unforeseen holds up those who do not need it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

_TICK, _IDLE_TICK = 0.02, 0.2  # seconds; a turn is taken away after one to two ticks
_MOST_BRIEF = 4  # who wait briefly before another request is taken in: more prolong each other's


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


class _Briefly(_Aside):
    """What surrounds a short wait."""

    __slots__ = ()

    def __enter__(self) -> None:
        self._turns.step_aside_briefly(self._seat)

    def __exit__(self, *_error: object) -> None:
        self._turns.come_back_soon(self._seat)


_NOTHING = nullcontext()


class Turns:
    """Hands out the turn to run Python among the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._tick = 0
        self._given = 0  # how often a turn was given
        self._runner: _Seat | None = None  # who has it,
        self._since = 0  # and since which tick
        self._soon: deque[_Seat] = deque()  # who wait for it: back from a brief wait, who go first,
        self._fresh: deque[_Seat] = deque()  # with a request just come in,
        self._back: deque[_Seat] = deque()  # and back from a wait; these two lines alternate
        self._brief: dict[_Seat, int] = {}  # who wait briefly, and since which tick
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

    def briefly(self) -> AbstractContextManager[None]:
        """Let others have the turn during a short wait; what has begun then goes on first."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        return _NOTHING if seat is None or seat.is_aside else _Briefly(self, seat)

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

    def step_aside_briefly(self, seat: _Seat) -> None:
        """Give the turn of this seat to others for a short while."""
        with self._lock:
            self._brief[seat] = self._tick
            self._end_turn(seat)
            self._have_a_listener()
        seat.is_aside = True

    def come_back_soon(self, seat: _Seat) -> None:
        """Wait for a turn again, before those who come in."""
        seat.is_aside = False
        with self._lock:
            del self._brief[seat]
        self._wait_for_turn(seat, self._soon)

    def was_taken_away(self) -> bool:
        """Whether the request that this thread is at has lost its turn because it lasted."""
        seat: _Seat | None = getattr(self._mine, "seat", None)
        return seat is not None and not seat.is_aside and seat is not self._runner

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
            if self._runner is None:
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
        self._runner, self._since = seat, self._tick
        self._given += 1

    def _end_turn(self, seat: _Seat) -> None:
        """Give this one's turn to the next; nothing where it was taken away."""
        if seat is not self._runner:
            return
        self._runner = None
        line = self._next_line()
        if line:
            following = line.popleft()
            self._give(following)
            following.called.release()

    def _next_line(self) -> deque[_Seat]:
        """Give the line whose first has the next turn; an empty one where nobody waits."""
        if self._soon:
            return self._soon
        # A crowd that comes back from one dead provider must not be in everybody's way.
        is_fresh = bool(self._fresh) and not (self._last_was_fresh and self._back)
        self._last_was_fresh = is_fresh
        return self._fresh if is_fresh else self._back

    def _lacks_a_listener(self) -> bool:
        """Whether another may listen: one while nobody runs, or where a line is to be passed."""
        if self._listening or self._back:
            return not self._listening
        return self._runner is None and self._few_wait_briefly()

    def _few_wait_briefly(self) -> bool:
        """Whether one more may come to do so; who has done so for long does not count."""
        if len(self._brief) < _MOST_BRIEF:
            return True
        return sum(since >= self._tick - 1 for since in self._brief.values()) < _MOST_BRIEF

    def _have_a_listener(self) -> None:
        """Wake the one that rested last where one more may listen."""
        if self._resting and self._lacks_a_listener():
            self._listening += 1
            self._resting.pop().called.release()

    def _take_away(self) -> None:
        before = 0
        while True:
            is_busy = self._given != before or self._runner or self._brief
            time.sleep(_TICK if is_busy else _IDLE_TICK)
            before = self._given
            with self._lock:
                if self._runner is not None and self._since < self._tick:
                    self._end_turn(self._runner)
                self._tick += 1
                self._have_a_listener()

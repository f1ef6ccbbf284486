"""Who waits for a place: strangers and those who are known are not in each other's way."""

import threading
import time

import pytest

from portal.core.places import Places


class Stand:
    """One place, which the test itself has at first; and those who wait for it."""

    def __init__(self, *, room: int) -> None:
        self.room = threading.Semaphore(room)
        self.places = Places(1, patience=10, room=self.room)
        self.got: list[str] = []
        self._threads: list[threading.Thread] = []
        assert self.places.take()

    def come(self, name: str, *, known: str = "") -> None:
        """Have somebody come and wait, after those who came before."""
        before = self._waiting()
        thread = threading.Thread(target=self._wait, args=(name, known))
        self._threads.append(thread)
        thread.start()
        until = time.monotonic() + 5
        while self._waiting() == before:
            assert time.monotonic() < until, f"{name} does not wait"
            time.sleep(0.001)

    def _waiting(self) -> int:
        return len(self.places._known) + len(self.places._strangers)

    def _wait(self, name: str, known: str) -> None:
        assert self.places.take(known=known)
        self.got.append(name)
        self.places.give_back()

    def leave(self) -> list[str]:
        """Give the place back; give who had it then, in turn."""
        self.places.give_back()
        for thread in self._threads:
            thread.join(5)
        return self.got


@pytest.fixture
def stand() -> Stand:
    return Stand(room=3)


def test_the_lines_alternate_and_each_keeps_its_order(stand: Stand):
    for name in ("x", "y", "z"):
        stand.come(name)
    stand.come("ann", known="ann")
    stand.come("bob", known="bob")
    assert stand.leave() == ["ann", "x", "bob", "y", "z"]


def test_strangers_fill_their_room_and_not_that_of_the_known(stand: Stand):
    for name in ("x", "y", "z"):
        stand.come(name)
    assert not stand.places.take()
    stand.come("ann", known="ann")
    assert stand.leave()[0] == "ann"


def test_nobody_is_in_the_line_of_the_known_twice(stand: Stand):
    stand.come("ann", known="ann")
    for name in ("ann 2", "ann 3", "ann 4"):
        stand.come(name, known="ann")
    assert not stand.places.take(known="ann")
    stand.come("bob", known="bob")
    assert stand.leave() == ["ann", "ann 2", "bob", "ann 3", "ann 4"]


def test_who_has_waited_long_enough_leaves_the_line_and_their_room():
    room = threading.Semaphore(1)
    places = Places(1, patience=0.01, room=room)
    assert places.take()
    assert not places.take()
    assert not places.take(known="ann")
    assert room.acquire(blocking=False)
    places.give_back()
    assert places.take(), "nobody is left to whom the place could have gone"

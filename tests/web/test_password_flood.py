"""A flood of strangers' passwords, below every limit: whom the portal knows comes in beside it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from flask import Flask

from portal.app import create_app
from portal.core.places import Places
from portal.crypto import Passwords
from portal.services import build_services
from tests.visitor import Visitor
from tests.web.conftest import PASSWORD

PETER, NOBODY = "peter@initech.example", "nobody@initech.example"
ROOM = 3


class Held(PasswordHasher):
    """Checks that end when the test says so; `begun` has their passwords in turn."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun: list[str] = []
        self.steps = threading.Semaphore(0)
        self.is_held = False

    def verify(self, hash, password):  # noqa: A002 - argon2's own name
        if self.is_held:
            self.begun.append(str(password))
            assert self.steps.acquire(timeout=10)
        return super().verify(hash, password)


class Flood:
    """Strangers: the check of one is under way, and the others fill the room to wait."""

    def __init__(self, app: Flask, hasher: Held, places: Places) -> None:
        self.hasher, self._places = hasher, places
        self._crowd = ThreadPoolExecutor(ROOM + 4)
        hasher.is_held = True
        self.try_one(Visitor(app), "x@elsewhere.example", "x")
        self.see(lambda: len(hasher.begun) == 1)
        for n in range(ROOM):
            self.wait_one(Visitor(app), f"x@d{n}.example", "x")

    def try_one(self, visitor: Visitor, email: str, password: str) -> Future[int]:
        """Have a password sent, and do not wait for the answer."""
        return self._crowd.submit(lambda: visitor.submit(email, password).status_code)

    def wait_one(self, visitor: Visitor, email: str, password: str) -> Future[int]:
        """Have a password sent, and see that its check waits in line."""
        before = self._waiting()
        answer = self.try_one(visitor, email, password)
        self.see(lambda: self._waiting() > before)
        return answer

    def _waiting(self) -> int:
        return len(self._places._known) + len(self._places._strangers)

    def see(self, what: Callable[[], bool]) -> None:
        """Wait until it is so."""
        until = time.monotonic() + 10
        while not what():
            assert time.monotonic() < until
            time.sleep(0.001)

    def end(self) -> None:
        self.hasher.is_held = False
        self.hasher.steps.release(100)
        self._crowd.shutdown()


@pytest.fixture
def hasher() -> Held:
    return Held()


@pytest.fixture
def app(make_settings, services, registry, hasher: Held) -> Iterator[Flask]:
    """The portal of the registry, with one password check at a time and little room to wait."""
    url = services.database.url.render_as_string(hide_password=False)
    passwords = Passwords(hasher, at_once=1, patience=10, room=threading.Semaphore(ROOM))
    built = build_services(make_settings(PORTAL_DATABASE_URL=url), passwords=passwords)
    yield create_app(built)
    built.close()


@pytest.fixture
def peter(app: Flask) -> Visitor:
    """A browser in which Peter signed in before; he is signed out there."""
    browser = Visitor(app)
    assert browser.submit(PETER, PASSWORD).status_code == 303
    browser.client.delete_cookie("portal_session")
    return browser


@pytest.fixture
def flood(app: Flask, peter: Visitor, hasher: Held) -> Iterator[Flood]:
    flood = Flood(app, hasher, app.extensions["portal"].passwords._places)
    yield flood
    flood.end()


def test_known_browser_is_the_next_whose_password_is_checked(peter: Visitor, flood: Flood):
    came = flood.wait_one(peter, PETER, PASSWORD)
    flood.hasher.steps.release(2)
    assert came.result(10) == 303
    assert flood.hasher.begun[:2] == ["x", PASSWORD]


def test_strangers_go_on_beside_those_who_are_known(app: Flask, peter: Visitor, flood: Flood):
    flood.wait_one(peter, PETER, PASSWORD)
    again = Visitor(app)
    again.client.set_cookie("portal_known", peter.client.get_cookie("portal_known").value)
    flood.hasher.steps.release(1)
    flood.see(lambda: len(flood.hasher.begun) == 2)
    flood.wait_one(again, PETER, PASSWORD)
    flood.hasher.steps.release(2)
    flood.see(lambda: len(flood.hasher.begun) == 4)
    assert flood.hasher.begun == ["x", PASSWORD, "x", PASSWORD]


def test_a_stranger_too_many_is_told_so_alike_whoever_has_an_account(app: Flask, flood: Flood):
    pages = []
    for email in (PETER, NOBODY):
        visitor = Visitor(app)
        answer = visitor.submit(email, PASSWORD)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "5"
        assert "Too many people are signing in at once" in answer.text
        assert "for this address" not in answer.text
        pages.append(answer.text.replace(email, "").replace(visitor.csrf_token(), ""))
    assert pages[0] == pages[1]
    assert len(flood.hasher.begun) == 1, "nobody's password was looked at"


@pytest.mark.usefixtures("flood")
def test_a_mark_of_another_address_opens_no_line(peter: Visitor):
    assert peter.submit(NOBODY, PASSWORD).status_code == 429

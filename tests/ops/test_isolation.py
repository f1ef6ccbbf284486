"""A dead provider, slow clients and floods hold up nobody else."""

import re
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from types import SimpleNamespace

import pytest

from portal.crypto import Vault
from tests.builders import add_client, add_connection, add_domain, add_tenant
from tests.ops.stand import KEY, Browser, Portal

HANGING = 64
PAUSE = 0.5  # seconds from an answer to the next try


@contextmanager
def black_hole() -> Iterator[str]:
    """A provider that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as door:
        taken: list[socket.socket] = []
        over = threading.Event()

        def take() -> None:
            door.settimeout(0.2)
            while not over.is_set():
                try:
                    taken.append(door.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
            for connection in taken:
                connection.close()


@pytest.fixture
def hole(crew: SimpleNamespace) -> Iterator[None]:
    """A tenant whose provider is dead."""
    with black_hole() as issuer:
        with crew.database.transaction() as connection:
            dead = add_tenant(connection, "dead")
            secret = Vault([KEY]).seal("secret")
            client = add_client(connection, dead, issuer=issuer, secret=secret)
            okta = add_connection(connection, dead, client_id=client)
            add_domain(connection, dead, "dead.example", connections=(okta,), policy="required")
        yield


PACE = 0.02  # seconds between two submits, whether or not the one before is answered


def submits(portal: Portal, number: int = 150) -> list[float]:
    """Give how long submits of another tenant took, in seconds, sorted.

    They come at a steady pace, as people do: one that is held up does not spare the next ones.
    """
    with ThreadPoolExecutor(40) as crowd:
        waiting = []
        for n in range(number):
            waiting.append(crowd.submit(_one, portal, n % 40))
            time.sleep(PACE)
        return sorted(one.result() for one in waiting)


_local = threading.local()


def _one(portal: Portal, number: int) -> float:
    if not hasattr(_local, "browser"):
        _local.browser = Browser()
        _local.browser.csrf_token(portal)
    began = time.perf_counter()
    answer = _local.browser.submit(portal, f"p{number}@acme.example", "typed")
    took = time.perf_counter() - began
    assert answer.status_code == 302, answer.status_code
    return took


class Insistent:
    """A browser that sends one form over and over, at next to no cost to the process that measures.

    A crowd of `requests` would keep the measuring itself waiting.
    """

    def __init__(self, portal: Portal, email: str) -> None:
        self._form = Browser().raw_submit(portal, email, "typed")
        self._line = socket.create_connection(("127.0.0.1", portal.port), timeout=20)

    def submit(self) -> str:
        """Send the form, and give the page that comes back."""
        self._line.sendall(self._form)
        head, _, body = self._read(b"").partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert length, head
        while len(body) < int(length[1]):
            body = self._read(body)
        return body.decode()

    def _read(self, so_far: bytes) -> bytes:
        data = self._line.recv(65_536)
        assert data, "the portal hung up"
        return so_far + data

    def close(self) -> None:
        self._line.close()


def p99(took: list[float]) -> float:
    return took[int(len(took) * 0.99) - 1]


ROUNDS = 3  # what else runs on the machine can spoil a round, and never make one good


def test_hanging_sign_ins_at_a_dead_provider_leave_others_their_speed(crew, hole):
    portal = crew.portal
    submits(portal, 40)
    reports: list[str] = []
    for _ in range(ROUNDS):
        before = submits(portal)
        with hanging_sign_ins(portal):
            during = submits(portal)
        reports.append(
            f"p99 {p99(before) * 1e3:.1f} ms before, {p99(during) * 1e3:.1f} ms during; "
            f"worst {before[-1] * 1e3:.1f} and {during[-1] * 1e3:.1f} ms; "
            f"median {statistics.median(before) * 1e3:.1f} and "
            f"{statistics.median(during) * 1e3:.1f} ms"
        )
        sys.stdout.write(reports[-1] + "\n")
        # 10 ms: what a busy machine's scheduler alone can cost
        if p99(during) <= 2 * p99(before) + 0.01:
            return
    pytest.fail("\n".join(reports))


@contextmanager
def hanging_sign_ins(portal: Portal) -> Iterator[None]:
    """Let a crowd try to sign in at a provider that never answers, again and again.

    Each begins at a moment of its own, as people do: in step, the crowd keeps the process that
    measures waiting for itself.
    """
    over = threading.Event()
    ended: list[bool] = []

    def hang(browser: Insistent, number: int) -> None:
        over.wait(PAUSE * number / HANGING)
        while not over.is_set():
            ended.append("can’t be reached" in browser.submit())
            over.wait(PAUSE)

    with ExitStack() as stack:
        names = (f"p{number}@dead.example" for number in range(HANGING))
        crowd = [stack.enter_context(closing(Insistent(portal, name))) for name in names]
        threads = stack.enter_context(ThreadPoolExecutor(HANGING))
        under_way = [threads.submit(hang, *one) for one in zip(crowd, range(HANGING), strict=True)]
        try:
            yield
        finally:
            over.set()
        for one in under_way:
            one.result()
    assert len(ended) > HANGING
    assert all(ended)

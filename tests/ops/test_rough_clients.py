"""Slow clients, endless headers, huge bodies and half-open connections take nothing from others."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal.cli.demo_provider import ProviderControl
from tests.ops.stand import HOST, Browser, Portal

HEAD = f"POST /auth/login HTTP/1.1\r\nHost: {HOST}\r\n".encode()
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@contextlib.contextmanager
def connected(portal: Portal, number: int = 1) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", portal.port), timeout=20))
            for _ in range(number)
        ]


def answer_of(connection: socket.socket) -> bytes:
    """Give what comes until the server is done or hangs up."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(65536)
    return b""


def quickest_login(portal: Portal) -> float:
    began = time.perf_counter()
    assert Browser().get(portal, "/login").status_code == 200
    return time.perf_counter() - began


@pytest.mark.parametrize(
    "start",
    [b"", b"GET /lo", HEAD, HEAD + FORM + b"Content-Length: 5000\r\n\r\nemail=a"],
    ids=["says nothing", "half a line", "half a head", "half a body"],
)
def test_two_hundred_connections_that_never_finish_hold_nobody_up(
    pair: SimpleNamespace, start: bytes
):
    with connected(pair.one, 200) as connections:
        for connection in connections:
            connection.sendall(start)
        time.sleep(0.3)
        assert quickest_login(pair.one) < 2
    assert quickest_login(pair.one) < 2


def test_neighbours_of_slow_clients_at_one_address_are_answered(
    pair: SimpleNamespace, provider: ProviderControl
):
    """Who waits for a slow provider is not taken for one of those who do not finish their form."""
    over, ended = threading.Event(), []

    def drip(connection: socket.socket) -> None:
        while not over.wait(0.2):
            try:
                connection.sendall(b"a")
            except OSError:
                ended.append(connection)
                return

    def sign_in(number: int) -> list[int]:
        answers = []
        while not over.is_set():
            answers.append(
                Browser().sign_in_by_sso(pair.one, f"p{number}@acme.example").status_code
            )
        return answers

    provider.set_options(delay=1200)
    with connected(pair.one, 40) as connections, ThreadPoolExecutor(44) as crowd:
        for connection in connections:
            connection.sendall(HEAD + FORM + b"Content-Length: 5000\r\n\r\nemail=")
            crowd.submit(drip, connection)
        people = [crowd.submit(sign_in, number) for number in range(4)]
        until = time.monotonic() + 20
        while len(ended) < 40 and time.monotonic() < until:
            time.sleep(0.1)
        over.set()
        answers = [code for one in people for code in one.result()]
    provider.set_options(delay=15)
    assert len(ended) == 40
    assert answers
    assert set(answers) == {303}


def test_form_that_comes_in_pieces_is_read_whole(pair: SimpleNamespace):
    body = b"next=/" + b"a" * 40_000 + b"&email=ann@pieces.example"
    with connected(pair.one) as (connection,):
        connection.sendall(HEAD + FORM + b"Connection: close\r\n")
        connection.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 9000):
            connection.sendall(body[start : start + 9000])
            time.sleep(0.1)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.split()[1] == b"400"  # it has no token
    assert b"ann@pieces.example" in answer


def test_head_that_does_not_come_is_given_up_in_seconds(pair: SimpleNamespace):
    with connected(pair.one) as (connection,):
        connection.sendall(HEAD)
        began = time.monotonic()
        answer_of(connection)
        assert time.monotonic() - began < 15


def test_endless_head_is_refused_without_reading_on(pair: SimpleNamespace):
    with connected(pair.one) as (connection,):
        sent = 0
        with contextlib.suppress(ConnectionError):
            connection.sendall(HEAD)
            for _ in range(200):
                connection.sendall(b"X-Long: " + b"a" * 8000 + b"\r\n")
                sent += 8000
        answer = b""
        with contextlib.suppress(TimeoutError):
            answer = answer_of(connection)
        assert answer == b"" or answer.split()[1] in {b"400", b"431"}, answer[:200]
    assert quickest_login(pair.one) < 2


def test_huge_body_is_refused_and_takes_no_memory(pair: SimpleNamespace):
    (worker,) = pair.one.workers
    before = resident(worker)
    with connected(pair.one) as (connection,):
        connection.sendall(HEAD + FORM + b"Content-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.settimeout(3)
            for _ in range(400):
                connection.sendall(b"a" * 100_000)
        after = resident(worker)
    assert after - before < 30_000_000, f"{(after - before) / 1e6:.0f} MB"
    assert quickest_login(pair.one) < 2


def resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")

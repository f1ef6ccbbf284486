"""What a worker does between the signal to stop and its end."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from portal.cli import farewell
from portal.cli.farewell import Farewell

DEAF = """
import os, signal, sys, threading
from portal.cli.stop_signal import hear_it
hear_it(signal.SIGTERM, first=lambda: print("goodbye", flush=True))
lock = threading.Event()
{handle}
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("up", flush=True)
lock.wait()
"""
SERVING = "signal.signal(signal.SIGTERM, lambda *_: (print('stopped', flush=True), lock.set()))"


def answer(application: Farewell) -> list[tuple[str, str]]:
    given: list[tuple[str, str]] = []

    def start_response(_: str, headers: list[tuple[str, str]], __: Any = None) -> None:
        given.extend(headers)

    assert list(application({}, start_response)) == [b"fine"]
    return given


def fine(_: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Farewell]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(farewell, "listeners", lambda: [listener])
        yield Farewell(fine, Event())


def test_connections_are_kept_until_the_worker_leaves_and_ended_from_then_on(
    application: Farewell,
):
    assert answer(application) == [("Content-Type", "text/plain")]
    application.begin()
    assert answer(application) == [("Content-Type", "text/plain"), ("Connection", "close")]


def test_request_that_was_begun_before_hears_the_goodbye_too():
    stopping = Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        stopping.set()
        return fine(environ, start_response)

    assert ("Connection", "close") in answer(Farewell(slow, stopping))


def test_a_worker_that_nobody_is_connected_to_leaves_at_once(application: Farewell):
    began = time.monotonic()
    application.begin()
    assert time.monotonic() - began < 0.5


def test_newcomers_are_kept_out_and_who_is_connected_is_heard():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = listener.getsockname()
        with socket.create_connection(where, timeout=5) as early:
            farewell.drop_newcomers(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(where, timeout=0.2)
            early.sendall(b"hello")
            taken, _ = listener.accept()
            with taken:
                taken.settimeout(5)
                assert taken.recv(5) == b"hello"


def told_to_stop(handle: str) -> tuple[str, int]:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF.format(handle=handle)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=10)
    return said, process.returncode


def test_signal_wakes_a_main_thread_that_sleeps_and_runs_its_handler_once():
    assert told_to_stop(SERVING) == ("goodbye\nstopped\n", 0)


def test_signal_ends_a_process_that_is_still_starting():
    assert told_to_stop("") == ("goodbye\n", 0)

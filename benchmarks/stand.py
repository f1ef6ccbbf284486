"""Starts and stops what is measured; reads processor time and memory of its worker."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class StandError(Exception):
    """Something that is to be measured does not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port, the process that does the work, and how long it took to come."""

    port: int
    worker: int
    started_in: float

    def processor_seconds(self) -> float:
        """Give the processor time that the worker has used so far, all its threads together."""
        return time.clock_gettime(~self.worker << 3 | 2)  # clock_getcpuclockid(3), as Linux has it

    def memory(self) -> int:
        """Give the worker's resident memory in bytes."""
        return _resident(self.worker)


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser has after it opened the sign-in page: the hidden field and the cookie."""

    fields: dict[str, str]
    cookie: str


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python(*arguments: str) -> list[str]:
    """Give the command line of this interpreter."""
    return [sys.executable, *arguments]


@contextmanager
def serving(
    command: list[str], port: int, environ: Mapping[str, str], *, path: str = "/login"
) -> Iterator[Server]:
    """Run a server until the block ends; it is there once `path` is answered."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ})
    try:
        _wait(process, port, path)
        took = time.perf_counter() - began
        yield Server(port, _worker(process.pid), took)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    for _ in range(3000):
        if process.poll() is not None:
            raise StandError(f"{process.args} ended with {process.returncode}")
        with suppress(OSError):
            if fetch(port, path)[0] < 500:
                return
        time.sleep(0.01)
    raise StandError(f"{process.args} does not answer")


def fetch(port: int, path: str) -> tuple[int, str, str]:
    """Give status, cookies and text of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        cookies = [pair.partition(";")[0] for pair in answer.headers.get_all("Set-Cookie", [])]
        return answer.status, "; ".join(cookies), answer.read().decode()
    finally:
        connection.close()


def open_form(port: int) -> Form:
    """Open the sign-in page as a browser does, and give what it then has."""
    _, cookie, page = fetch(port, "/login")
    found = _CSRF.search(page)
    return Form({"csrf_token": found[1]} if found else {}, cookie)


def _worker(process: int) -> int:
    """Give the process that answers: the biggest of those below the started one with no child."""
    return max(_leaves(process), key=_resident)


def _leaves(process: int) -> Iterator[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    if not children:
        yield process
    for child in children:
        yield from _leaves(int(child))


def _resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

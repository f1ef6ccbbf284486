"""The load: `python -m benchmarks.load` reads a job as JSON, sends it, and prints what it saw.

A closed loop over kept-alive connections: each sends its next request when its answer has come and
has been found right. A wrong answer ends the run with its text: a fast failure is not a result.
"""

import base64
import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit
from zlib import crc32

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]*)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]*)", re.IGNORECASE)
_ASKED = ("client_id", "login_hint", "nonce", "code_challenge")


class WrongAnswerError(Exception):
    """An answer is not the one that the work asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send, how hard, and what must come back."""

    port: int
    seconds: float
    connections: int
    kind: str  # page | submit | sign-in
    form: dict[str, str]
    cookie: str
    emails: list[str]
    location: str = ""  # what the redirect to the provider begins with
    hinted: bool = True  # whether the redirect carries the address
    text: str = ""  # what a page holds
    least: int = 1  # so much work is done, even if it takes longer


class Answer(NamedTuple):
    """One answer: status as text, head and body as they came."""

    status: bytes
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        found = _LOCATION.search(self.head)
        return found[1].decode() if found else ""

    @property
    def cookies(self) -> list[str]:
        pairs = [pair.decode() for pair in _COOKIE.findall(self.head)]
        return [pair for pair in pairs if pair.partition("=")[2]]


class Step(NamedTuple):
    """A request to send; `is_first` where a new unit of work begins with it."""

    request: bytes
    is_first: bool


Visitor = Generator[Step, Answer, None]


def visitor(job: Job, share: int) -> Visitor:
    """Give the endless work of one connection; `share` is where in the addresses it begins."""
    start = share * len(job.emails) // job.connections
    emails = cycle([*job.emails[start:], *job.emails[:start]])
    if job.kind == "page":
        return _pages(job, emails)
    return _sign_ins(job, emails) if job.kind == "sign-in" else _submits(job, emails)


def _pages(job: Job, emails: Iterator[str]) -> Visitor:
    text = job.text.encode()
    for request in cycle([_get(job, "/login", "", email=email) for email in _several(job, emails)]):
        answer = yield Step(request, is_first=True)
        _check(answer.status == b"200" and text in answer.body, answer)


def _submits(job: Job, emails: Iterator[str]) -> Visitor:
    prepared = cycle([(_submit(job, email), _hint(job, email)) for email in _several(job, emails)])
    location = job.location.encode()
    for request, hint in prepared:
        answer = yield Step(request, is_first=True)
        found = _LOCATION.search(answer.head)
        right = found is not None and found[1].startswith(location) and hint in found[1]
        _check(answer.status == b"302" and right, answer)


def _several(job: Job, emails: Iterator[str]) -> list[str]:
    return [next(emails) for _ in range(len(job.emails) // job.connections or 1)]


def _hint(job: Job, email: str) -> bytes:
    return urlencode({"login_hint": email}).encode() if job.hinted else b""


def _sign_ins(job: Job, emails: Iterator[str]) -> Visitor:
    for email in emails:
        sent = yield Step(_submit(job, email), is_first=True)
        _check(sent.status == b"302" and sent.location.startswith(job.location), sent)
        asked = {name: found[0] for name, found in parse_qs(urlsplit(sent.location).query).items()}
        _check(asked.get("login_hint") == email, sent)
        cookie = "; ".join([job.cookie, *sent.cookies])
        back = yield Step(_get(job, _callback(asked), cookie, email=email), is_first=False)
        _check(back.status == b"303" and back.location.endswith("/dashboard"), back)
        cookie = "; ".join(back.cookies)
        page = yield Step(_get(job, "/dashboard", cookie, email=email), is_first=False)
        _check(page.status == b"200" and email.encode() in page.body, page)


def _callback(asked: dict[str, str]) -> str:
    """Answer for the provider: the code is the request itself, which the stub understands."""
    request = json.dumps({name: asked[name] for name in _ASKED if name in asked})
    code = base64.urlsafe_b64encode(request.encode()).decode()
    query = urlencode({"code": code, "state": asked["state"]})
    return f"{urlsplit(asked['redirect_uri']).path}?{query}"


def _submit(job: Job, email: str) -> bytes:
    body = urlencode({"email": email, **job.form}).encode()
    head = (
        f"POST /auth/login HTTP/1.1\r\n{_common(job, job.cookie, email)}"
        f"Origin: http://127.0.0.1:{job.port}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _get(job: Job, path: str, cookie: str, *, email: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{_common(job, cookie, email)}\r\n".encode()


def _common(job: Job, cookie: str, email: str) -> str:
    lines = [
        f"Host: 127.0.0.1:{job.port}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        "Accept-Language: en",
        f"X-Forwarded-For: {_network(email)}",
    ]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    return "\r\n".join(lines) + "\r\n"


def _network(email: str) -> str:
    """Give each person an address of their own: a thousand from one would be refused as a flood."""
    a, b, c, _ = crc32(email.encode()).to_bytes(4, "big")
    return f"10.{a}.{b}.{c}"


def _check(right: bool, answer: Answer) -> None:  # noqa: FBT001 - reads as an assertion
    if not right:
        raise WrongAnswerError(
            (answer.head + b"\r\n\r\n" + answer.body[:2000]).decode("utf-8", "replace")
        )


class _Line:
    """One connection and the visitor who uses it."""

    def __init__(self, job: Job, share: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", job.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._visitor = visitor(job, share)
        self._first = next(self._visitor).request  # what is sent is prepared before the time runs
        self._received = b""
        self._began = 0.0

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def begin(self) -> None:
        """Send the first request."""
        self._began = time.perf_counter()
        self.socket.sendall(self._first)

    def go_on(self) -> float | None:
        """Read what has come; on a whole answer send the next request.

        Gives how long a unit of work took when this ended one.
        """
        self._received += self.socket.recv(65536)
        answer = self._answer()
        if answer is None:
            return None
        now = time.perf_counter()
        step = self._visitor.send(answer)
        took = None
        if step.is_first:
            took, self._began = now - self._began, now
        self.socket.sendall(step.request)
        return took

    def _answer(self) -> Answer | None:
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            if not head:
                raise WrongAnswerError("the server hung up")
            return None
        length = _LENGTH.search(head)
        if length is None:
            raise WrongAnswerError(
                "an answer without a length:\n" + head.decode("utf-8", "replace")
            )
        if len(body) < int(length[1]):
            return None
        self._received = b""
        return Answer(head[9:12], head, body)


def run(job: Job) -> dict[str, float]:
    """Send the job's load; give how much was done and how long each unit took."""
    with ExitStack() as stack:
        lines = [stack.enter_context(closing(_Line(job, n))) for n in range(job.connections)]
        took, seconds = _drive(lines, job)
    took.sort()
    return {
        "units": len(took),
        "seconds": seconds,
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
    }


def _drive(lines: list[_Line], job: Job) -> tuple[list[float], float]:
    """Keep every line busy until the time is over and the least is done.

    Gives how long each unit took, and how long it all took.
    """
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        start = time.perf_counter()
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.begin()
        while (now := time.perf_counter()) < start + job.seconds or len(took) < job.least:
            ready = selector.select(timeout=10)
            if not ready:
                raise WrongAnswerError("no answer within ten seconds")
            for key, _ in ready:
                unit = key.data.go_on()
                if unit is not None:
                    took.append(unit)
    return took, now - start


if __name__ == "__main__":
    try:
        print(json.dumps(run(Job(**json.load(sys.stdin)))))
    except WrongAnswerError as error:
        sys.exit(f"wrong answer:\n{error}")

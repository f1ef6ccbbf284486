"""Lets go of clients that begin a form and do not finish it: each would keep a thread for ever.

The server times out heads but not bodies, and it reads a body in the thread that answers.
"""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from portal.cli.open_sockets import Traffic, connections, traffic
from portal.cli.turns import Turns

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_TICK = 0.25  # seconds
_SLOW, _SLOW_FOR = 0.25, 10.0  # seconds: a slow body takes so long, and is remembered so long
_PATIENCE, _LONGEST = 5.0, 20.0  # seconds without a byte, and for a whole body
_PRESSED, _PRESSED_LONGEST = 0.5, 2.0  # the same while most threads wait for bodies
_NO_WAIT = nullcontext()
_NEAR = 0.3  # seconds by which an answer under way may be off the last byte of its request


class SlowBodies:
    """Reads each body before the application runs, watched: who is too slow is hung up on.

    With most of `threads` waiting for bodies, patience is short: others want to sign in. A body is
    there with its head nearly always; while some are not, all are read `aside`.
    """

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        most_bytes: Callable[[str], int],
        turns: Turns,
    ) -> None:
        self._application = application
        self._crowd = threads * 3 // 4
        self._most_bytes = most_bytes
        self._turns = turns
        self._slow_until = 0.0
        self._reading: dict[int, tuple[float, str]] = {}  # by thread: since when, for whom
        self._answering: dict[int, tuple[float, str]] = {}
        threading.Thread(target=self._watch, name="slow bodies", daemon=True).start()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request, its body read."""
        length = environ.get("CONTENT_LENGTH")
        if length or "HTTP_TRANSFER_ENCODING" in environ:
            self._read(environ, length or "")
        me = threading.get_ident()
        self._answering[me] = (time.monotonic(), environ.get("REMOTE_ADDR", ""))
        try:
            return self._application(environ, start_response)
        finally:
            del self._answering[me]

    def _read(self, environ: Environ, length: str) -> None:
        most = self._most_bytes(environ.get("PATH_INFO", ""))
        if length.isdigit() and int(length) > most:
            return  # refused by its length; nobody reads it
        me, began = threading.get_ident(), time.monotonic()
        waits = self._reading or began < self._slow_until
        self._reading[me] = (began, environ.get("REMOTE_ADDR", ""))
        try:
            with self._turns.aside() if waits else _NO_WAIT:
                body = environ["wsgi.input"].read(most + 1)
                took = time.monotonic() - began
        except OSError:
            body, took = b"", 0.0  # hung up: the form that it is not will be refused
        finally:
            del self._reading[me]
        if took > _SLOW if waits else self._turns.was_taken_away():
            self._slow_until = began + took + _SLOW_FOR
        environ["wsgi.input"] = io.BytesIO(body)

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK)
            with contextlib.suppress(OSError):
                self._let_go(time.monotonic())

    def _let_go(self, now: float) -> None:
        reading = list(self._reading.copy().values())
        is_pressed = len(reading) >= self._crowd
        patience = _PRESSED if is_pressed else _PATIENCE
        longest = _PRESSED_LONGEST if is_pressed else _LONGEST
        late = {peer: now - began for began, peer in reversed(reading) if now - began > patience}
        if not late:
            return
        answering = [(now - since, peer) for since, peer in self._answering.copy().values()]
        for connection, peer in connections():
            if peer not in late:
                continue
            seen = traffic(connection)
            is_late = seen.silent_for > patience or (
                late[peer] > longest and seen.unanswered_for > longest
            )
            if (
                is_late
                and not is_at_rest(seen, longest)
                and not _is_answered(seen.silent_for, peer, answering)
            ):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def is_at_rest(seen: Traffic, longest: float) -> bool:
    """Whether the last request of a connection was answered: its client may be silent.

    Both at one tick of the clock may be a quick answer, or an answer and half of the next form; for
    `longest` seconds the client has the benefit of the doubt.
    """
    if seen.silent_for == seen.unanswered_for:
        return seen.has_answered and seen.silent_for <= longest
    return seen.silent_for > seen.unanswered_for


def _is_answered(silent: float, peer: str, answering: list[tuple[float, str]]) -> bool:
    """Whether this may be somebody whose request is whole and under way, at the same address.

    The server does not tell which connection a request came on; its last byte came when its answer
    was begun.
    """
    return any(who == peer and abs(since - silent) < _NEAR for since, who in answering)

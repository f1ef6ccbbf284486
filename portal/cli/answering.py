"""How a worker answers what the server hands it: a WSGI application, called in turns.

In place of the server's own caller, which gives the whole process environment to every request and
sends each answer in pieces.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from granian.wsgi import ResponseIterWrap

from portal.cli.turns import Turns

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_AT_ONCE = 64 * 1024  # bytes: longer answers go out in pieces
_SURROUNDINGS = {
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class _Head:
    """What the application said of its answer (PEP 3333, `start_response`)."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> None:
        del exc_info  # nothing was sent yet: it may always be replaced
        self.status = int(status[:3])
        self.headers = headers

    def is_short(self) -> bool:
        for name, value in self.headers:
            if name.lower() == "content-length":
                return value.isdigit() and int(value) <= _AT_ONCE
        return False


class InTurns:
    """A WSGI application; `answer` is what granian calls, others call it as any application.

    `before_stop` is what a worker does first when it is told to stop.
    """

    def __init__(
        self,
        application: Application,
        turns: Turns,
        *,
        before_stop: Callable[[], object] = lambda: None,
    ) -> None:
        self._application = application
        self._turns = turns
        self.before_stop = before_stop

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request under a server that knows no turns."""
        return self._application(environ, start_response)

    def answer(self, protocol: Any, environ: Environ) -> None:
        """Answer a request in turn; the turn ends when the answer is on its way."""
        self._turns.take(lambda: self._send(protocol, environ))

    def _send(self, protocol: Any, environ: Environ) -> None:
        environ.update(_SURROUNDINGS)
        head = _Head()
        body = self._application(environ, head)
        if not head.is_short():
            pieces = ResponseIterWrap(body)  # type: ignore[no-untyped-call]
            protocol.response_iter(head.status, head.headers, pieces)
            return
        try:
            whole = b"".join(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        protocol.response_bytes(head.status, head.headers, whole)

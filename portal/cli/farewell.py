"""Says goodbye before a worker stops, so that nobody's next request finds a closed door.

A browser or proxy keeps its connection for the next request. The server closes resting connections
the moment it stops, and a form that is on its way just then would be lost. So for a while each
answer says `Connection: close` (RFC 9112, 9.6), and the next request comes on a new connection, to
another server where balancers have seen `/readyz`. Then no new connection is taken either: one that
is in the listener's queue when that is closed would be lost too.
"""

import socket
import struct
import time
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event
from typing import Any

from portal.cli.open_sockets import connections, listeners, waiting_at

_ASKING_AWAY, _LAST_ANSWERS = 1.0, 0.5  # seconds, at most
_TICK = 0.05
_SO_ATTACH_FILTER = 26
_SYN, _ACK, _FLAGS_AT = 0x02, 0x10, 13
_ONLY_WHO_IS_CONNECTED = (  # a classic BPF program: code, two jumps, operand
    (0x30, 0, 0, _FLAGS_AT),
    (0x54, 0, 0, _SYN | _ACK),
    (0x15, 0, 1, _SYN),
    (0x06, 0, 0, 0),  # a new connection: dropped
    (0x06, 0, 0, 0xFFFFFFFF),
)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class Farewell:
    """The application; once `begin` is called, it ends each connection that it answers on."""

    def __init__(self, application: Application, stopping: Event) -> None:
        self._application = application
        self._stopping = stopping

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request; one that was begun before the farewell hears it too."""

        def answer(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if self._stopping.is_set():
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, exc_info)

        return self._application(environ, answer)

    def begin(self) -> None:
        """Ask everybody away, then take no new connections; at once where nobody is connected."""
        self._stopping.set()
        _wait_while_anybody_is_here(_ASKING_AWAY)
        with suppress(OSError):
            for listener in listeners():
                drop_newcomers(listener)
        _wait_while_anybody_is_here(_LAST_ANSWERS)


def _wait_while_anybody_is_here(longest: float) -> None:
    until = time.monotonic() + longest
    while time.monotonic() < until and _is_anybody_here():
        time.sleep(_TICK)


def _is_anybody_here() -> bool:
    with suppress(OSError):
        ports = set()
        for listener in listeners():
            if waiting_at(listener):
                return True
            ports.add(listener.getsockname()[1])
        return any(connection.getsockname()[1] in ports for connection, _ in connections())
    return True  # no kernel that tells


def drop_newcomers(listener: socket.socket) -> None:
    """Let the kernel drop packets that would open a connection; who is connected stays so.

    Whoever sent one sends it again a second later: to another server, or to a closed port.
    """
    program = b"".join(struct.pack("HBBI", *line) for line in _ONLY_WHO_IS_CONNECTED)
    kept = array("B", program)  # no ctypes: hardened systems may refuse it the memory it wants
    pointer = struct.pack("HP", len(_ONLY_WHO_IS_CONNECTED), kept.buffer_info()[0])
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)

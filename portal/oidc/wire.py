"""Connections to vetted addresses that keep one deadline and one limit of bytes for a whole call.

A socket's own time-out is for each read: a peer that drips a byte a second never meets it. Here
every read gets what is left of the call, and what arrives is counted.
"""

import select
import socket
import ssl
import time
from functools import cache

from portal.oidc.addresses import Resolver, SocketAddress
from portal.oidc.messages import Answer, AnswerReader, Origin, OversizedError

_MOST_ADDRESSES = 4  # of one host, tried in turn
_CHUNK = 65_536


class Call:
    """One request and its answer: what time and how many bytes are left for it."""

    def __init__(self, *, connect: float, read: float, total: float, most_bytes: int) -> None:
        self._connect = connect
        self._read = read
        self._ends = time.monotonic() + total
        self._bytes_left = most_bytes

    def connect_time(self) -> float:
        """Give the seconds that connecting may still take. Raises TimeoutError at the end."""
        return min(self._connect, self._left())

    def read_time(self) -> float:
        """Give the seconds that the next read may take. Raises TimeoutError likewise."""
        return min(self._read, self._left())

    def arrived(self, count: int) -> None:
        """Count bytes of the answer. Raises OversizedError when they are too many."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise OversizedError

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole call took too long")
        return left


class Connection:
    """An open connection, for one call at a time."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self.idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the other side has neither hung up nor spoken out of turn."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return not waiting.poll(0)

    def exchange(self, request: bytes, call: Call, reader: AnswerReader) -> Answer:
        """Send a request and read the answer to its end.

        Raises what sockets and the reader raise; the connection is of no more use then.
        """
        self._socket.settimeout(call.read_time())
        self._socket.sendall(request)
        while reader.answer is None:
            self._socket.settimeout(call.read_time())
            data = self._socket.recv(_CHUNK)
            call.arrived(len(data))
            reader.take(data)
        return reader.answer

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@cache
def tls_context(cafile: str) -> ssl.SSLContext:
    """Give the context for all connections: the system's authorities and those of `cafile`.

    Both are read once for the whole process, which takes a twentieth of a second.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(cafile)
    return context


def connect(origin: Origin, resolver: Resolver, call: Call, tls: ssl.SSLContext) -> Connection:
    """Connect to the first address that answers; all of them were vetted, none is asked again.

    With https the certificate is checked by the host's name. Raises TimeoutError, OSError, or
    SignInFailure where an address is not allowed.
    """
    host, port = origin.host, origin.port
    addresses = resolver.addresses(host, port, timeout=call.connect_time())[:_MOST_ADDRESSES]
    failure = OSError("no address to connect to")
    for turn, address in enumerate(addresses):
        share = call.connect_time() / (len(addresses) - turn)
        try:
            opened = _open(address, share)
        except OSError as error:
            failure = error
            continue
        return Connection(_secured(opened, origin, call, tls))
    raise failure


def _open(address: SocketAddress, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(seconds)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened


def _secured(
    opened: socket.socket, origin: Origin, call: Call, tls: ssl.SSLContext
) -> socket.socket:
    """Shake hands where the scheme asks for it, within what is left of the time to connect."""
    if origin.scheme != "https":
        return opened
    try:
        opened.settimeout(call.connect_time())
        return tls.wrap_socket(opened, server_hostname=origin.host.rstrip("."))
    except BaseException:
        opened.close()
        raise

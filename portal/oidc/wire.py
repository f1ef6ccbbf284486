"""Connections to vetted addresses that keep one deadline and one limit of bytes for a whole call.

urllib3's time-outs are per read: a peer that drips a byte a second never meets them. Here every
read sets the socket's time-out to what is left of the call, and counts what arrives.
"""

import logging
import socket
import ssl
import time
from typing import Protocol, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

from portal.oidc.addresses import Resolver, SocketAddress

# urllib3 logs a header that it cannot read as it came: a provider could put a code into our log.
logging.getLogger("urllib3").setLevel(logging.ERROR)

_MOST_ADDRESSES = 4  # of one host, tried in turn


class OversizedError(Exception):
    """More bytes arrived than one call may bring."""


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


class _Metered(Protocol):
    call: Call


class MeteredSocket(socket.socket):
    """A socket that works for one call at a time, within its time and bytes."""

    call: Call

    def recv_into(self, buffer: memoryview, nbytes: int = 0, flags: int = 0) -> int:  # type: ignore[override]
        """Read what is there, within the call's limits."""
        self.settimeout(self.call.read_time())
        count = super().recv_into(buffer, nbytes, flags)
        self.call.arrived(count)
        return count


class MeteredTlsSocket(ssl.SSLSocket):
    """The same with TLS. The handshake itself keeps the time-out that the plain socket had."""

    call: Call

    def recv_into(self, buffer: memoryview, nbytes: int | None = None, flags: int = 0) -> int:  # type: ignore[override]
        """Read what is there, within the call's limits."""
        self.settimeout(self.call.read_time())
        count = super().recv_into(buffer, nbytes, flags)
        self.call.arrived(count)
        return count


class PlainConnection(HTTPConnection):
    """An http connection to a vetted address; only where local issuers are allowed."""

    call: Call
    resolver: Resolver
    idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        return _connect(self.resolver, self.host, self.port, self.call)

    def begin(self, call: Call) -> None:
        """Work for this call from now on, on the open connection or one that it will open."""
        _begin(self, call)


class TlsConnection(HTTPSConnection):
    """An https connection to a vetted address; the certificate is checked by the host's name."""

    call: Call
    resolver: Resolver
    idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        return _connect(self.resolver, self.host, self.port, self.call)

    def connect(self) -> None:
        """Connect and shake hands, within the call's time to connect."""
        super().connect()
        cast("_Metered", self.sock).call = self.call

    def begin(self, call: Call) -> None:
        """Work for this call from now on, on the open connection or one that it will open."""
        _begin(self, call)


Connection = PlainConnection | TlsConnection


def tls_context(cafile: str) -> ssl.SSLContext:
    """Give the context for all connections: the system's authorities and those of `cafile`."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile)
    context.sslsocket_class = MeteredTlsSocket
    return context


def _begin(connection: Connection, call: Call) -> None:
    connection.call = call
    connection.timeout = call.read_time()
    if connection.sock is not None:
        cast("_Metered", connection.sock).call = call


def _connect(resolver: Resolver, host: str, port: int, call: Call) -> socket.socket:
    """Connect to the first address that answers; all of them were vetted, none is asked again."""
    addresses = resolver.addresses(host, port, timeout=call.connect_time())[:_MOST_ADDRESSES]
    failure = OSError("no address to connect to")
    for turn, address in enumerate(addresses):
        share = call.connect_time() / (len(addresses) - turn)
        try:
            return _open(address, share, call)
        except OSError as error:
            failure = error
    raise failure


def _open(address: SocketAddress, seconds: float, call: Call) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    connection = MeteredSocket(family, socket.SOCK_STREAM)
    try:
        connection.call = call
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
        connection.settimeout(call.connect_time())  # what is left, for the handshake
    except BaseException:
        connection.close()
        raise
    return connection

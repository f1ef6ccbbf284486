"""Small servers on loopback that answer as they are told, byte by byte where it matters."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Asked:
    """A request that a server got."""

    method: str
    path: str
    headers: dict
    body: bytes


class Peer:
    """One connection of a client, as the server sees it."""

    def __init__(self, connection):
        self._connection = connection
        self._buffer = b""

    def request(self) -> Asked | None:
        """Read one request, or None when the client hung up."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        method, path, _ = first.split(" ")
        return Asked(method, path, headers, body)

    def _more(self) -> bool:
        chunk = self._connection.recv(65536)
        self._buffer += chunk
        return bool(chunk)

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._connection.close()


class Server:
    """Accepts connections and hands each to `behave`, in a thread of its own."""

    def __init__(
        self, behave: Callable[["Server", Peer], object], tls: ssl.SSLContext | None = None
    ):
        self._behave = behave
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                self._behave(self, Peer(connection))

    def close(self):
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join(2)


Behaviour = Callable[[Server, Peer], object]


def answer(
    body: object = b"{}",
    *,
    status: str = "200 OK",
    kind: str = "application/json",
    headers: str = "",
    length: int | None = None,
) -> bytes:
    """Give an HTTP answer as bytes; anything but bytes becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(data) if length is None else length
    kind = f"Content-Type: {kind}\r\n" if kind else ""
    return f"HTTP/1.1 {status}\r\n{kind}Content-Length: {size}\r\n{headers}\r\n".encode() + data


def always(data: bytes) -> Behaviour:
    """Answer every request with the same bytes, on connections that stay open."""
    return routes(lambda _asked: data)


def routes(choose: Callable[[Asked], bytes]) -> Behaviour:
    """Answer every request with what `choose` gives for it."""

    def behave(server: Server, peer: Peer) -> None:
        while (asked := peer.request()) is not None:
            server.asked.append(asked)
            peer.send(choose(asked))

    return behave


def once(data: bytes) -> Behaviour:
    """Answer one request with these bytes and hang up."""

    def behave(server: Server, peer: Peer) -> None:
        server.asked.append(peer.request())
        peer.send(data)

    return behave


def dripping(data: bytes, seconds: float = 0.05) -> Behaviour:
    """Send the bytes one by one, each well within any time-out for a single read."""

    def behave(server: Server, peer: Peer) -> None:
        peer.request()
        for byte in data:
            peer.send(bytes([byte]))
            if server.closing.wait(seconds):
                return

    return behave

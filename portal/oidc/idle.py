"""Open connections that nobody uses just now, kept for whoever asks the same origin next."""

import threading
import time
from collections import deque

from portal.oidc.messages import Origin
from portal.oidc.wire import Connection

_MOST_IDLE = 64  # over all origins: files are the process's to share
_LONGEST_IDLE = 60.0  # seconds
_FRESH = 4.0  # seconds: no common server hangs up this early


class IdleConnections:
    """A bounded pool of open connections, newest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: deque[tuple[Origin, Connection]] = deque()

    def take(self, origin: Origin, *, fresh: bool) -> Connection | None:
        """Give an open connection to `origin`, if there is one.

        `fresh` asks for one that was used moments ago: what may not be sent twice must not meet a
        server that is just hanging up.
        """
        longest = _FRESH if fresh else _LONGEST_IDLE
        while (connection := self._newest(origin)) is not None:
            if time.monotonic() - connection.idle_since <= longest and connection.is_connected:
                return connection
            connection.close()
        return None

    def _newest(self, origin: Origin) -> Connection | None:
        with self._lock:
            for place in reversed(range(len(self._connections))):
                if self._connections[place][0] == origin:
                    connection = self._connections[place][1]
                    del self._connections[place]
                    return connection
        return None

    def put(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        connection.idle_since = time.monotonic()
        too_old = connection.idle_since - _LONGEST_IDLE
        with self._lock:
            self._connections.append((origin, connection))
            while len(self._connections) > _MOST_IDLE or (
                self._connections[0][1].idle_since < too_old
            ):
                self._connections.popleft()[1].close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            while self._connections:
                self._connections.pop()[1].close()

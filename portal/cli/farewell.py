"""Says goodbye before a worker stops, so that nobody's next request finds a closed door.

A browser or proxy keeps its connection for the next request. The server closes idle connections
the moment it stops, and a form that is on its way just then would be lost. So for a while each
answer says `Connection: close` (RFC 9112, 9.6), and the next request comes on a new connection,
to a worker that stays or to another server.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_SECONDS = 1.0


class Farewell:
    """The application; once `begin` is called, it ends each connection that it answers on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._is_leaving = False

    def begin(self) -> None:
        """Say goodbye to who comes from now on; come back when most have heard it."""
        self._is_leaving = True
        time.sleep(_SECONDS)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not self._is_leaving:
            return self._application(environ, start_response)

        def closing(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], exc_info)

        return self._application(environ, closing)

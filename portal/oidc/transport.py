"""One request out, one answer back: pinned, metered, read whole, and failures told plainly."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc.addresses import Resolver
from portal.oidc.idle import IdleConnections
from portal.oidc.messages import (
    Answer,
    AnswerReader,
    MalformedError,
    Origin,
    OversizedError,
    Request,
)
from portal.oidc.wire import Call, Connection, connect

_HEAD_ROOM = 131_072  # bytes that the head and the framing of an answer may take
_PATIENCE = 0.5  # seconds that a call waits for others to end


@dataclass(frozen=True, slots=True)
class Limits:
    """How long (seconds), how much (bytes) and how many at once one issuer may keep us busy."""

    connect: float = 5.0
    read: float = 6.0
    total: float = 10.0
    most_bytes: int = 1_048_576
    at_once: int = 8
    in_all: int = 24  # of the 48 threads that a worker has: the others keep serving pages


class Transport:
    """Sends requests over connections of its own; it knows no proxy, cookie or redirect."""

    def __init__(self, resolver: Resolver, limits: Limits, tls: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._limits = limits
        self._tls = tls
        self._idle = IdleConnections()
        self._places = threading.BoundedSemaphore(limits.in_all)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places that all issuers share: slow ones together leave threads free.

        Raises SignInFailure (provider_unavailable) where none gets free soon; that is no fault of
        the issuer that is asked.
        """
        if not self._places.acquire(timeout=_PATIENCE):
            raise _unavailable("too many calls to providers are under way")
        try:
            yield
        finally:
            self._places.release()

    def exchange(self, request: Request) -> Answer:
        """Send a request and give its answer, whatever its status.

        Raises SignInFailure: provider_unavailable where nobody answers in time, oidc_failed where
        the answer is no HTTP, too big, cut short, or from a server that cannot prove its name.
        """
        limits = self._limits
        call = Call(
            connect=limits.connect,
            read=limits.read,
            total=limits.total,
            most_bytes=limits.most_bytes + _HEAD_ROOM,
        )
        try:
            return self._exchange(request, call)
        except (OSError, MalformedError, OversizedError, ValueError) as error:
            raise _told_plainly(error) from None

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._idle.close()

    def _exchange(self, request: Request, call: Call) -> Answer:
        content = request.to_bytes()
        kept = self._idle.take(request.origin, fresh=not request.is_repeatable)
        if kept is not None:
            try:
                return self._ask(kept, request.origin, content, call)
            except (ConnectionError, ssl.SSLEOFError):
                if not request.is_repeatable:
                    raise
                # The server hung up just as we asked, and asking again is harmless.
        opened = connect(request.origin, self._resolver, call, self._tls)
        return self._ask(opened, request.origin, content, call)

    def _ask(self, connection: Connection, origin: Origin, content: bytes, call: Call) -> Answer:
        reader = AnswerReader(most_bytes=self._limits.most_bytes)
        try:
            return connection.exchange(content, call, reader)
        finally:
            if reader.is_reusable:
                self._idle.put(origin, connection)
            else:
                connection.close()


def _told_plainly(error: Exception) -> SignInFailure:
    """Turn whatever the network can do into the two failures that people are told of.

    The words of an exception may hold what was sent: they go no further.
    """
    match error:
        case OversizedError():
            return _untrusted("the answer is too big")
        case ssl.SSLCertVerificationError():
            return _untrusted(f"the certificate is not trusted: {error.verify_message}")
        case TimeoutError():
            return _unavailable("no answer in time")
        case OSError():
            return _unavailable(f"no connection: {type(error).__name__}")
        case MalformedError():
            return _untrusted(f"the answer is unreadable: {error}")
        case _:
            return _untrusted("a URL or header is unsound")


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)


def _unavailable(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, detail)

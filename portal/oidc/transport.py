"""One request out, one answer back: pinned, metered, read whole, and failures told plainly."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError
from urllib3.exceptions import SSLError as TlsError

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc.addresses import Resolver
from portal.oidc.idle import IdleConnections, Origin
from portal.oidc.wire import Call, Connection, OversizedError, PlainConnection, TlsConnection

_HEAD_ROOM = 131_072  # bytes that the head and the framing of an answer may take
_CHUNK = 65_536
_PATIENCE = 0.5  # seconds that a call waits for others to end
_PORTS = {"http": 80, "https": 443}


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

    def exchange(self, request: PreparedRequest) -> Response:
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
        with _told_plainly():
            return self._exchange(request, call)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._idle.close()

    def _exchange(self, request: PreparedRequest, call: Call) -> Response:
        origin = _origin(request)
        once = request.method != "GET"  # a code that was sent may have been used: never again
        kept = self._idle.take(origin, fresh=once)
        if kept is None:
            return self._ask(self._connection(origin), origin, request, call)
        try:
            return self._ask(kept, origin, request, call)
        except (ConnectionError, ssl.SSLEOFError):
            if once:
                raise
            # The server hung up just as we asked, and asking again is harmless.
        return self._ask(self._connection(origin), origin, request, call)

    def _connection(self, origin: Origin) -> Connection:
        connection: Connection
        if origin.scheme == "https":
            connection = TlsConnection(origin.host, origin.port, ssl_context=self._tls)
        else:
            connection = PlainConnection(origin.host, origin.port)
        connection.resolver = self._resolver
        return connection

    def _ask(
        self, connection: Connection, origin: Origin, request: PreparedRequest, call: Call
    ) -> Response:
        whole = False
        try:
            connection.begin(call)
            connection.request(
                request.method or "GET",
                request.path_url,
                body=request.body,
                headers=request.headers,
                preload_content=False,
            )
            with closing(connection.getresponse()) as raw:
                answer = _answer(request, raw, self._body(raw))
            whole = True
        finally:
            if not whole:
                connection.close()
        if connection.sock is not None:
            self._idle.put(origin, connection)
        return answer

    def _body(self, raw: BaseHTTPResponse) -> bytes:
        """Read the body to its end; what is encoded counts as what it decodes to."""
        if (raw.length_remaining or 0) > self._limits.most_bytes:
            raise OversizedError
        body = bytearray()
        while chunk := raw.read(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._limits.most_bytes:
                raise OversizedError
        return bytes(body)


def _origin(request: PreparedRequest) -> Origin:
    parts = urlsplit(request.url or "")
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def _answer(request: PreparedRequest, raw: BaseHTTPResponse, body: bytes) -> Response:
    answer = Response()
    answer.status_code = raw.status
    answer.reason = raw.reason or ""
    answer.headers = CaseInsensitiveDict(raw.headers)
    answer.url = request.url or ""
    answer.request = request
    answer._content = body  # noqa: SLF001 - the attribute that `content` reads
    return answer


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn whatever the network can do into the two failures that people are told of.

    The words of an exception may hold what was sent: they go no further.
    """
    try:
        yield
    except OversizedError:
        raise _untrusted("the answer is too big") from None
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(f"the certificate is not trusted: {error.verify_message}") from None
    except TimeoutError:
        raise _unavailable("no answer in time") from None
    except OSError as error:
        raise _unavailable(f"no connection: {type(error).__name__}") from None
    except HTTPError as error:
        if isinstance(error, ReadTimeoutError | TlsError) or _is_reset(error):
            raise _unavailable("the answer broke off") from None
        raise _untrusted(f"the answer is unreadable: {type(error).__name__}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise _untrusted(f"the answer is no HTTP: {type(error).__name__}") from None


def _is_reset(error: HTTPError) -> bool:
    return isinstance(error, ProtocolError) and isinstance(error.args[-1], OSError)


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)


def _unavailable(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, detail)

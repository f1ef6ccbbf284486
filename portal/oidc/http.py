"""The door out: the only way in which the portal asks anybody anything over HTTP.

Door.get, Door.post -> Lane.send -> Breaker -> Transport.exchange
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

import certifi

from portal.core.errors import FailureCode, SignInFailure
from portal.core.strict_json import JsonError, read_object
from portal.core.waits import Aside, nobody_waits
from portal.observe import note_provider
from portal.oidc.addresses import Lookup, Resolver, safe_url, system_lookup
from portal.oidc.breaker import AskedTooOftenError, Breaker
from portal.oidc.messages import Answer, Request
from portal.oidc.share import Share, waiting_places
from portal.oidc.transport import Limits, Transport
from portal.oidc.wire import tls_context as default_tls_context

HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "portal",
}
_MOST_ISSUERS = 1000
_BOM = b"\xef\xbb\xbf"


class Lane:
    """The way out to one issuer, or for one client there: its breaker, its share, the rules."""

    def __init__(
        self,
        issuer: str,
        transport: Transport,
        *,
        breaker: Breaker,
        share: Share,
        allow_local: bool,
        aside: Aside = nobody_waits,
        client: str = "",
    ) -> None:
        self._issuer = issuer
        self._client = client
        self.breaker = breaker
        self._share = share
        self._transport = transport
        self._allow_local = allow_local
        self._aside = aside

    def send(self, request: Request) -> Answer:
        """Send a request and give its answer, which is below 500 and no redirect.

        Raises SignInFailure: provider_unavailable or oidc_failed.
        """
        safe_url(request.url, allow_local=self._allow_local)
        began: float | None = None  # a call that the breaker refuses took no time of a provider
        try:
            with (
                self._aside(),
                self._share.place(may_wait=self.breaker.answers),
                self._transport.place(),
                self.breaker.call(self._client),
            ):
                began = time.perf_counter()
                answer = self._transport.exchange(request)
                _check_status(answer.status)
        finally:
            if began is not None:
                took = time.perf_counter() - began
                left_alone = self.breaker.is_open(self._client)
                note_provider(self._issuer, seconds=took, is_left_alone=left_alone)
        return answer

    def of(self, client: str) -> "Lane":
        """Give the lane for one client: its failures are its own until others fail too."""
        return Lane(
            self._issuer,
            self._transport,
            breaker=self.breaker,
            share=self._share,
            allow_local=self._allow_local,
            aside=self._aside,
            client=client,
        )


class Door:
    """Gives each issuer its lane out; the last thousand are remembered."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        allow_local: bool = False,
        limits: Limits | None = None,
        lookup: Lookup = system_lookup,
        tls: ssl.SSLContext | None = None,
        aside: Aside = nobody_waits,
    ) -> None:
        self.allow_local = allow_local
        self.aside = aside
        self._now = now
        self._at_once = (limits or Limits()).at_once
        self._waiting = waiting_places()
        self._transport = Transport(
            Resolver(allow_local=allow_local, lookup=lookup),
            limits or Limits(),
            tls or default_tls_context(certifi.where()),
        )
        self._lock = threading.Lock()
        self._lanes: OrderedDict[str, Lane] = OrderedDict()

    def lane(self, issuer: str) -> Lane:
        """Give the lane of this issuer: its own breaker and its own share of calls at once."""
        with self._lock:
            lane = self._lanes.get(issuer)
            if lane is None:
                lane = Lane(
                    issuer,
                    self._transport,
                    breaker=Breaker(self._now),
                    share=Share(self._at_once, waiting=self._waiting),
                    allow_local=self.allow_local,
                    aside=self.aside,
                )
                self._lanes[issuer] = lane
                if len(self._lanes) > _MOST_ISSUERS:
                    self._lanes.popitem(last=False)
            self._lanes.move_to_end(issuer)
        return lane

    def get(
        self,
        issuer: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        client: str = "",
    ) -> Answer:
        """Ask a URL of an issuer, for a client or by ourselves. Raises as `Lane.send` does."""
        return self.lane(issuer).of(client).send(_request("GET", url, headers or {}))

    def post(
        self, issuer: str, url: str, *, headers: Mapping[str, str], body: str, client: str = ""
    ) -> Answer:
        """Send an issuer something, once, for a client. Raises as `Lane.send` does."""
        return self.lane(issuer).of(client).send(_request("POST", url, headers, body))

    def get_json(self, issuer: str, url: str) -> dict[str, object]:
        """Ask a URL of an issuer for a JSON object. Raises as `Lane.send` does."""
        answer = self.get(issuer, url)
        if answer.status != HTTPStatus.OK:
            raise SignInFailure(FailureCode.OIDC_FAILED, f"the provider answered {answer.status}")
        return json_object(answer)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()


def media_type(answer: Answer) -> str:
    """Give the media type of an answer in lower case, without parameters."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_object(answer: Answer) -> dict[str, object]:
    """Give the JSON object in an answer that says it is JSON. Raises SignInFailure."""
    kind = media_type(answer)
    if kind != "application/json" and not kind.endswith("+json"):
        raise SignInFailure(FailureCode.OIDC_FAILED, "the answer is not JSON by its content type")
    try:
        return read_object(answer.content.removeprefix(_BOM))
    except JsonError as error:
        raise SignInFailure(FailureCode.OIDC_FAILED, f"the answer is {error}") from None


def _request(method: str, url: str, headers: Mapping[str, str], body: str = "") -> Request:
    return Request(method, url, {**HEADERS, **headers}, body)


def _check_status(status: int) -> None:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        detail = f"the provider answered {status}"
        raise AskedTooOftenError(FailureCode.PROVIDER_UNAVAILABLE, detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, f"the provider answered {status}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the provider answered with a redirect")

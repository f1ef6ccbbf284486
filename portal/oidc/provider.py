"""What is known of each issuer: its metadata and keys, in memory and never of another issuer."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from portal.core.jwks import IssuerKeys, read_jwks
from portal.oidc.http import Door
from portal.oidc.kept import Kept, Terms
from portal.oidc.metadata import Metadata, discovery_url, read_metadata
from portal.tracing import span

_MOST_ISSUERS = 1000

_Value = TypeVar("_Value")


class _Provider:
    """Metadata and keys of one issuer."""

    def __init__(self, issuer: str, door: Door, now: Callable[[], datetime], terms: Terms) -> None:
        def fetch_metadata() -> Metadata:
            url = discovery_url(issuer, allow_local=door.allow_local)
            with span("provider.metadata", issuer=issuer):
                document = door.get_json(issuer, url)
            return read_metadata(document, issuer=issuer, allow_local=door.allow_local)

        def fetch_keys() -> IssuerKeys:
            place = self.metadata.get().jwks_uri
            with span("provider.keys", issuer=issuer):
                return read_jwks(door.get_json(issuer, place))

        def in_doubt() -> bool:
            return door.lane(issuer).breaker.is_doubtful

        def kept(fetch: Callable[[], _Value]) -> Kept[_Value]:
            return Kept(fetch, now=now, in_doubt=in_doubt, terms=terms, aside=door.aside)

        self.metadata = kept(fetch_metadata)
        self.keys = kept(fetch_keys)


class Providers:
    """The issuers that sign-ins use, the least lately used forgotten first.

    All that is kept is kept by issuer: a key of one issuer never verifies a token of another,
    whatever `kid` they have in common.
    """

    def __init__(
        self,
        door: Door,
        now: Callable[[], datetime],
        *,
        terms: Terms | None = None,
        most: int = _MOST_ISSUERS,
    ) -> None:
        self._door = door
        self._now = now
        self._terms = terms or Terms()
        self._most = most
        self._lock = threading.Lock()
        self._providers: OrderedDict[str, _Provider] = OrderedDict()

    def metadata(self, issuer: str) -> Metadata:
        """Give the metadata of an issuer: from memory, else fetched once for all who wait.

        While the issuer is down the last good one serves for a day. Raises SignInFailure:
        provider_unavailable or oidc_failed.
        """
        return self._provider(issuer).metadata.get()

    def has_metadata(self, issuer: str) -> bool:
        """Whether `metadata` gives it at once, from memory."""
        provider = self._providers.get(issuer)
        return provider is not None and provider.metadata.is_fresh()

    def keys(self, issuer: str) -> IssuerKeys:
        """Give the keys of an issuer. Kept and raising as the metadata is."""
        return self._provider(issuer).keys.get()

    def renewed_keys(
        self, issuer: str, seen: IssuerKeys, *, kid_known: bool, asker: str
    ) -> IssuerKeys | None:
        """Give newer keys than those `seen`, for a token that none of them verifies.

        None within the cool-down, so that a flood of invented `kid`s (or of wrong signatures, by
        `kid_known`) is no flood of requests. Each kind of `asker` has a cool-down of its own:
        logout tokens, which anybody can send, never make a sign-in wait for a new key. Raises as
        `metadata` does.
        """
        why = "wrong signature" if kid_known else "unknown kid"
        return self._provider(issuer).keys.renewed(seen, why=f"{why} of a {asker}")

    def _provider(self, issuer: str) -> _Provider:
        with self._lock:
            provider = self._providers.get(issuer)
            if provider is None:
                provider = _Provider(issuer, self._door, self._now, self._terms)
                self._providers[issuer] = provider
                if len(self._providers) > self._most:
                    self._providers.popitem(last=False)
            else:
                self._providers.move_to_end(issuer)
        return provider

"""Where the portal may connect to: URLs, host names and addresses, vetted (RFC 9700, 4.9)."""

import re
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NewType
from urllib.parse import SplitResult, urlsplit

from portal.core.errors import FailureCode, SignInFailure

SocketAddress = tuple[str, int]
Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Sequence[str]]

SafeUrl = NewType("SafeUrl", str)
"""A URL that the portal may ask or send a browser to; made by `safe_url` alone."""

_LONGEST_URL = 2048
_MOST_URLS = 1000
_PRINTABLE = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MOST_LOOKUPS = 64
_OF_A_ZONE = 8

_LOCAL = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)
# Cloud machines hand out their credentials here; no identity provider lives there.
_METADATA = (ip_network("100.100.100.200/32"), ip_network("fd00:ec2::/32"))
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


@lru_cache(maxsize=_MOST_URLS)
def safe_url(raw: str, *, allow_local: bool) -> SafeUrl:
    """Give `raw` as a URL that may be used, by its looks; its address is vetted on connecting.

    https alone (http too with `allow_local`), a plain host, no user, no fragment, no odd spelling.
    Raises SignInFailure (oidc_failed).
    """
    if len(raw) > _LONGEST_URL or not _PRINTABLE.fullmatch(raw):
        raise _untrusted("a URL has characters that do not belong there, or too many")
    try:
        parts = urlsplit(raw)
        sound = parts.port != 0 and _is_host(parts)
    except ValueError as error:
        raise _untrusted("a URL is malformed") from error
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        raise _untrusted("a URL is not https")
    if not sound or "@" in parts.netloc or "#" in raw:
        raise _untrusted("a URL has no plain host, or a user or fragment")
    return SafeUrl(raw)


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        return isinstance(ip_address(host), IPv6Address) and "%" not in host
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # 2130706433, 0x7f.1 and 017700000001 are all 127.0.0.1 to some resolvers.
        return str(ip_address(host)) == host
    return _HOST_NAME.fullmatch(host) is not None


def is_allowed(address: Address, *, allow_local: bool) -> bool:
    """Whether the portal may connect there.

    Public unicast always; loopback and private networks with `allow_local`; never link-local,
    metadata services, multicast, unspecified or reserved. An IPv4 address inside an IPv6 one
    (mapped, 6to4, NAT64) is judged as what it is.
    """
    inner = _embedded(address)
    if inner is not None:
        return is_allowed(inner, allow_local=allow_local)
    if any(address in network for network in _METADATA):
        return False
    if any(address in network for network in _LOCAL):
        return allow_local
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def system_lookup(host: str, port: int) -> Sequence[str]:
    """Give the addresses of a host as the system resolves it, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Resolver:
    """Turns hosts into vetted addresses, within a time: one look-up for all who wait for a host.

    The system's resolver cannot be told to hurry, so each look-up has a thread of its own that is
    left behind when time is up; their number is capped.
    """

    def __init__(self, *, allow_local: bool, lookup: Lookup = system_lookup) -> None:
        self._allow_local = allow_local
        self._lookup = lookup
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Sequence[str]]] = {}

    def addresses(self, host: str, port: int, *, timeout: float) -> list[SocketAddress]:
        """Give where to connect to for `host`: every address allowed, or none at all.

        Raises TimeoutError, OSError (no such host) or SignInFailure (oidc_failed).
        """
        try:
            texts: Sequence[str] = [str(ip_address(host))]
        except ValueError:
            texts = self._resolved(host, port).result(timeout)
        for text in texts:
            if not is_allowed(ip_address(text), allow_local=self._allow_local):
                raise _untrusted("the host lies at an address that is not allowed")
        if not texts:
            raise OSError("the host has no address")
        return [(text, port) for text in dict.fromkeys(texts)]

    def _resolved(self, host: str, port: int) -> Future[Sequence[str]]:
        with self._lock:
            future = self._under_way.get((host, port))
            if future is None:
                if len(self._under_way) >= _MOST_LOOKUPS or self._is_crowded(host):
                    raise TimeoutError("too many host names are being looked up")
                future = self._under_way[host, port] = Future()
                threading.Thread(
                    target=self._look_up, args=(host, port, future), daemon=True
                ).start()
        return future

    def _is_crowded(self, host: str) -> bool:
        """Whether the host's own zone has its share of look-ups: a slow one must not take all."""
        zone = host.rsplit(".", 2)[-2:]
        return sum(other.rsplit(".", 2)[-2:] == zone for other, _ in self._under_way) >= _OF_A_ZONE

    def _look_up(self, host: str, port: int, future: Future[Sequence[str]]) -> None:
        try:
            future.set_result(self._lookup(host, port))
        except (OSError, UnicodeError) as error:
            future.set_exception(OSError(f"the host cannot be resolved: {error}"))
        finally:
            with self._lock:
                del self._under_way[host, port]


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)

"""What is counted against whom: wrong passwords in the database, sheer numbers at the gate.

password_limits   wrong passwords: by address, by network, by domain
ChecksUnderWay    more right ones at once than places: they wait for one another
Known             browsers that signed in before: nobody else's tries shut them out
Gate              requests of one network in a minute, before any work is done for them
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from portal.core.address import Address
from portal.core.places import waiting_room
from portal.core.waits import Aside, nobody_waits

if TYPE_CHECKING:
    from redis import Redis

WINDOW = timedelta(minutes=15)
PER_ADDRESS, PER_NETWORK, PER_DOMAIN = 10, 300, 1000  # wrong passwords in that time
BUSY_SECONDS = 5  # after which to come again where too many passwords are checked at once


def redis_answers(url: str) -> bool:
    """Whether the Redis at this URL answers within a second."""
    from redis import RedisError

    client = _open_redis(url, timeout=1)
    try:
        client.ping()
    except RedisError:
        return False
    finally:
        client.close()
    return True


def _open_redis(url: str, *, timeout: float) -> "Redis":
    """Give a client of a Redis: its library takes five megabytes from those alone who have one."""
    from redis import Redis

    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)


class Reached(StrEnum):
    """What makes somebody wait: a limit that is reached, or that too many check one at once."""

    ADDRESS = "address"
    NETWORK = "network"
    DOMAIN = "domain"
    AT_ONCE = "at_once"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in any `window` for one `key`; keys are hashes, so no address is kept."""

    of: Reached
    key: str
    most: int
    window: timedelta = WINDOW


@dataclass(frozen=True, slots=True)
class PasswordLimits:
    """What a wrong password counts against.

    `own` holds exactly, whatever races. `shared` are kept by many people together: they are looked
    at before the password is, and count wrong ones alone.
    """

    own: Limit
    shared: tuple[Limit, ...] = ()


def password_limits(
    address: Address, *, network: str = "", known_browser: str = ""
) -> PasswordLimits:
    """Give the limits that a wrong password for `address` counts against.

    A browser that the address's owner signed in with has a budget of its own and passes the shared
    limits: strangers cannot lock anybody out of it.
    """
    if known_browser:
        return PasswordLimits(Limit(Reached.ADDRESS, _key("known", known_browser), PER_ADDRESS))
    shared = [Limit(Reached.DOMAIN, _key("domain", str(address.domain)), PER_DOMAIN)]
    if network:
        key = _key("network", network_of(network))
        shared.append(Limit(Reached.NETWORK, key, PER_NETWORK))
    own = Limit(Reached.ADDRESS, _key("password", address.key), PER_ADDRESS)
    return PasswordLimits(own, tuple(shared))


def network_of(text: str) -> str:
    """Give the network that counts as one party: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        socket.inet_pton(socket.AF_INET, text)  # takes the one usual spelling, and quickly
    except (OSError, ValueError):
        return _other_network(text)
    return text


def _other_network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


@dataclass(slots=True)
class _Checks:
    here: int = 0
    under_way: int = 0  # those here that do not wait
    ended: int = 0


class ChecksUnderWay:
    """The password checks of this process, by what they count against.

    A check holds its place under the limit until it is known to be right. Who finds every place
    taken waits while one may come free: as long as a check of the same key is under way here,
    `patience` seconds at most, where there is `room`. Nobody is checked without a place all the
    same, so that the limit on wrong passwords stays exact.
    """

    def __init__(
        self,
        *,
        patience: float = 2.0,
        room: threading.Semaphore | None = None,
        aside: Aside = nobody_waits,
    ) -> None:
        self._patience = patience
        self._room = room or waiting_room()
        self._aside = aside
        self._changed = threading.Condition()
        self._checks: dict[str, _Checks] = {}

    @contextmanager
    def one(self, key: str) -> Iterator[Callable[[], bool]]:
        """Count a check, and give what waits for another one: whether it pays to try again."""
        until = time.monotonic() + self._patience
        with self._changed:
            checks = self._checks.setdefault(key, _Checks())
            checks.here += 1
            checks.under_way += 1
            seen = checks.ended
        gave_up = False

        def another_ended() -> bool:
            nonlocal seen, gave_up
            with self._aside():
                gave_up = not self._wait(checks, seen, until)
            seen = checks.ended
            return not gave_up

        try:
            yield another_ended
        finally:
            with self._changed:
                checks.here -= 1
                checks.under_way -= 1
                checks.ended += not gave_up
                if not checks.here:
                    del self._checks[key]
                self._changed.notify_all()

    def _wait(self, checks: _Checks, seen: int, until: float) -> bool:
        if not self._room.acquire(blocking=False):
            return False
        with self._changed:
            checks.under_way -= 1
            self._changed.notify_all()  # where all that are left wait, nobody waits any more
            self._changed.wait_for(
                lambda: checks.ended != seen or not checks.under_way,
                max(0.0, until - time.monotonic()),
            )
            checks.under_way += 1
        self._room.release()
        return checks.ended != seen


class Known:
    """Marks for browsers that signed in by password, each good for one address and half a year.

    A mark is `id.time.signature`; the address is signed but not in it, so that a mark tells nobody
    who uses the browser.
    """

    lifetime = timedelta(days=180)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mark(self, address: Address, now: datetime) -> str:
        """Make the mark of a browser in which the owner of `address` just signed in."""
        head = f"{secrets.token_hex(8)}.{int(now.timestamp())}"
        return f"{head}.{self._sign(head, address)}"

    def browser(self, mark: str, address: Address, now: datetime) -> str:
        """Give the browser's id where the mark is ours, fresh and of this address, else nothing."""
        head, _, signature = mark.rpartition(".")
        name, _, made = head.partition(".")
        if not made.isascii() or not made.isdigit() or len(mark) > 120 or not signature.isascii():
            return ""
        if not hmac.compare_digest(signature, self._sign(head, address)):
            return ""
        age = now.timestamp() - int(made)
        return name if age <= self.lifetime.total_seconds() else ""

    def _sign(self, head: str, address: Address) -> str:
        return hmac.new(self._key, f"{head}|{address.key}".encode(), "sha256").hexdigest()


MINUTE = 60
# A whole company may sit behind one address, and submits are cheap: only a flood is one.
GATES: Mapping[str, int] = {
    "discover": 600,
    "submit": 300_000,
    "redeem": 600,  # codes that one client's provider refuses: it would soon refuse everybody's
    "refusal": 600,  # failures that begin here and belong to a tenant: written into the trail
    "stray": 120,  # failures that belong to nobody: junk, mostly
    "strays": 1200,  # the same of all networks together
}
_MOST_NETWORKS = 50_000
_SHARES = 60  # a process tells the others each time it has used one of so many shares
_REST = 5.0  # seconds for which a Redis that failed is left alone


@dataclass(slots=True)
class _Shared:
    """What was told of a network to the other processes, and what they told of it."""

    told: int = 0
    others: int = 0


class Gate:
    """Counts requests of one network by the minute, for each of `GATES`, at no cost to the rest.

    In this process alone, or with Redis over all of them: each tells the others its numbers in
    small shares, so that most requests ask nobody. Without an answer it counts for itself.
    `note` hears when Redis goes and comes back.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        redis_url: str | None = None,
        note: Callable[[str], object] = str,
    ) -> None:
        self._now = now
        self._note = note
        self._redis = _open_redis(redis_url, timeout=0.2) if redis_url else None
        self._lock = threading.Lock()
        self._minute = 0
        # By the hash of kind and network, which Python salts: a small number for each of many.
        self._counts: dict[int, int] = {}
        self._shared: dict[int, _Shared] = {}  # of those alone that have used up a share
        self._rests_until = 0.0

    def enter(self, kind: str, network: str) -> int | None:
        """Count a request: None lets it pass, else the seconds after which to come again."""
        second = self._now().timestamp()
        most, place = GATES[kind], (kind, network_of(network))
        key = hash(place)
        with self._lock:
            minute = int(second // MINUTE)
            if minute != self._minute:
                self._minute, self._counts, self._shared = minute, {}, {}
            count = self._counts.get(key, 0) + 1
            if count == 1 and len(self._counts) >= _MOST_NETWORKS:
                return None
            self._counts[key] = count
            shared = self._shared.get(key)
            telling = 0
            if self._redis and second >= self._rests_until:
                untold = count - (shared.told if shared else 0)
                if untold >= most // _SHARES:
                    shared = self._shared.setdefault(key, _Shared())
                    telling, shared.told = untold, count
        if telling and shared:
            self._tell(shared, place, minute=minute, number=telling)
        if count + (shared.others if shared else 0) <= most:
            return None
        return _seconds_left(second)

    def look(self, kind: str, network: str) -> int | None:
        """Give what `enter` would, and count nothing."""
        second = self._now().timestamp()
        key = hash((kind, network_of(network)))
        with self._lock:
            if int(second // MINUTE) != self._minute:
                return None
            shared = self._shared.get(key)
            count = self._counts.get(key, 0) + (shared.others if shared else 0)
        return _seconds_left(second) if count >= GATES[kind] else None

    def _tell(self, shared: _Shared, place: tuple[str, str], *, minute: int, number: int) -> None:
        assert self._redis is not None, "only shared numbers are told"
        from redis import RedisError

        name = f"portal:gate:{_key(*place)[:32]}:{minute}"
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.incrby(name, number)
                pipe.expire(name, 2 * MINUTE)
                total = int(pipe.execute()[0])
        except (RedisError, OSError):
            self._leave_alone()
            return
        with self._lock:
            shared.others = max(0, total - shared.told)
        if self._rests_until:
            self._rests_until = 0.0
            self._note("cache.back")

    def _leave_alone(self) -> None:
        if not self._rests_until:
            self._note("cache.gone")
        self._rests_until = self._now().timestamp() + _REST

    def close(self) -> None:
        """Let go of Redis."""
        if self._redis:
            self._redis.close()


def _seconds_left(second: float) -> int:
    return max(1, MINUTE - int(second % MINUTE))

"""What is counted against whom: the limits on wrong passwords."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from portal.core.address import Address


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in any `window` for one `key`; keys are hashes, so no address is kept."""

    key: str
    most: int
    window: timedelta


def password_limits(address: Address) -> tuple[Limit, ...]:
    """Give the limits that a wrong password for `address` counts against."""
    return (Limit(_key("password", address.key), 10, timedelta(minutes=15)),)


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()

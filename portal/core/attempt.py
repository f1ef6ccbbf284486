"""A sign-in under way, as a value that travels sealed in a cookie of the browser that began it."""

import hashlib
import hmac
import secrets
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from portal.core.redirects import SafePath
from portal.core.values import quick_value

StateToken = NewType("StateToken", str)
"""A `state` made by this portal: `new_state` makes one, `genuine_state` tells one."""

LIFETIME = timedelta(minutes=10)
_RANDOM = 24
_MAC = 12
_BETWEEN = "\0"  # in none of an attempt's fields; with one, it would be read as no attempt


class Purpose(StrEnum):
    """What the attempt is for: to sign in, or to try a connection out without signing in.

    `INITIATED` is a sign-in that was begun from elsewhere, by a link that anybody may have made.
    """

    SIGN_IN = "sign_in"
    INITIATED = "initiated"
    TRIAL = "trial"


@quick_value
class Attempt:
    """One sign-in under way; everything the callback must compare with what comes back."""

    state: StateToken
    tenant_id: int
    connection_id: int
    issuer: str
    client_id: str
    redirect_uri: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next: SafePath
    email: str
    began_at: datetime
    max_age: int | None = None
    purpose: Purpose = Purpose.SIGN_IN

    def is_fresh(self, now: datetime) -> bool:
        """Whether the ten minutes are not over, and did not begin in the future."""
        return -LIFETIME < now - self.began_at < LIFETIME

    def dump(self) -> str:
        """Write the attempt as text, to be sealed: its fields in their order."""
        return _BETWEEN.join(
            (
                self.state,
                str(self.tenant_id),
                str(self.connection_id),
                self.issuer,
                self.client_id,
                self.redirect_uri,
                self.nonce,
                self.verifier,
                self.next,
                self.email,
                self.began_at.isoformat(),
                "" if self.max_age is None else str(self.max_age),
                self.purpose,
            )
        )

    @classmethod
    def load(cls, text: str) -> "Attempt":
        """Read what `dump` wrote. Raises ValueError for anything else."""
        (
            state,
            tenant_id,
            connection_id,
            issuer,
            client_id,
            redirect_uri,
            nonce,
            verifier,
            next_path,
            email,
            began_at,
            max_age,
            purpose,
        ) = text.split(_BETWEEN)
        return cls(
            state=StateToken(state),
            tenant_id=int(tenant_id),
            connection_id=int(connection_id),
            issuer=issuer,
            client_id=client_id,
            redirect_uri=redirect_uri,
            nonce=nonce,
            verifier=verifier,
            next=SafePath(next_path),
            email=email,
            began_at=datetime.fromisoformat(began_at),
            max_age=int(max_age) if max_age else None,
            purpose=Purpose(purpose),
        )


def new_state(key: bytes) -> StateToken:
    """Make a `state` of 192 random bits and a MAC (RFC 6749, 10.12).

    The MAC lets the portal record genuine states alone as spent: an invented one writes nothing.
    """
    random = secrets.token_bytes(_RANDOM)
    return StateToken((random + _mac(key, random)).hex())


def genuine_state(raw: str, key: bytes) -> StateToken | None:
    """Give `raw` as a state when this portal made it, else None."""
    if len(raw) != (_RANDOM + _MAC) * 2:
        return None
    try:
        value = bytes.fromhex(raw)
    except ValueError:
        return None
    if value.hex() != raw:  # one spelling: each would be another state
        return None
    random, mac = value[:_RANDOM], value[_RANDOM:]
    return StateToken(raw) if hmac.compare_digest(mac, _mac(key, random)) else None


def cookie_name(state: StateToken) -> str:
    """Name the cookie of this attempt: one for each state, so several tabs may be under way."""
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def _mac(key: bytes, random: bytes) -> bytes:
    return hashlib.blake2b(random, key=key, digest_size=_MAC).digest()  # keyed: RFC 7693, 2.9

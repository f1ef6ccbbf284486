"""A sign-in under way, as a value that travels sealed in a cookie of the browser that began it."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from portal.core.redirects import SafePath

StateToken = NewType("StateToken", str)
"""A `state` made by this portal: `new_state` makes one, `genuine_state` tells one."""

LIFETIME = timedelta(minutes=10)
_RANDOM = 24
_MAC = 12


class Purpose(StrEnum):
    """What the attempt is for: to sign in, or to try a connection out without signing in.

    `INITIATED` is a sign-in that was begun from elsewhere, by a link that anybody may have made.
    """

    SIGN_IN = "sign_in"
    INITIATED = "initiated"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True)
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
        """Write the attempt as text, to be sealed."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({**values, "began_at": self.began_at.isoformat()})

    @classmethod
    def load(cls, text: str) -> "Attempt":
        """Read what `dump` wrote. Raises ValueError or TypeError for anything else."""
        values = json.loads(text)
        began_at = datetime.fromisoformat(values["began_at"])
        return cls(**{**values, "began_at": began_at, "purpose": Purpose(values["purpose"])})


def new_state(key: bytes) -> StateToken:
    """Make a `state` of 192 random bits and a MAC (RFC 6749, 10.12).

    The MAC lets the portal record genuine states alone as spent: an invented one writes nothing.
    """
    random = secrets.token_bytes(_RANDOM)
    return StateToken(base64.urlsafe_b64encode(random + _mac(key, random)).decode())


def genuine_state(raw: str, key: bytes) -> StateToken | None:
    """Give `raw` as a state when this portal made it, else None."""
    if len(raw) != (_RANDOM + _MAC) * 4 // 3 or not raw.isascii():
        return None
    try:
        value = base64.b64decode(raw, altchars=b"-_", validate=True)
    except ValueError:
        return None
    random, mac = value[:_RANDOM], value[_RANDOM:]
    return StateToken(raw) if hmac.compare_digest(mac, _mac(key, random)) else None


def cookie_name(state: StateToken) -> str:
    """Name the cookie of this attempt: one for each state, so several tabs may be under way."""
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def _mac(key: bytes, random: bytes) -> bytes:
    return hmac.digest(key, random, "sha256")[:_MAC]

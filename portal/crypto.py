"""All work with secrets: sealing at rest, random tokens and their hashes, passwords."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.core.base64url import base64url, from_base64url
from portal.core.places import Places, waiting_room
from portal.core.registry import Sealed
from portal.core.waits import Aside, nobody_waits

_GCM_NONCE = 12  # bytes (NIST SP 800-38D, 5.2.1.1)


class UnreadableSecretError(Exception):
    """A sealed value opens with none of the keys: the key it was sealed with is lost."""


class Vault:
    """Seals secrets with the newest key and opens them with any.

    `keys` are Fernet keys, newest first. Raises ValueError for a key that is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> Sealed:
        """Give `text` encrypted under the newest key."""
        return Sealed(self._fernet.encrypt(text.encode()))

    def open(self, sealed: Sealed) -> str:
        """Give the text that was sealed. Raises UnreadableSecretError."""
        try:
            return self._fernet.decrypt(sealed.token).decode()
        except InvalidToken:
            raise UnreadableSecretError("no key of PORTAL_ENCRYPTION_KEYS opens it") from None

    def reseal(self, sealed: Sealed) -> Sealed:
        """Give the same secret under the newest key. Raises UnreadableSecretError."""
        try:
            return Sealed(self._fernet.rotate(sealed.token))
        except InvalidToken:
            raise UnreadableSecretError("no key of PORTAL_ENCRYPTION_KEYS opens it") from None


class CookieSeal:
    """Seals what travels in a cookie for minutes: AES-256-GCM under a key of its own.

    Vault's Fernet tokens carry a time and a key's history that a cookie does not need, and take
    ten times as long. `key` is 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str) -> str:
        """Give `text` encrypted and authenticated, as characters that a cookie may hold."""
        nonce = secrets.token_bytes(_GCM_NONCE)
        return base64url(nonce + self._cipher.encrypt(nonce, text.encode(), None))

    def open(self, sealed: str) -> str:
        """Give the text that was sealed. Raises UnreadableSecretError."""
        try:
            raw = from_base64url(sealed)
            return self._cipher.decrypt(raw[:_GCM_NONCE], raw[_GCM_NONCE:], None).decode()
        except (InvalidTag, ValueError):
            raise UnreadableSecretError("it was not sealed by this key") from None


def new_key() -> str:
    """Make a key fit for PORTAL_ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


def derived_key(secret: str, purpose: str) -> bytes:
    """Derive a key of 32 bytes for one purpose from a long secret (HMAC-SHA256)."""
    return hmac.digest(secret.encode(), b"portal/" + purpose.encode(), "sha256")


def new_token() -> str:
    """Make an unguessable token of 256 bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Hash a random token for storage: whoever reads the table cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


class PasswordsBusyError(Exception):
    """So many password checks are under way that this one will not wait any longer."""


class Passwords:
    """argon2id with a bound on concurrent work: each check costs 64 MiB and a core for 0.1 s.

    `at_once` checks run side by side; others wait up to `patience` seconds, strangers among them
    where there is `room` (portal/core/places.py). `aside` surrounds both.
    """

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        *,
        at_once: int = 2,
        patience: float = 5.0,
        room: threading.Semaphore | None = None,
        aside: Aside = nobody_waits,
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._aside = aside
        self.at_once = at_once
        self._places = Places(at_once, patience=patience, room=room or waiting_room())
        self._decoy = _decoy(self._hasher)

    def hash(self, password: str) -> str:
        """Give the argon2id string to store."""
        with self._aside():
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str, *, known: str = "") -> bool:
        """Whether `password` is the one that `stored` was made from.

        Costs the same without a stored hash, so that time does not tell who has an account.
        `known` names whose it is where the browser proves that they signed in before: strangers
        are not in their way. Raises PasswordsBusyError.
        """
        with self._aside():
            if not self._places.take(known=known):
                raise PasswordsBusyError
            try:
                return self._verify(stored, password)
            finally:
                self._places.give_back()

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            if stored and self._is_cheaper(stored):
                self._costs_the_same(password)
            self._hasher.verify(stored or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        else:
            return stored is not None

    def _is_cheaper(self, stored: str) -> bool:
        found = extract_parameters(stored)
        ours = self._hasher
        return found.memory_cost * found.time_cost < ours.memory_cost * ours.time_cost

    def _costs_the_same(self, password: str) -> None:
        """Spend what a hash of today's parameters costs: an imported one must not tell by time."""
        with suppress(VerificationError):
            self._hasher.verify(self._decoy, password)

    def is_due(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's and should be made anew."""
        return self._hasher.check_needs_rehash(stored)


def _decoy(hasher: PasswordHasher) -> str:
    """Give a hash of today's parameters that no password has: a check of it costs what any does.

    Made up, since making a real one takes as long as a check, at each start.
    """
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def is_argon2id(text: str) -> bool:
    """Whether `text` is an argon2id hash string."""
    try:
        PasswordHasher().check_needs_rehash(text)
    except InvalidHashError:
        return False
    return text.startswith("$argon2id$")

"""An issuer's signing keys, and a token that anything may be done to before it is signed."""

import hashlib
import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""What ID tokens may be signed with."""
UNDERSTOOD = (*ALGORITHMS, "RS384", "RS512", "PS384", "PS512", "ES384", "ES512")
"""What clients may sign their assertions with."""


class Algorithms(JWSRegistry):
    """The algorithms of the stand, EdDSA without joserfc's warning.

    RFC 9864 prefers the name Ed25519; providers go on signing as EdDSA.
    """

    def __init__(self) -> None:
        super().__init__(algorithms=UNDERSTOOD)

    def get_alg(self, name: str) -> Any:
        """The algorithm of this name; UnsupportedAlgorithmError where it is none of ours."""
        if name not in UNDERSTOOD:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


_ALGORITHMS = Algorithms()


class KeyRing:
    """The keys of one issuer: one for each algorithm, made when first needed.

    Key identifiers are counted (`rs256-1`) and so are the same at every issuer: whoever caches
    keys by `kid` alone takes one issuer's key for another's.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._generation = 1
        self._current: dict[str, Key] = {}
        self._retired: list[Key] = []

    def key(self, algorithm: str) -> Key:
        """The private key that signs with this algorithm now."""
        with self._lock:
            if algorithm not in self._current:
                kid = f"{algorithm.lower()}-{self._generation}"
                self._current[algorithm] = make_key(algorithm, kid)
            return self._current[algorithm]

    def rotate(self) -> None:
        """Put fresh keys with fresh identifiers in the place of all."""
        with self._lock:
            self._retired.extend(self._current.values())
            self._current.clear()
            self._generation += 1

    def public(self, algorithms: tuple[str, ...]) -> dict[str, Any]:
        """The JWKS document: the public halves of today's keys (RFC 7517, 5)."""
        return {"keys": [self.key(name).as_dict(private=False) for name in algorithms]}

    def every_key(self) -> KeySet:
        """Today's keys and the retired ones, for the hints of sessions that began before."""
        with self._lock:
            return KeySet([*self._retired, *self._current.values()])

    @cached_property
    def stranger(self) -> RSAKey:
        """A key that stands in no JWKS of the issuer."""
        return RSAKey.generate_key(2048, {"kid": "stranger", "use": "sig", "alg": "RS256"})


def make_key(algorithm: str, kid: str) -> Key:
    """A fresh private signing key for one of ALGORITHMS."""
    facts: KeyParameters = {"kid": kid, "use": "sig", "alg": algorithm}
    match algorithm:
        case "RS256" | "PS256":
            return RSAKey.generate_key(2048, facts)
        case "ES256":
            return ECKey.generate_key("P-256", facts)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", facts)
        case _:
            raise ValueError(f"no key for {algorithm}; one of {', '.join(ALGORITHMS)}")


def as_json(claims: dict[str, Any]) -> bytes:
    """The claims in the bytes that are signed."""
    return json.dumps(claims, separators=(",", ":")).encode()


def untouched(token: str) -> str:
    """The compact token as it is."""
    return token


@dataclass(slots=True)
class Draft:
    """A token about to be signed. A lie changes any part of it.

    The key decides how the token is signed and the header only what it says about that: a
    `Key` signs with the algorithm it was made for, bytes are an HMAC-SHA256 secret, and None
    leaves the signature empty.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    key: Key | bytes | None
    write: Callable[[dict[str, Any]], bytes] = as_json
    wrap: Callable[[str], str] = untouched

    def compact(self) -> str:
        """The JWS compact serialization (RFC 7515, 7.1)."""
        signed = f"{encoded(as_json(self.header))}.{encoded(self.write(self.claims))}"
        return self.wrap(f"{signed}.{encoded(self._signature(signed.encode()))}")

    def _signature(self, signed: bytes) -> bytes:
        if self.key is None:
            return b""
        if isinstance(self.key, bytes):
            return hmac.new(self.key, signed, hashlib.sha256).digest()
        signature: bytes = _ALGORITHMS.get_alg(str(self.key.alg)).sign(signed, self.key)
        return signature


def encoded(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

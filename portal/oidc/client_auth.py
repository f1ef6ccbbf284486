"""How a client proves itself at the token endpoint (OIDC Core 9, RFC 6749 2.3.1, RFC 7523)."""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote_plus

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from portal.core.base64url import base64url
from portal.core.quoting import form

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = 60  # seconds
SHORTEST_RSA = 2048  # bits

# What Authlib calls with (client, method, uri, headers, body) and wants (uri, headers, body) of.
Prepared = tuple[str, dict[str, str], str]
AuthMethodFunction = Callable[[object, str, str, dict[str, str], str], Prepared]


class KeyUnusableError(ValueError):
    """The PEM is no private key that can sign; the message says why and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A client's private key with the algorithm that fits it and its RFC 7638 thumbprint."""

    algorithm: str
    kid: str
    key: RSAKey | ECKey | OKPKey = field(repr=False)

    def public_jwk(self) -> dict[str, str]:
        """Give the public half, as `/.well-known/jwks.json` shows it (RFC 7517).

        Its `kid` is that of the assertions signed with the key.
        """
        members = {name: str(value) for name, value in self.key.as_dict(private=False).items()}
        return {**members, "use": "sig", "alg": self.algorithm, "kid": self.kid}


def signing_key(pem: str) -> SigningKey:
    """Read a private key: RSA of 2048 bits and more, P-256, P-384, P-521 or Ed25519.

    Raises KeyUnusableError.
    """
    try:
        native = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusableError("The private key is not readable PEM without a password.") from None
    key: RSAKey | ECKey | OKPKey
    match native:
        case rsa.RSAPrivateKey() if native.key_size >= SHORTEST_RSA:
            algorithm, key = "RS256", RSAKey.import_key(native)
        case ec.EllipticCurvePrivateKey() if native.curve.name in _CURVES:
            algorithm, key = _CURVES[native.curve.name], ECKey.import_key(native)
        case ed25519.Ed25519PrivateKey():
            algorithm, key = "EdDSA", OKPKey.import_key(native)
        case _:
            raise KeyUnusableError("The private key is of a kind or size that cannot be used.")
    return SigningKey(algorithm, key.thumbprint(), key)


_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def public_jwk(pem: str) -> dict[str, str]:
    """Give the public half of a private key as a JWK. Raises KeyUnusableError."""
    return signing_key(pem).public_jwk()


def basic(client_id: str, secret: str) -> AuthMethodFunction:
    """Give HTTP Basic with id and secret form-encoded first (RFC 6749, 2.3.1).

    Authlib's own leaves the encoding out, and fails on what is not Latin-1.
    """
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    header = "Basic " + b64encode(pair.encode("ascii")).decode("ascii")

    def prepare(
        _client: object, _method: str, uri: str, headers: dict[str, str], body: str
    ) -> Prepared:
        headers["Authorization"] = header
        return uri, headers, body

    return prepare


def assertion(client_id: str, signing: SigningKey, *, now: datetime) -> AuthMethodFunction:
    """Give a signed statement of the client for the token endpoint (RFC 7523, 2.2 and 3).

    The audience is the very URL that it is sent to, as OIDC Core 9 advises and every provider
    takes; so it can never be of use to another server.
    """

    def prepare(
        _client: object, _method: str, uri: str, headers: dict[str, str], body: str
    ) -> Prepared:
        issued = int(now.timestamp())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": uri,
            "jti": secrets.token_urlsafe(24),
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME,
        }
        proof = {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": sign(claims, signing),
        }
        return uri, headers, f"{body}&{form(proof)}"

    return prepare


def sign(claims: Mapping[str, object], signing: SigningKey) -> str:
    """Give the claims as a compact JWS (RFC 7515, 7.1)."""
    header = {"alg": signing.algorithm, "kid": signing.kid, "typ": "JWT"}
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    signed = ".".join(base64url(part) for part in parts)
    signature = JWSRegistry.algorithms[signing.algorithm].sign(signed.encode(), signing.key)
    return f"{signed}.{base64url(signature)}"

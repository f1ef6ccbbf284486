"""Good tokens before they are signed, and the one-line changes that spoil them."""

import hashlib
import hmac
import json
import math
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://login.okta.example/tenants/acme"
CLIENT = "cli_acme.portal"
NONCE = "n-0S6_WzA2Mj"
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
CODE = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
EVERY_ALGORITHM = frozenset(
    {f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)}
    | {"EdDSA", "Ed25519"}
)


def key(kind: str, which: str = "main"):
    """Give a key pair; the same for the same arguments."""
    return _key(kind, which)


@cache
def _key(kind: str, which: str):
    match kind:
        case "RSA":
            return RSAKey.generate_key(2048)
        case "RSA-1024":
            weak = rsa.generate_private_key(65537, 1024)
            return RSAKey(weak, weak)  # its import would warn
        case "RSA-huge-e":
            return RSAKey.import_key(_with_huge_exponent(rsa.generate_private_key(65537, 2048)))
        case "Ed25519":
            return OKPKey.generate_key(kind)
        case _:
            return ECKey.generate_key(kind)


def _with_huge_exponent(ordinary: rsa.RSAPrivateKey) -> rsa.RSAPrivateKey:
    p, q = ordinary.private_numbers().p, ordinary.private_numbers().q
    exponent = (1 << 1024) + 1
    while math.gcd(exponent, (p - 1) * (q - 1)) != 1:
        exponent += 2
    d = pow(exponent, -1, (p - 1) * (q - 1))
    halves = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    public_half = rsa.RSAPublicNumbers(exponent, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, *halves, public_half).private_key()


def public(kind: str = "RSA", which: str = "main", **members: object) -> dict[str, object]:
    """Give the published form of a key; members set to None are left out."""
    entry = {**key(kind, which).as_dict(private=False), "kid": "main", "use": "sig", **members}
    return {name: value for name, value in entry.items() if value is not None}


def half_hash(text: str, hash_name: str = "sha256") -> str:
    digest = hashlib.new(hash_name, text.encode()).digest()
    return b64(digest[: len(digest) // 2])


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Draft:
    """A token before it is signed, and what its reader expects. A change may touch anything."""

    claims: dict = field(default_factory=dict)
    header: dict = field(default_factory=lambda: {"alg": "RS256", "kid": "main", "typ": "JWT"})
    signer: object = field(default_factory=lambda: key("RSA"))
    jwks: list = field(default_factory=lambda: [public()])
    expected: dict = field(default_factory=dict)
    header_text: str | None = None
    claims_text: str | None = None
    raw: Callable[[str], str] = str

    def token(self) -> str:
        head = b64((self.header_text or json.dumps(self.header)).encode("utf-8", "surrogatepass"))
        body = b64((self.claims_text or json.dumps(self.claims)).encode("utf-8", "surrogatepass"))
        algorithm = JWSRegistry.algorithms.get(self.header.get("alg", ""))
        if algorithm is None or self.signer is None:
            return self.raw(f"{head}.{body}.")
        signed = f"{head}.{body}".encode()
        if isinstance(self.signer, bytes):
            signature = hmac.digest(self.signer, signed, "sha256")
        else:
            signature = algorithm.sign(signed, self.signer)
        return self.raw(f"{head}.{body}.{b64(signature)}")


@dataclass(frozen=True)
class Case:
    rule: str
    change: Callable[[Draft], object]
    accepted: bool = False


def id_draft() -> Draft:
    claims = {
        "iss": ISSUER,
        "sub": "00u1a2b3",
        "aud": CLIENT,
        "exp": SECONDS + 300,
        "iat": SECONDS - 2,
        "nonce": NONCE,
        "email": "ana@acme.example",
        "email_verified": True,
    }
    return Draft(claims, expected={"issuer": ISSUER, "client_id": CLIENT, "nonce": NONCE})


def logout_draft() -> Draft:
    claims = {
        "iss": ISSUER,
        "sub": "00u1a2b3",
        "sid": "08a5019c",
        "aud": CLIENT,
        "iat": SECONDS - 2,
        "exp": SECONDS + 120,
        "jti": "bWJq",
        "events": {EVENT: {}},
    }
    header = {"alg": "RS256", "kid": "main", "typ": "logout+jwt"}
    return Draft(claims, header, expected={"issuer": ISSUER, "client_id": CLIENT})


def userinfo_draft() -> Draft:
    claims = {"iss": ISSUER, "sub": "00u1a2b3", "aud": CLIENT, "email": "ana@acme.example"}
    return Draft(claims, expected={"issuer": ISSUER, "client_id": CLIENT})


def claim(**values: object) -> Callable[[Draft], object]:
    return lambda draft: draft.claims.update(values)


def without(name: str) -> Callable[[Draft], object]:
    return lambda draft: draft.claims.pop(name)


def header(**values: object) -> Callable[[Draft], object]:
    return lambda draft: draft.header.update(values)


def expecting(**values: object) -> Callable[[Draft], object]:
    return lambda draft: draft.expected.update(values)


def jwks(*entries: object) -> Callable[[Draft], object]:
    return lambda draft: setattr(draft, "jwks", list(entries))


def raw(change: Callable[[str], str]) -> Callable[[Draft], object]:
    return lambda draft: setattr(draft, "raw", change)


def claims_text(change: Callable[[str], str]) -> Callable[[Draft], object]:
    return lambda draft: setattr(draft, "claims_text", change(json.dumps(draft.claims)))


def both(*changes: Callable[[Draft], object]) -> Callable[[Draft], object]:
    return lambda draft: [change(draft) for change in changes]


def signed_by(kind: str, algorithm: str, **members: object) -> Callable[[Draft], object]:
    def change(draft: Draft) -> None:
        draft.signer = key(kind)
        draft.header["alg"] = algorithm
        draft.jwks = [public(kind, **members)]
        draft.expected["algorithms"] = EVERY_ALGORITHM

    return change


def hmac_with(secret: bytes, algorithm: str = "HS256") -> Callable[[Draft], object]:
    def change(draft: Draft) -> None:
        draft.signer = secret
        draft.header["alg"] = algorithm
        draft.expected["algorithms"] = EVERY_ALGORITHM | {algorithm}

    return change


def tampered(token: str) -> str:
    head, body, signature = token.split(".")
    changed = b64(json.dumps({**id_draft().claims, "email": "eve@acme.example"}).encode())
    return f"{head}.{changed}.{signature}" if body != changed else token


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth

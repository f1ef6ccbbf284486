"""An issuer's public keys, and which of them may verify a signature (RFC 7517, RFC 7518)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

from portal.core.errors import FailureCode, SignInFailure

PublicKey = RSAKey | ECKey | OKPKey

# What each signature algorithm needs of a key: its type and, for curves, the curve.
KEY_FOR_ALGORITHM: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
ASYMMETRIC = frozenset(KEY_FOR_ALGORITHM)
"""Every algorithm that is ever allowed: no `none`, no HMAC."""

_CURVES = frozenset(curve for _, curve in KEY_FOR_ALGORITHM.values())
_MOST_KEYS = 1000
_MOST_TRIED = 8  # keys for one token that does not say which
_SHORTEST_RSA, _LONGEST_RSA = 2048, 4096  # bits: below is breakable, above burns our processor
_LONGEST_EXPONENT = 32  # bits


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key that may verify signatures; `kid` and `algorithm` are as published."""

    kid: str | None
    algorithm: str | None
    type: str
    curve: str | None
    public: PublicKey = field(repr=False, compare=False)

    def fits(self, algorithm: str, kid: str | None) -> bool:
        """Whether a token with this `alg` and `kid` may have been signed with this key."""
        return (
            (kid is None or kid == self.kid)
            and self.algorithm in {None, algorithm}
            and KEY_FOR_ALGORITHM.get(algorithm) == (self.type, self.curve)
        )


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The keys of one issuer, as of one answer of its `jwks_uri`."""

    keys: tuple[VerificationKey, ...]

    def fitting(self, algorithm: str, kid: str | None) -> tuple[VerificationKey, ...]:
        """Give the keys that may have signed, at most a few: trying is work for us.

        A token without `kid` may be of any key.
        """
        return tuple(key for key in self.keys if key.fits(algorithm, kid))[:_MOST_TRIED]


def read_jwks(document: Mapping[str, object]) -> IssuerKeys:
    """Give the keys of a JWK set that may verify signatures (RFC 7517, 5).

    Keys that are not for us are left out, as the RFC asks: of another type, for encryption, with
    another operation, too short, damaged, or published together with their private half. Raises
    SignInFailure (oidc_failed) where the document is no key set at all.
    """
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the key set is not a JWK set")
    return IssuerKeys(tuple(key for key in map(_read_key, entries) if key is not None))


def _read_key(entry: object) -> VerificationKey | None:
    if not isinstance(entry, dict) or not _for_signatures(entry):
        return None
    kid, algorithm = entry.get("kid"), entry.get("alg")
    if not isinstance(kid, str | None) or not isinstance(algorithm, str | None):
        return None
    try:
        public = _public_key(entry)
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    if public is None:
        return None
    curve = public.curve_name if isinstance(public, ECKey | OKPKey) else None
    return VerificationKey(kid, algorithm, public.key_type, curve, public)


def _for_signatures(entry: Mapping[str, object]) -> bool:
    if "d" in entry:
        return False  # its private half is public: anybody could have signed
    if entry.get("use", "sig") != "sig":
        return False
    operations = entry.get("key_ops", ["verify"])
    return isinstance(operations, list) and "verify" in operations


def _public_key(entry: Mapping[str, str]) -> PublicKey | None:
    # Only the members that make the key: joserfc refuses keys over empty `x5u` and the like.
    match entry.get("kty"):
        case "RSA":
            modulus, exponent = base64_to_int(entry["n"]), base64_to_int(entry["e"])
            if not _SHORTEST_RSA <= modulus.bit_length() <= _LONGEST_RSA:
                return None
            if exponent.bit_length() > _LONGEST_EXPONENT:
                return None
            return RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})
        case "EC" if entry["crv"] in _CURVES:
            return ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y")})
        case "OKP" if entry["crv"] in _CURVES:
            return OKPKey.import_key({name: entry[name] for name in ("kty", "crv", "x")})
        case _:
            return None

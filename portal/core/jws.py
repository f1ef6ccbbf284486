"""Signed tokens, opened only when one of the issuer's keys made the signature (RFC 7515, 8725)."""

from collections.abc import Mapping

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from portal.core.base64url import from_base64url
from portal.core.errors import FailureCode, SignInFailure
from portal.core.jwks import ASYMMETRIC, IssuerKeys, VerificationKey
from portal.core.strict_json import JsonError, read_object

LONGEST_TOKEN = 65_536  # characters
_KEY_HEADERS = ("jwk", "jku", "x5u")  # ways to name a key of the signer's own choice


class SignatureFailure(SignInFailure):
    """No key at hand verifies the token: the keys may have changed at the issuer.

    `kid_known` tells whether a key of that name was there.
    """

    def __init__(self, detail: str, *, kid_known: bool) -> None:
        super().__init__(FailureCode.OIDC_FAILED, detail)
        self.kid_known = kid_known


def open_signed(
    raw: str, keys: IssuerKeys, allowed: frozenset[str], *, types: frozenset[str]
) -> tuple[str, Mapping[str, object]]:
    """Give algorithm and claims of a compact JWS that one of the keys signed (RFC 7515, 5.2)."""
    head, body, signature = _split(raw)
    header = _read_segment(head)
    algorithm = _algorithm(header, allowed)
    _check_header(header, types)
    kid = _key_id(header)
    candidates = keys.fitting(algorithm, kid)
    if not candidates:
        raise SignatureFailure("the issuer has no key for this token", kid_known=False)
    signed = f"{head}.{body}".encode("ascii")
    proof = _decode(signature)
    if not any(_verifies(key, algorithm, signed, proof) for key in candidates):
        raise SignatureFailure("the signature is wrong", kid_known=True)
    return algorithm, _read_segment(body)


def read_unverified(raw: str) -> Mapping[str, object]:
    """Give what a token claims, unproven: good for a look-up only."""
    return _read_segment(_split(raw)[1])


def _split(raw: str) -> list[str]:
    if not raw.isascii() or len(raw) > LONGEST_TOKEN:
        raise refused("the token is not one, or too long", "token")
    segments = raw.split(".")
    if len(segments) != 3:  # five would be an encrypted one (RFC 7516), which nobody asked for
        raise refused("the token is not a signed one", "token")
    return segments


def _decode(segment: str) -> bytes:
    try:
        return from_base64url(segment)
    except ValueError as error:
        raise refused("the token is not base64url", "token") from error


def _read_segment(segment: str) -> Mapping[str, object]:
    try:
        return read_object(_decode(segment))
    except JsonError as error:
        raise refused(f"a part of the token is {error}", "token") from error


def _algorithm(header: Mapping[str, object], allowed: frozenset[str]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in allowed & ASYMMETRIC:
        raise refused("alg is none that this client allows", "alg")
    return algorithm


def _key_id(header: Mapping[str, object]) -> str | None:
    kid = header.get("kid")
    if "kid" in header and not isinstance(kid, str):
        raise refused("kid is not a text", "kid")
    return kid if isinstance(kid, str) else None


def _check_header(header: Mapping[str, object], types: frozenset[str]) -> None:
    if any(name in header for name in _KEY_HEADERS):
        raise refused("the header brings its own key", "header")
    if "crit" in header or "b64" in header:  # RFC 7515, 4.1.11; RFC 7797
        raise refused("the header asks for what we do not understand", "crit")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
        # RFC 8725, 3.11: a token of one kind must not pass for another.
        raise refused("typ is that of another kind of token", "typ")


def _verifies(key: VerificationKey, algorithm: str, signed: bytes, signature: bytes) -> bool:
    try:
        return JWSRegistry.algorithms[algorithm].verify(signed, signature, key.public)
    except (JoseError, ValueError, TypeError):
        return False


def refused(detail: str, claim: str) -> SignInFailure:
    """Make the refusal of a token; `claim` names what in it broke the rule."""
    return SignInFailure(FailureCode.OIDC_FAILED, detail, claim=claim)

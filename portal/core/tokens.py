"""What providers sign: ID tokens and logout tokens, verified in full or refused.

    raw -> jws.open_signed (shape, header, signature) -> the rules of each kind -> verified claims

Every `if ...: raise` here, in `jws` and in `jwks` is one rule of a specification, and the tests
hold a token for each that is good but for that rule.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NewType

from portal.core.base64url import base64url
from portal.core.errors import SignInFailure
from portal.core.jwks import IssuerKeys
from portal.core.jws import open_signed, read_unverified, refused
from portal.core.values import quick_value

DEFAULT_ALGORITHMS = frozenset({"RS256"})  # OIDC Core 2, `id_token_signed_response_alg`
TOLERANCE = 60  # seconds by which clocks may differ
OLDEST = 600  # seconds: a sign-in lives as long, so no sound token for it can be older
_LAST_SECOND = 32_503_680_000  # the year 3000
_LONGEST_TOLD = 200  # characters
_TELLABLE = frozenset({"iss", "aud", "azp", "exp", "iat", "nbf", "auth_time", "session_expiry"})
LONGEST_NAME = 255  # characters of `sub` (OIDC Core 2), and of what else we keep: `sid`, `jti`
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_ID_TOKEN_TYPES = frozenset({"jwt", "id_token+jwt"})
_LOGOUT_TYPES = frozenset({"jwt", "logout+jwt"})


@quick_value
class Expected:
    """What an ID token must agree with: the request that we sent, and what came beside it."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS
    max_age: int | None = None


@quick_value
class Claims:
    """What a provider says of a person. Only as `VerifiedClaims` may it let anybody in."""

    issuer: str
    subject: str
    sid: str | None = None
    session_expiry: datetime | None = None
    all: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LogoutClaims:
    """Whose sessions end: that of `sid`, or all of `subject`. A `jti` counts once.

    From `spent_until` on the token is refused by its age, so its `jti` may be forgotten.
    """

    issuer: str
    subject: str | None
    sid: str | None
    jti: str
    spent_until: datetime


VerifiedClaims = NewType("VerifiedClaims", Claims)
"""Claims of an ID token that passed every rule; made by `verify_id_token` alone."""

VerifiedLogout = NewType("VerifiedLogout", LogoutClaims)
"""Claims of a logout token that passed every rule; made by `verify_logout_token` alone."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a token says it is from and for. Nothing of it is verified: good for a look-up only."""

    issuer: str
    audiences: tuple[str, ...]


def verify_id_token(
    raw: str, keys: IssuerKeys, *, expected: Expected, now: datetime
) -> VerifiedClaims:
    """Give the claims of an ID token that is proven to answer our request.

    OIDC Core 3.1.3.7 and 3.1.3.6, RFC 8725. Raises SignInFailure (oidc_failed), of which
    SignatureFailure means that newer keys might help. Where a claim of a token that is signed
    rightly broke a rule, its facts hold the `value`, for whoever has to mend it.
    """
    algorithm, claims = open_signed(raw, keys, expected.algorithms, types=_ID_TOKEN_TYPES)
    try:
        return _answering(claims, algorithm, expected=expected, now=now)
    except SignInFailure as failure:
        for name in _TELLABLE & claims.keys() & {failure.facts.get("claim", "")}:
            failure.facts["value"] = str(claims[name])[:_LONGEST_TOLD]
        raise


def _answering(
    claims: Mapping[str, object], algorithm: str, *, expected: Expected, now: datetime
) -> VerifiedClaims:
    _check_origin(claims, expected.issuer, expected.client_id)
    _check_times(claims, now.timestamp())
    if "exp" not in claims:
        raise refused("there is no exp", "exp")
    subject, sid = _name(claims, "sub"), _name(claims, "sid")
    if subject is None:
        raise refused("there is no sub", "sub")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _same(nonce, expected.nonce):
        raise refused("nonce is not that of the request", "nonce")
    _check_hash(claims, "at_hash", of=expected.access_token, algorithm=algorithm)
    _check_hash(claims, "c_hash", of=expected.code, algorithm=algorithm)
    if expected.max_age is not None:
        signed_in = _time(claims, "auth_time")
        if signed_in is None:
            raise refused("there is no auth_time although max_age was asked for", "auth_time")
        if signed_in + expected.max_age + TOLERANCE < now.timestamp():
            raise refused("the sign-in at the provider is older than max_age", "auth_time")
    until = _time(claims, "session_expiry")  # IPSIE: the session may not outlive it
    return VerifiedClaims(
        Claims(expected.issuer, subject, sid, None if until is None else _moment(until), claims)
    )


def verify_logout_token(
    raw: str,
    keys: IssuerKeys,
    *,
    issuer: str,
    client_id: str,
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS,
    now: datetime,
) -> VerifiedLogout:
    """Give the claims of a logout token that this issuer sent to this client.

    Back-Channel Logout 2.4 and 2.6. That its `jti` was not seen before is for the caller to prove.
    Raises as `verify_id_token` does.
    """
    _, claims = open_signed(raw, keys, algorithms, types=_LOGOUT_TYPES)
    _check_origin(claims, issuer, client_id)
    issued = _check_times(claims, now.timestamp())
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise refused("events does not hold the logout event", "events")
    if "nonce" in claims:
        raise refused("a logout token has no nonce", "nonce")
    jti, subject, sid = _name(claims, "jti"), _name(claims, "sub"), _name(claims, "sid")
    if jti is None:
        raise refused("there is no jti", "jti")
    if subject is None and sid is None:
        raise refused("there is neither sub nor sid", "sub")
    spent_until = _moment(issued + OLDEST + TOLERANCE)
    return VerifiedLogout(LogoutClaims(issuer, subject, sid, jti, spent_until))


def verify_userinfo_token(
    raw: str,
    keys: IssuerKeys,
    *,
    issuer: str,
    client_id: str,
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS,
    now: datetime,
) -> Mapping[str, object]:
    """Give the claims of a userinfo answer that came signed (OIDC Core 5.3.2).

    Its `sub` is compared by `with_userinfo`. Raises as `verify_id_token` does.
    """
    _, claims = open_signed(raw, keys, algorithms, types=_ID_TOKEN_TYPES | {"userinfo+jwt"})
    _check_origin(claims, issuer, client_id)
    expires = _time(claims, "exp")
    if expires is not None and expires + TOLERANCE <= now.timestamp():
        raise refused("exp has passed", "exp")
    return claims


def with_userinfo(verified: VerifiedClaims, userinfo: Mapping[str, object]) -> VerifiedClaims:
    """Give the claims with those of userinfo added; what the ID token says stays.

    Userinfo is only believed for the very same `sub` (OIDC Core 5.3.2), and its `email_verified`
    only for the very address that it stands beside.
    """
    subject = userinfo.get("sub")
    if not isinstance(subject, str) or not _same(subject, verified.subject):
        raise refused("userinfo is about somebody else", "sub")
    added = dict(userinfo)
    signed = verified.all
    if "email" in signed and added.get("email") != signed["email"]:
        added.pop("email_verified", None)
    merged = {**added, **signed}
    if "email_verified" in added and added["email_verified"] is not True:
        merged["email_verified"] = added["email_verified"]
    return VerifiedClaims(replace(verified, all=merged))


def read_addressee(raw: str) -> Addressee:
    """Give the issuer and audiences that a token claims, to find the client it may be for.

    Nothing is verified. Raises SignInFailure (oidc_failed) where the token cannot be read.
    """
    claims = read_unverified(raw)
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise refused("iss is not a text", "iss")
    return Addressee(issuer, _audiences(claims))


def _check_origin(claims: Mapping[str, object], issuer: str, client_id: str) -> None:
    """OIDC Core 3.1.3.7, rules 2 to 5.

    Several audiences are believed only where `azp` names us: the issuer then says for whom it was
    made (RFC 9700, 4.4; a token for another client must not be played to us).
    """
    if claims.get("iss") != issuer:
        raise refused("iss is not the issuer of this client", "iss")
    audiences = _audiences(claims)
    if client_id not in audiences:
        raise refused("aud is not this client", "aud")
    if len(set(audiences)) > 1 and "azp" not in claims:
        raise refused("several audiences and no azp", "azp")
    if claims.get("azp", client_id) != client_id:
        raise refused("azp is another client", "azp")


def _audiences(claims: Mapping[str, object]) -> tuple[str, ...]:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    texts = tuple(one for one in listed if isinstance(one, str))
    if len(texts) != len(listed):
        raise refused("aud is not a text or a list of texts", "aud")
    return texts


def _check_times(claims: Mapping[str, object], now: float) -> float:
    """OIDC Core 3.1.3.7, rules 9 and 10; RFC 7519, 4.1.5. Gives `iat`."""
    issued, expires, begins = (_time(claims, name) for name in ("iat", "exp", "nbf"))
    if issued is None:
        raise refused("there is no iat", "iat")
    if issued > now + TOLERANCE:
        raise refused("iat is in the future", "iat")
    if issued < now - OLDEST - TOLERANCE:
        raise refused("iat is long past", "iat")
    if expires is not None and expires + TOLERANCE <= now:
        raise refused("exp has passed", "exp")
    if begins is not None and begins > now + TOLERANCE:
        raise refused("nbf is in the future", "nbf")
    return issued


def _time(claims: Mapping[str, object], name: str) -> int | float | None:
    value = claims.get(name)
    if name in claims and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise refused(f"{name} is not a number", name)
    return value if isinstance(value, int | float) else None


def _moment(seconds: float) -> datetime:
    """Give a time that every database and zone can hold: what is out of range is brought in."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), UTC)


def _name(claims: Mapping[str, object], claim: str) -> str | None:
    value = claims.get(claim)
    if claim in claims and (not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME):
        raise refused(f"{claim} is not a text of sound length", claim)
    return value if isinstance(value, str) else None


def _check_hash(claims: Mapping[str, object], name: str, *, of: str | None, algorithm: str) -> None:
    """OIDC Core 3.1.3.6 and 3.3.2.11: what came beside the token belongs to it."""
    if of is None or name not in claims:
        return
    digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(of.encode()).digest()  # EdDSA: SHA-512
    half = base64url(digest[: len(digest) // 2])
    value = claims[name]
    if not isinstance(value, str) or not _same(value, half):
        raise refused(f"{name} belongs to another one", name)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

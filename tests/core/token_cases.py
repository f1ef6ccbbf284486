"""Tokens that are good but for one thing, each with the rule that it breaks.

`ID_TOKENS`, `LOGOUT_TOKENS`, `USERINFO_TOKENS` and `MERGES` are tables of cases: a good draft, one
change, and whether it is still accepted. The tests run them against the real modules; the mutation
test runs them against modules with one rule taken out.
"""

from dataclasses import dataclass
from types import SimpleNamespace

from tests.core.jose_cases import JOSE
from tests.core.token_drafts import (
    ACCESS_TOKEN,
    CLIENT,
    CODE,
    EVENT,
    ISSUER,
    NONCE,
    NOW,
    SECONDS,
    Case,
    Draft,
    both,
    claim,
    expecting,
    half_hash,
    header,
    id_draft,
    key,
    logout_draft,
    signed_by,
    userinfo_draft,
    without,
)

CLAIMS = {
    "iss of another issuer": Case("OIDC Core 3.1.3.7 (2)", claim(iss="https://evil.example")),
    "iss with a slash more": Case("OIDC Core 3.1.3.7 (2)", claim(iss=ISSUER + "/")),
    "iss in capitals": Case("OIDC Core 3.1.3.7 (2)", claim(iss=ISSUER.upper())),
    "iss is a list": Case("OIDC Core 2", claim(iss=[ISSUER])),
    "iss missing": Case("OIDC Core 2", without("iss")),
    "aud of another client": Case("OIDC Core 3.1.3.7 (3)", claim(aud="cli_other")),
    "aud of another client, azp ours": Case(
        "OIDC Core 3.1.3.7 (3)", claim(aud="cli_other", azp=CLIENT)
    ),
    "aud begins with ours": Case("OIDC Core 3.1.3.7 (3)", claim(aud=CLIENT + "2")),
    "aud missing": Case("OIDC Core 2", without("aud")),
    "aud empty": Case("OIDC Core 2", claim(aud=[])),
    "aud is an object": Case("OIDC Core 2", claim(aud={CLIENT: True})),
    "aud holds a number": Case("OIDC Core 2", claim(aud=[CLIENT, 7])),
    "aud as a list of one": Case("OIDC Core 2", claim(aud=[CLIENT]), accepted=True),
    "several aud, no azp": Case("OIDC Core 3.1.3.7 (4)", claim(aud=[CLIENT, "evil"])),
    "several aud, azp ours": Case(
        "OIDC Core 3.1.3.7 (4)", claim(aud=["api", CLIENT], azp=CLIENT), accepted=True
    ),
    "several aud, azp another": Case(
        "OIDC Core 3.1.3.7 (5)", claim(aud=[CLIENT, "evil"], azp="evil")
    ),
    "azp another": Case("OIDC Core 3.1.3.7 (5)", claim(azp="evil")),
    "azp null": Case("OIDC Core 3.1.3.7 (5)", claim(azp=None)),
    "azp ours": Case("OIDC Core 3.1.3.7 (5)", claim(azp=CLIENT), accepted=True),
    "iat missing": Case("OIDC Core 2", without("iat")),
    "iat is a text": Case("OIDC Core 2", claim(iat=str(SECONDS))),
    "iat is true": Case("OIDC Core 2", claim(iat=True)),
    "iat is null": Case("OIDC Core 2", claim(iat=None)),
    "iat 61 s ahead": Case("OIDC Core 3.1.3.7 (10)", claim(iat=SECONDS + 61)),
    "iat 59 s ahead": Case("OIDC Core 3.1.3.7 (10)", claim(iat=SECONDS + 59), accepted=True),
    "iat an hour ago": Case("OIDC Core 3.1.3.7 (10)", claim(iat=SECONDS - 3600)),
    "iat 11 min ago": Case("OIDC Core 3.1.3.7 (10)", claim(iat=SECONDS - 661)),
    "iat 10 min ago": Case("OIDC Core 3.1.3.7 (10)", claim(iat=SECONDS - 600), accepted=True),
    "iat with fractions": Case("RFC 7519 2", claim(iat=SECONDS - 0.5), accepted=True),
    "iat beyond all calendars": Case("OIDC Core 2", claim(iat=10**400)),
    "exp 61 s ago": Case("OIDC Core 3.1.3.7 (9)", claim(exp=SECONDS - 61)),
    "exp just 60 s ago": Case("OIDC Core 3.1.3.7 (9)", claim(exp=SECONDS - 60)),
    "exp 59 s ago": Case("OIDC Core 3.1.3.7 (9)", claim(exp=SECONDS - 59), accepted=True),
    "exp is a text": Case("OIDC Core 2", claim(exp=str(SECONDS + 300))),
    "exp beyond all calendars": Case("OIDC Core 2", claim(exp=10**400), accepted=True),
    "nbf 61 s ahead": Case("RFC 7519 4.1.5", claim(nbf=SECONDS + 61)),
    "nbf 59 s ahead": Case("RFC 7519 4.1.5", claim(nbf=SECONDS + 59), accepted=True),
    "nbf is true": Case("RFC 7519 4.1.5", claim(nbf=True)),
    "nbf is a text": Case("RFC 7519 4.1.5", claim(nbf="now")),
    "sub empty": Case("OIDC Core 2", claim(sub="")),
    "sub is a number": Case("OIDC Core 2", claim(sub=7)),
    "sub is null": Case("OIDC Core 2", claim(sub=None)),
    "sub of 256 characters": Case("OIDC Core 2", claim(sub="x" * 256)),
    "sub of 255 characters": Case("OIDC Core 2", claim(sub="x" * 255), accepted=True),
    "sub holds NUL": Case("RFC 8259 7", claim(sub="a\x00b")),
    "sid is a number": Case("Back-Channel Logout 2.1", claim(sid=7)),
    "sid empty": Case("Back-Channel Logout 2.1", claim(sid="")),
}

ID_ONLY = {
    "exp missing": Case("OIDC Core 2", without("exp")),
    "exp null": Case("OIDC Core 2", claim(exp=None)),
    "sub missing": Case("OIDC Core 2", without("sub")),
    "nonce missing": Case("OIDC Core 3.1.3.7 (11)", without("nonce")),
    "nonce of another sign-in": Case("OIDC Core 3.1.3.7 (11)", claim(nonce="n-other")),
    "nonce is a list": Case("OIDC Core 3.1.3.7 (11)", claim(nonce=[NONCE])),
    "nonce not ASCII": Case("OIDC Core 3.1.3.7 (11)", claim(nonce="né")),
    "typ of a logout token": Case("Back-Channel Logout 4.1", header(typ="logout+jwt")),
    "a logout token for an ID token": Case(
        "Back-Channel Logout 4.1", lambda d: setattr(d, "claims", logout_draft().claims)
    ),
    "at_hash right": Case(
        "OIDC Core 3.1.3.6",
        both(expecting(access_token=ACCESS_TOKEN), claim(at_hash=half_hash(ACCESS_TOKEN))),
        accepted=True,
    ),
    "at_hash of another access token": Case(
        "OIDC Core 3.1.3.6",
        both(expecting(access_token=ACCESS_TOKEN), claim(at_hash=half_hash("other"))),
    ),
    "at_hash is a number": Case(
        "OIDC Core 3.1.3.6", both(expecting(access_token=ACCESS_TOKEN), claim(at_hash=1))
    ),
    "at_hash with no access token beside it": Case(
        "OIDC Core 3.1.3.6", claim(at_hash=half_hash("other")), accepted=True
    ),
    "at_hash left out": Case(
        "OIDC Core 3.1.3.6", expecting(access_token=ACCESS_TOKEN), accepted=True
    ),
    "at_hash by the hash of ES384": Case(
        "OIDC Core 3.1.3.6",
        both(
            signed_by("P-384", "ES384"),
            expecting(access_token=ACCESS_TOKEN),
            claim(at_hash=half_hash(ACCESS_TOKEN, "sha384")),
        ),
        accepted=True,
    ),
    "at_hash by the hash of EdDSA": Case(
        "OIDC Core 3.1.3.6",
        both(
            signed_by("Ed25519", "EdDSA"),
            expecting(access_token=ACCESS_TOKEN),
            claim(at_hash=half_hash(ACCESS_TOKEN, "sha512")),
        ),
        accepted=True,
    ),
    "c_hash right": Case(
        "OIDC Core 3.3.2.11",
        both(expecting(code=CODE), claim(c_hash=half_hash(CODE))),
        accepted=True,
    ),
    "c_hash of another code": Case(
        "OIDC Core 3.3.2.11", both(expecting(code=CODE), claim(c_hash=half_hash("other")))
    ),
    "max_age kept": Case(
        "OIDC Core 3.1.3.7 (13)",
        both(expecting(max_age=300), claim(auth_time=SECONDS - 299)),
        accepted=True,
    ),
    "max_age exceeded": Case(
        "OIDC Core 3.1.3.7 (13)", both(expecting(max_age=300), claim(auth_time=SECONDS - 361))
    ),
    "max_age asked for, no auth_time": Case("OIDC Core 2", expecting(max_age=300)),
    "auth_time is a text": Case(
        "OIDC Core 2", both(expecting(max_age=300), claim(auth_time="now"))
    ),
    "session_expiry is a text": Case("IPSIE SL1", claim(session_expiry="tomorrow")),
    "session_expiry ahead": Case("IPSIE SL1", claim(session_expiry=SECONDS + 60), accepted=True),
    "session_expiry beyond all calendars": Case(
        "IPSIE SL1", claim(session_expiry=10**400), accepted=True
    ),
    "session_expiry before all calendars": Case(
        "IPSIE SL1", claim(session_expiry=-(10**400)), accepted=True
    ),
}

LOGOUT_ONLY = {
    "typ JWT": Case("Back-Channel Logout 2.4", header(typ="JWT"), accepted=True),
    "typ of an ID token by name": Case("RFC 8725 3.11", header(typ="id_token+jwt")),
    "exp left out, as old providers do": Case(
        "Back-Channel Logout 2.4", without("exp"), accepted=True
    ),
    "events missing": Case("Back-Channel Logout 2.6 (5)", without("events")),
    "events of another kind": Case(
        "Back-Channel Logout 2.6 (5)", claim(events={"https://example.com/event": {}})
    ),
    "events in a list": Case("Back-Channel Logout 2.4", claim(events=[EVENT])),
    "the event is null": Case("Back-Channel Logout 2.4", claim(events={EVENT: None})),
    "the event is an empty text": Case("Back-Channel Logout 2.4", claim(events={EVENT: ""})),
    "the event holds something": Case(
        "Back-Channel Logout 2.4", claim(events={EVENT: {"x": 1}, "y": 2}), accepted=True
    ),
    "nonce there": Case("Back-Channel Logout 2.6 (6)", claim(nonce=NONCE)),
    "nonce null": Case("Back-Channel Logout 2.6 (6)", claim(nonce=None)),
    "an ID token for a logout token": Case(
        "Back-Channel Logout 4.1", lambda d: setattr(d, "claims", id_draft().claims)
    ),
    "jti missing": Case("Back-Channel Logout 2.4", without("jti")),
    "jti is a number": Case("Back-Channel Logout 2.4", claim(jti=7)),
    "jti empty": Case("Back-Channel Logout 2.4", claim(jti="")),
    "neither sub nor sid": Case(
        "Back-Channel Logout 2.6 (4)", both(without("sub"), without("sid"))
    ),
    "sid alone": Case("Back-Channel Logout 2.4", without("sub"), accepted=True),
    "sub alone": Case("Back-Channel Logout 2.4", without("sid"), accepted=True),
}

USERINFO = {
    "the good answer": Case("OIDC Core 5.3.2", lambda _: None, accepted=True),
    "typ userinfo+jwt": Case("OIDC Core 5.3.2", header(typ="userinfo+jwt"), accepted=True),
    "signed with another key": Case(
        "OIDC Core 5.3.2", lambda d: setattr(d, "signer", key("RSA", "other"))
    ),
    "iss of another issuer": Case("OIDC Core 5.3.2", claim(iss="https://evil.example")),
    "aud of another client": Case("OIDC Core 5.3.2", claim(aud="cli_other")),
    "exp long past": Case("OIDC Core 5.3.2", claim(exp=SECONDS - 61)),
    "exp ahead": Case("OIDC Core 5.3.2", claim(exp=SECONDS + 61), accepted=True),
}

ID_TOKENS = {**JOSE, **CLAIMS, **ID_ONLY}
LOGOUT_TOKENS = {
    **JOSE,
    **CLAIMS,
    **LOGOUT_ONLY,
    "the good logout token": Case("Back-Channel Logout 2.4", lambda _: None, accepted=True),
}


@dataclass(frozen=True)
class Ready:
    """A case, signed: what `run` needs."""

    kind: str
    name: str
    rule: str
    accepted: bool
    token: str
    jwks: dict
    expected: dict


def ready(kind: str) -> list[Ready]:
    """Sign all cases of one kind of token."""
    make, cases = {
        "id": (id_draft, ID_TOKENS),
        "logout": (logout_draft, LOGOUT_TOKENS),
        "userinfo": (userinfo_draft, USERINFO),
    }[kind]
    return [_signed(kind, make(), name, case) for name, case in cases.items()]


def _signed(kind: str, draft: Draft, name: str, case: Case) -> Ready:
    case.change(draft)
    document = {"keys": draft.jwks}
    return Ready(kind, name, case.rule, case.accepted, draft.token(), document, draft.expected)


def run(modules: SimpleNamespace, case: Ready):
    """Verify a case with the functions of `modules` (`tokens` and `jwks`)."""
    tokens, keys = modules.tokens, modules.jwks.read_jwks(case.jwks)
    match case.kind:
        case "id":
            expected = tokens.Expected(**case.expected)
            return tokens.verify_id_token(case.token, keys, expected=expected, now=NOW)
        case "logout":
            return tokens.verify_logout_token(case.token, keys, now=NOW, **case.expected)
        case _:
            return tokens.verify_userinfo_token(case.token, keys, now=NOW, **case.expected)

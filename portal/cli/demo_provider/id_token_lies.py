"""Lies told in an ID token."""

import hashlib

from portal.cli.demo_provider.any_token_lies import ANY_TOKEN_LIES, moment, twice
from portal.cli.demo_provider.keyring import encoded
from portal.cli.demo_provider.lying import (
    Hook,
    Lie,
    Stage,
    Verdict,
    claims,
    drop,
    header,
    put,
    turn,
)

_CORE = "OpenID Connect Core 3.1.3.7"
_LOGOUT = "OpenID Connect Back-Channel Logout 1.0"
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_HOUR = 3600


def _id(does: str, rule: str, hook: Hook, verdict: Verdict = Verdict.REFUSE) -> Lie:
    return Lie(does, rule, {Stage.ID_TOKEN: hook}, verdict)


ID_TOKEN_LIES: dict[str, Lie] = {
    **{name: _id(*told) for name, told in ANY_TOKEN_LIES.items()},
    "aud_extra": _id(
        "a second audience, and no azp",
        f"{_CORE} (3)",
        claims(turn("aud", lambda aud, _scene: [aud, "other"])),
    ),
    "aud_extra_azp_other": _id(
        "a second audience, and azp names that one",
        f"{_CORE} (5)",
        claims(lambda said, _scene: {**said, "aud": [said["aud"], "other"], "azp": "other"}),
    ),
    "aud_extra_azp_mine": _id(
        "a second audience, and azp names the client",
        f"{_CORE} (3)",
        claims(lambda said, _scene: {**said, "aud": [said["aud"], "x"], "azp": said["aud"]}),
        Verdict.EITHER,
    ),
    "azp_wrong": _id("azp names another client", f"{_CORE} (5)", claims(put(azp="other"))),
    "azp_mine": _id(
        "azp names the client",
        f"{_CORE} (5)",
        claims(turn("azp", lambda _old, scene: scene.client and scene.client.client_id)),
        Verdict.ACCEPT,
    ),
    "exp_missing": _id("no exp", "OpenID Connect Core 2", claims(drop("exp"))),
    "exp_just_past": _id(
        "expired 30 seconds ago, within the clock tolerance",
        "OpenID Connect Core 2",
        claims(turn("exp", moment(-30))),
        Verdict.ACCEPT,
    ),
    "iat_old": _id(
        "issued a year ago",
        f"{_CORE} (10)",
        claims(turn("iat", moment(-365 * 24 * _HOUR))),
        Verdict.EITHER,
    ),
    "nonce_wrong": _id("another nonce", f"{_CORE} (11)", claims(put(nonce="other"))),
    "nonce_missing": _id("no nonce", f"{_CORE} (11)", claims(drop("nonce"))),
    "sub_missing": _id("no sub", "OpenID Connect Core 2", claims(drop("sub"))),
    "sub_empty": _id("sub is empty", "OpenID Connect Core 2", claims(put(sub=""))),
    "sub_null": _id("sub is null", "OpenID Connect Core 2", claims(put(sub=None))),
    "sub_long": _id(
        "sub of 10,000 characters, where 255 is the limit",
        "OpenID Connect Core 2",
        claims(put(sub="s" * 10_000)),
    ),
    "at_hash_wrong": _id(
        "at_hash of another access token",
        "OpenID Connect Core 3.1.3.8",
        claims(put(at_hash=encoded(hashlib.sha256(b"another").digest()[:16]))),
    ),
    "at_hash_missing": _id(
        "no at_hash, which is optional in the code flow",
        "OpenID Connect Core 3.1.3.6",
        claims(drop("at_hash")),
        Verdict.ACCEPT,
    ),
    "email_duplicate": _id(
        "email stands in the claims twice",
        "RFC 7519 4",
        twice("email", "root@evil.example.invalid"),
    ),
    "session_expiry_past": _id(
        "the provider's session ended an hour ago",
        "IPSIE SL1 session_expiry",
        claims(turn("session_expiry", moment(-_HOUR))),
    ),
    "session_expiry_soon": _id(
        "the provider's session ends in five minutes",
        "IPSIE SL1 session_expiry",
        claims(turn("session_expiry", moment(300))),
        Verdict.ACCEPT,
    ),
    "session_expiry_text": _id(
        "session_expiry is text",
        "IPSIE SL1 session_expiry",
        claims(put(session_expiry="tomorrow")),
        Verdict.EITHER,
    ),
    "is_logout_token": _id(
        "a logout token in the ID token's place",
        f"{_LOGOUT} 2.4",
        lambda draft, scene: claims(put(events={_EVENT: {}}))(
            header(put(typ="logout+jwt"))(draft, scene), scene
        ),
    ),
}

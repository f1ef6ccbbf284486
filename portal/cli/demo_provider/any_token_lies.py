"""Lies that fit any signed token, ID token and logout token alike."""

import json
import time
from collections.abc import Callable
from typing import Any

from joserfc.jwk import RSAKey

from portal.cli.demo_provider.keyring import Draft, as_json, encoded
from portal.cli.demo_provider.lying import (
    Hook,
    Scene,
    Verdict,
    claims,
    drop,
    header,
    put,
    turn,
)

_CORE = "OpenID Connect Core 3.1.3.7"
_JWS = "RFC 7515"
_BEST = "RFC 8725"
_ELSEWHERE = "https://evil.example.invalid"
_HOUR = 3600


def _signed_by(key: Callable[[Scene], Any], **facts: Any) -> Hook:
    """Signs with another key, and says `facts` in the header."""

    def hook(draft: Draft, scene: Scene) -> Draft:
        draft.key = key(scene)
        draft.header.update(facts)
        return draft

    return hook


def _wrapped(change: Callable[[str], str]) -> Hook:
    """Changes the finished compact token."""

    def hook(draft: Draft, _scene: Scene) -> Draft:
        draft.wrap = change
        return draft

    return hook


def _written(write: Callable[[dict[str, Any]], bytes]) -> Hook:
    """Writes the claims in another way."""

    def hook(draft: Draft, _scene: Scene) -> Draft:
        draft.write = write
        return draft

    return hook


def _rotated(draft: Draft, scene: Scene) -> Draft:
    scene.keys.rotate()
    draft.key = scene.keys.key(draft.header["alg"])
    draft.header["kid"] = draft.key.kid
    return draft


def _public_pem(scene: Scene) -> bytes:
    key = scene.keys.key("RS256")
    assert isinstance(key, RSAKey)
    return key.as_pem(private=False)


def _with_own_jwk(draft: Draft, scene: Scene) -> Draft:
    draft.key = scene.keys.stranger
    draft.header["jwk"] = scene.keys.stranger.as_dict(private=False)
    draft.header["kid"] = scene.keys.stranger.kid
    return draft


def _pointing(member: str) -> Hook:
    """Signs with a stranger's key and says in the header where to fetch it."""

    def hook(draft: Draft, scene: Scene) -> Draft:
        draft.key = scene.keys.stranger
        draft.header["kid"] = scene.keys.stranger.kid
        draft.header[member] = f"{scene.issuer}/stranger/{member}"
        return draft

    return hook


def moment(seconds: int) -> Callable[[Any, Scene], int]:
    """Puts a time in a claim's place: this far from now."""
    return lambda _old, _scene: int(time.time()) + seconds


def twice(member: str, value: Any) -> Hook:
    """Writes one member twice, the lie first and the truth last, where most parsers look."""
    return _written(
        lambda said: (
            b"{" + json.dumps(member).encode() + b":" + as_json(value) + b"," + as_json(said)[1:]
        )
    )


def _flipped(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"


def _changed_after_signing(token: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{encoded(as_json({'sub': 'somebody-else'}))}.{signature}"


ANY_TOKEN_LIES: dict[str, tuple[str, str, Hook, Verdict]] = {
    "alg_none": (
        "unsigned, and says so (alg none)",
        f"{_BEST} 3.2",
        _signed_by(lambda _scene: None, alg="none"),
        Verdict.REFUSE,
    ),
    "alg_none_odd_case": (
        "unsigned, and says so as nOnE",
        f"{_BEST} 3.2",
        _signed_by(lambda _scene: None, alg="nOnE"),
        Verdict.REFUSE,
    ),
    "alg_missing": ("no alg in the header", f"{_JWS} 4.1.1", header(drop("alg")), Verdict.REFUSE),
    "alg_unknown": (
        "an algorithm that does not exist",
        f"{_JWS} 4.1.1",
        header(put(alg="RS257")),
        Verdict.REFUSE,
    ),
    "alg_hs256_secret": (
        "HS256 with the client secret, which the client did not register",
        f"{_CORE} (7)",
        _signed_by(lambda scene: scene.secret.encode(), alg="HS256"),
        Verdict.REFUSE,
    ),
    "alg_hs256_public_key": (
        "HS256 with the public key's PEM as the secret",
        f"{_BEST} 2.1",
        _signed_by(_public_pem, alg="HS256"),
        Verdict.REFUSE,
    ),
    "signature_missing": (
        "RS256 in the header, but nothing after the last dot",
        f"{_JWS} 5.2",
        _signed_by(lambda _scene: None),
        Verdict.REFUSE,
    ),
    "signature_flipped": (
        "a bit of the signature changed",
        f"{_JWS} 5.2",
        _wrapped(_flipped),
        Verdict.REFUSE,
    ),
    "payload_changed": (
        "the claims changed after signing",
        f"{_JWS} 5.2",
        _wrapped(_changed_after_signing),
        Verdict.REFUSE,
    ),
    "wrong_key_same_kid": (
        "signed by a stranger's key under the right kid",
        f"{_CORE} (6)",
        _signed_by(lambda scene: scene.keys.stranger),
        Verdict.REFUSE,
    ),
    "wrong_key_unknown_kid": (
        "signed by a stranger's key under its own kid",
        f"{_CORE} (6)",
        _signed_by(lambda scene: scene.keys.stranger, kid="stranger"),
        Verdict.REFUSE,
    ),
    "kid_unknown": (
        "signed by the right key under a kid that the JWKS lacks",
        "OpenID Connect Core 10.1",
        header(put(kid="nobody-knows")),
        Verdict.REFUSE,
    ),
    "kid_number": ("kid is a number", f"{_JWS} 4.1.4", header(put(kid=7)), Verdict.REFUSE),
    "kid_path": (
        "kid is a path and an SQL quote",
        f"{_BEST} 3.10",
        header(put(kid="../../../dev/null' OR '1'='1")),
        Verdict.REFUSE,
    ),
    "kid_missing": (
        "no kid, where the JWKS has one key",
        "OpenID Connect Core 10.1",
        header(drop("kid")),
        Verdict.ACCEPT,
    ),
    "key_rotated": (
        "a fresh key, published at the same moment, signs each token",
        "OpenID Connect Core 10.1.1",
        _rotated,
        Verdict.ACCEPT,
    ),
    "jwk_header": (
        "signed by a stranger's key that the header brings along",
        f"{_BEST} 3.10",
        _with_own_jwk,
        Verdict.REFUSE,
    ),
    "jku_header": (
        "signed by a stranger's key, the header says where to fetch it",
        f"{_BEST} 3.10",
        _pointing("jku"),
        Verdict.REFUSE,
    ),
    "x5u_header": (
        "signed by a stranger's key, the header says where its certificate is",
        f"{_BEST} 3.10",
        _pointing("x5u"),
        Verdict.REFUSE,
    ),
    "crit_header": (
        "an extension that must be understood and is not",
        f"{_JWS} 4.1.11",
        header(put(crit=["exotic"], exotic=True)),
        Verdict.REFUSE,
    ),
    "b64_header": (
        "an unencoded payload is announced (b64 false)",
        "RFC 7797 6",
        header(put(crit=["b64"], b64=False)),
        Verdict.REFUSE,
    ),
    "private_header": (
        "a header field of the provider's own (pi.atm)",
        f"{_JWS} 4",
        header(put(**{"pi.atm": "3"})),
        Verdict.ACCEPT,
    ),
    "two_parts": (
        "no signature part at all",
        f"{_JWS} 7.1",
        _wrapped(lambda token: token.rpartition(".")[0]),
        Verdict.REFUSE,
    ),
    "four_parts": (
        "a part too many",
        f"{_JWS} 7.1",
        _wrapped(lambda token: token + ".e30"),
        Verdict.REFUSE,
    ),
    "payload_not_json": (
        "the signed payload is no JSON",
        "RFC 7519 7.2",
        _written(lambda _claims: b"<claims/>"),
        Verdict.REFUSE,
    ),
    "payload_list": (
        "the signed payload is a JSON list",
        "RFC 7519 7.2",
        _written(lambda said: json.dumps([said]).encode()),
        Verdict.REFUSE,
    ),
    "payload_deep": (
        "a claim nested 5,000 deep",
        f"{_BEST} 2.7",
        _written(lambda said: as_json(said)[:-1] + b',"deep":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        Verdict.REFUSE,
    ),
    "iss_wrong": ("another issuer", f"{_CORE} (2)", claims(put(iss=_ELSEWHERE)), Verdict.REFUSE),
    "iss_missing": ("no iss", f"{_CORE} (2)", claims(drop("iss")), Verdict.REFUSE),
    "iss_slash": (
        "the issuer with a slash behind it",
        f"{_CORE} (2)",
        claims(turn("iss", lambda iss, _scene: f"{iss}/")),
        Verdict.REFUSE,
    ),
    "iss_list": (
        "the issuer in a list",
        "RFC 7519 4.1.1",
        claims(turn("iss", lambda iss, _scene: [iss])),
        Verdict.REFUSE,
    ),
    "aud_wrong": ("another audience", f"{_CORE} (3)", claims(put(aud="other")), Verdict.REFUSE),
    "aud_missing": ("no audience", f"{_CORE} (3)", claims(drop("aud")), Verdict.REFUSE),
    "aud_empty": (
        "an empty list of audiences",
        f"{_CORE} (3)",
        claims(put(aud=[])),
        Verdict.REFUSE,
    ),
    "aud_list": (
        "the audience alone in a list",
        "OpenID Connect Core 2",
        claims(turn("aud", lambda aud, _scene: [aud])),
        Verdict.ACCEPT,
    ),
    "iat_missing": ("no iat", "OpenID Connect Core 2", claims(drop("iat")), Verdict.REFUSE),
    "iat_future": (
        "issued in an hour",
        f"{_CORE} (10)",
        claims(turn("iat", moment(_HOUR))),
        Verdict.REFUSE,
    ),
    "iat_string": (
        "iat is text",
        "RFC 7519 4.1.6",
        claims(turn("iat", lambda iat, _scene: str(iat))),
        Verdict.REFUSE,
    ),
    "exp_past": (
        "expired an hour ago",
        f"{_CORE} (9)",
        claims(turn("exp", moment(-_HOUR))),
        Verdict.REFUSE,
    ),
    "exp_string": (
        "exp is text",
        "RFC 7519 4.1.4",
        claims(turn("exp", lambda exp, _scene: str(exp))),
        Verdict.REFUSE,
    ),
    "nbf_future": (
        "not valid for an hour yet",
        "RFC 7519 4.1.5",
        claims(turn("nbf", moment(_HOUR))),
        Verdict.REFUSE,
    ),
    "sub_number": ("sub is a number", "OpenID Connect Core 2", claims(put(sub=42)), Verdict.REFUSE),
    "sub_duplicate": (
        "sub stands in the claims twice",
        "RFC 7519 4",
        twice("sub", "somebody-else"),
        Verdict.REFUSE,
    ),
}

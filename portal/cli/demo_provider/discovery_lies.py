"""Lies told where a client learns about the provider: its metadata and its keys."""

from typing import Any

from joserfc.jwk import OctKey, RSAKey

from portal.cli.demo_provider.lying import (
    Hook,
    Lie,
    Scene,
    Stage,
    Verdict,
    drop,
    header,
    put,
    turn,
)

_DISCOVERY = "OpenID Connect Discovery 4.3"
_JWK = "RFC 7517"
_ANSWER = "RFC 6749 4.1.2"
_ISS = "RFC 9207 2.4"
_TOKEN = "RFC 6749 5.1"  # noqa: S105 - a section, no secret
_CLAIMS = "OpenID Connect Core 5.1"
_USERINFO = "OpenID Connect Core 5.3"
_ELSEWHERE = "https://evil.example.invalid"
_PROMISE = "authorization_response_iss_parameter_supported"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

Pairs = list[tuple[str, str]]


def _metadata(
    does: str, hook: Hook, rule: str = _DISCOVERY, verdict: Verdict = Verdict.REFUSE
) -> Lie:
    return Lie(does, rule, {Stage.METADATA: hook}, verdict)


METADATA_LIES: dict[str, Lie] = {
    "metadata_issuer_other": _metadata("issuer is another's", put(issuer=_ELSEWHERE)),
    "metadata_issuer_missing": _metadata("no issuer", drop("issuer")),
    "metadata_issuer_slash": _metadata(
        "issuer has a slash behind it", turn("issuer", lambda issuer, _scene: f"{issuer}/")
    ),
    "metadata_issuer_list": _metadata(
        "issuer is a list", turn("issuer", lambda issuer, _scene: [issuer])
    ),
    **{
        f"metadata_{name}_missing": _metadata(f"no {name}", drop(name), "Discovery 3")
        for name in _ENDPOINTS
    },
    **{
        f"metadata_{name}_plain_http": _metadata(
            f"{name} is plain http on another host",
            put(**{name: f"http://evil.example.invalid/{name}"}),
            "Discovery 3",
            Verdict.REFUSE if name != "authorization_endpoint" else Verdict.EITHER,
        )
        for name in _ENDPOINTS
    },
    "metadata_jwks_uri_internal": _metadata(
        "jwks_uri leads to the cloud's metadata service",
        put(jwks_uri="http://169.254.169.254/latest/meta-data/"),
        "RFC 9700 4.17",
    ),
    "metadata_jwks_uri_file": _metadata(
        "jwks_uri is a file of the client", put(jwks_uri="file:///etc/passwd"), "Discovery 3"
    ),
    "metadata_authorization_endpoint_script": _metadata(
        "authorization_endpoint is javascript:",
        put(authorization_endpoint="javascript:alert(1)"),
        "Discovery 3",
    ),
    "metadata_token_endpoint_number": _metadata(
        "token_endpoint is a number", put(token_endpoint=443), "Discovery 3"
    ),
    "metadata_promise_text": _metadata(
        "the promise of iss is the text true",
        put(**{_PROMISE: "true"}),
        "RFC 9207 3",
        Verdict.EITHER,
    ),
    "metadata_alg_none_listed": _metadata(
        "lists none among the signing algorithms",
        put(id_token_signing_alg_values_supported=["none", "RS256"]),
        "Discovery 3",
        Verdict.ACCEPT,
    ),
    "metadata_no_end_session": _metadata(
        "no end_session_endpoint, and no word of the other ways to sign out",
        drop(
            "end_session_endpoint",
            "backchannel_logout_supported",
            "backchannel_logout_session_supported",
            "frontchannel_logout_supported",
            "frontchannel_logout_session_supported",
        ),
        "RP-Initiated Logout 2.1",
        Verdict.ACCEPT,
    ),
    "metadata_no_userinfo": _metadata(
        "no userinfo_endpoint", drop("userinfo_endpoint"), "Discovery 3", Verdict.ACCEPT
    ),
    "metadata_minimal": _metadata(
        "nothing but what is required",
        lambda said, _scene: {
            name: said[name]
            for name in (
                "issuer",
                *_ENDPOINTS,
                "response_types_supported",
                "subject_types_supported",
                "id_token_signing_alg_values_supported",
            )
        },
        "Discovery 3",
        Verdict.EITHER,
    ),
}


def _keys(change: Hook) -> Hook:
    """Changes the list of keys in a JWKS."""
    return turn("keys", change)


def _each_key(**values: Any) -> Hook:
    return _keys(lambda keys, _scene: [{**key, **values} for key in keys])


def _jwks(does: str, hook: Hook, rule: str = f"{_JWK} 5", verdict: Verdict = Verdict.REFUSE) -> Lie:
    return Lie(does, rule, {Stage.JWKS: hook}, verdict)


def _private(_keys_said: Any, scene: Scene) -> list[Any]:
    return [scene.keys.key(name).as_dict(private=True) for name in scene.options.algorithms]


def _stranger_first(keys: list[Any], scene: Scene) -> list[Any]:
    return [{**scene.keys.stranger.as_dict(private=False), "kid": keys[0]["kid"]}, *keys]


def _weak(keys: list[Any], _scene: Scene) -> list[Any]:
    weak = RSAKey.generate_key(1024, {"kid": keys[0]["kid"], "use": "sig", "alg": "RS256"})
    return [weak.as_dict(private=False)]


JWKS_LIES: dict[str, Lie] = {
    "jwks_empty": _jwks("no keys", put(keys=[])),
    "jwks_keys_missing": _jwks("no member keys", drop("keys")),
    "jwks_keys_text": _jwks("keys is a text", put(keys="none")),
    "jwks_garbage": _jwks("keys that are no keys", put(keys=["a", 7, None, {"kty": "RSA"}])),
    "jwks_only_encryption": _jwks("keys for encryption alone", _each_key(use="enc")),
    "jwks_only_key_ops_encrypt": _jwks(
        "key_ops without verify",
        _keys(
            lambda keys, _scene: [
                {**{k: v for k, v in key.items() if k != "use"}, "key_ops": ["encrypt"]}
                for key in keys
            ]
        ),
        f"{_JWK} 4.3",
    ),
    "jwks_other_alg": _jwks("the keys are for RS512", _each_key(alg="RS512"), f"{_JWK} 4.4"),
    "jwks_private": _jwks(
        "the private halves are published", _keys(_private), f"{_JWK} 9.2", Verdict.EITHER
    ),
    "jwks_kid_twice": _jwks(
        "a stranger's key under the same kid, first",
        _keys(_stranger_first),
        f"{_JWK} 4.5",
        Verdict.EITHER,
    ),
    "jwks_weak_key": _jwks(
        "an RSA key of 1,024 bits in the place of the right one", _keys(_weak), "RFC 7518 3.3"
    ),
    "jwks_unknown_kinds": _jwks(
        "keys of unknown kinds beside the right ones",
        _keys(
            lambda keys, _scene: [
                {"kty": "AKP", "kid": "future", "alg": "ML-DSA-44", "pub": "AA"},
                *keys,
                {"kty": "OKP", "crv": "X25519", "kid": "x", "use": "enc", "x": "A" * 43},
            ]
        ),
        f"{_JWK} 5",
        Verdict.ACCEPT,
    ),
    "jwks_many": _jwks(
        "200 keys of others beside the right one",
        _keys(lambda keys, _scene: [*({**keys[0], "kid": f"k{n}"} for n in range(200)), *keys]),
        f"{_JWK} 5",
        Verdict.ACCEPT,
    ),
    "jwks_secret_key": Lie(
        "the JWKS brings an HMAC key, and an HS256 token that it signs",
        "RFC 8725 2.1",
        {
            Stage.JWKS: _keys(
                lambda keys, _scene: [
                    *keys,
                    OctKey.import_key(b"known" * 8, {"kid": "known"}).as_dict(private=True),
                ]
            ),
            Stage.ID_TOKEN: lambda draft, scene: _hmac(
                header(put(alg="HS256", kid="known"))(draft, scene)
            ),
        },
    ),
    "kid_missing_two_keys": Lie(
        "no kid, where the JWKS has two keys that fit",
        "OpenID Connect Core 10.1",
        {
            Stage.JWKS: _keys(
                lambda keys, scene: [scene.keys.stranger.as_dict(private=False), *keys]
            ),
            Stage.ID_TOKEN: header(drop("kid")),
        },
        Verdict.EITHER,
    ),
}


def _hmac(draft: Any) -> Any:
    draft.key = b"known" * 8
    return draft

"""What is wrong with the wrapping of a token: header, signature, key, JSON."""

import json

from tests.core.token_drafts import (
    Case,
    b64,
    both,
    claim,
    claims_text,
    expecting,
    header,
    hmac_with,
    jwks,
    key,
    nested,
    public,
    raw,
    signed_by,
    tampered,
)

JOSE = {
    "the good token": Case("OIDC Core 3.1.3.7", lambda _: None, accepted=True),
    "alg none, no signature": Case(
        "RFC 8725 3.1", both(header(alg="none"), lambda d: setattr(d, "signer", None))
    ),
    "alg none though the client's list names it": Case(
        "RFC 8725 3.1",
        both(
            header(alg="none"),
            expecting(algorithms=frozenset({"none", "RS256"})),
            raw(lambda t: t.rsplit(".", 1)[0] + "."),
        ),
    ),
    "alg NONE in capitals": Case("RFC 8725 3.1", header(alg="NonE")),
    "alg HS256 with the public key as secret": Case(
        "RFC 8725 2.1", hmac_with(key("RSA").as_pem(private=False))
    ),
    "alg HS256 with the client secret": Case("RFC 8725 2.1", hmac_with(b"the client's own secret")),
    "alg missing": Case("RFC 7515 4.1.1", lambda d: d.header.pop("alg")),
    "alg is a list": Case(
        "RFC 7515 4.1.1", lambda d: setattr(d, "header_text", '{"alg":["RS256"],"kid":"main"}')
    ),
    "alg is a number": Case(
        "RFC 7515 4.1.1", lambda d: setattr(d, "header_text", '{"alg":256,"kid":"main"}')
    ),
    "alg asymmetric but not of this client": Case(
        "RFC 8725 3.1",
        both(signed_by("P-256", "ES256"), expecting(algorithms=frozenset({"RS256"}))),
    ),
    "alg PS256 with a key published for RS256": Case(
        "RFC 7517 4.4", signed_by("RSA", "PS256", alg="RS256")
    ),
    **{
        f"alg {algorithm}": Case("RFC 7518 3.1", signed_by(kind, algorithm), accepted=True)
        for algorithm, kind in {
            "RS384": "RSA",
            "RS512": "RSA",
            "PS256": "RSA",
            "PS384": "RSA",
            "PS512": "RSA",
            "ES256": "P-256",
            "ES384": "P-384",
            "ES512": "P-521",
            "EdDSA": "Ed25519",
            "Ed25519": "Ed25519",
        }.items()
    },
    "signed with another key under our kid": Case(
        "RFC 7515 5.2", lambda d: setattr(d, "signer", key("RSA", "other"))
    ),
    "claims changed after signing": Case("RFC 7515 5.2", raw(tampered)),
    "signature empty": Case("RFC 7515 5.2", raw(lambda t: t.rsplit(".", 1)[0] + ".")),
    "signature of another token": Case(
        "RFC 7515 5.2", raw(lambda t: t.rsplit(".", 1)[0] + "." + b64(b"\x01" * 256))
    ),
    "kid unknown": Case("OIDC Core 10.1.1", header(kid="rotated")),
    "kid is a number": Case("RFC 7515 4.1.4", both(header(kid=7), jwks(public(kid=None)))),
    "kid is null": Case("RFC 7515 4.1.4", header(kid=None)),
    "no kid, one key": Case("OIDC Core 10.1", lambda d: d.header.pop("kid"), accepted=True),
    "no kid, two keys without kid": Case(
        "OIDC Core 10.1",
        both(
            lambda d: d.header.pop("kid"),
            jwks(public("RSA", "other", kid="x"), public(kid=None)),
        ),
        accepted=True,
    ),
    "two keys of one kid": Case(
        "RFC 7517 4.5",
        jwks(public("RSA", "other"), public("P-256"), public()),
        accepted=True,
    ),
    "no kid, none of the keys signed": Case(
        "RFC 7515 5.2", both(lambda d: d.header.pop("kid"), jwks(public("RSA", "other")))
    ),
    "header brings jwk": Case("RFC 8725 3.10", header(jwk=key("RSA").as_dict(private=False))),
    "header brings jku": Case("RFC 8725 3.10", header(jku="https://evil.example/jwks")),
    "header brings x5u": Case("RFC 8725 3.10", header(x5u="https://evil.example/cert")),
    "header carries x5c, which nobody reads": Case(
        "RFC 7515 4.1.6", header(x5c=["MIIB"]), accepted=True
    ),
    "header signed by its own x5c": Case(
        "RFC 7515 4.1.6",
        both(header(x5c=["MIIB"]), lambda d: setattr(d, "signer", key("RSA", "x"))),
    ),
    "header has private fields": Case(
        "RFC 7515 4.3", header(**{"pi.atm": "1", "env": "x" * 600}), accepted=True
    ),
    "header crit": Case("RFC 7515 4.1.11", header(crit=["exp"], exp=1)),
    "header crit empty": Case("RFC 7515 4.1.11", header(crit=[])),
    "header b64 true": Case("RFC 7797 3", header(b64=True)),
    "header has alg twice": Case(
        "RFC 7515 4",
        lambda d: setattr(d, "header_text", '{"alg":"none","alg":"RS256","kid":"main"}'),
    ),
    "header is an array": Case("RFC 7515 4", lambda d: setattr(d, "header_text", '["RS256"]')),
    "typ of an access token": Case("RFC 9068 4", header(typ="at+jwt")),
    "typ of a security event": Case("RFC 8725 3.11", header(typ="secevent+jwt")),
    "typ is a number": Case("RFC 7515 4.1.9", header(typ=1)),
    "typ is application/jwt": Case("RFC 7515 4.1.9", header(typ="application/JWT"), accepted=True),
    "typ left out": Case("RFC 7519 5.1", lambda d: d.header.pop("typ"), accepted=True),
    "encrypted": Case("RFC 7516 3.1", raw(lambda t: t + ".e30.e30")),
    "only two parts": Case("RFC 7515 3.1", raw(lambda t: t.rsplit(".", 1)[0])),
    "padding in base64url": Case("RFC 7515 2", raw(lambda t: t + "=")),
    "not ASCII": Case("RFC 7515 3.1", raw(lambda t: t + "é")),
    "not ASCII within the claims": Case("RFC 7515 3.1", raw(lambda t: t.replace(".", ".é", 1))),
    "empty": Case("RFC 7515 3.1", raw(lambda _: "")),
    "oversized": Case("RFC 8725 3.2", claim(padding="x" * 60_000)),
    "claims nested deeply": Case("RFC 8259 9", claim(deep=json.loads(nested(25)))),
    "claims nested without end": Case(
        "RFC 8259 9", lambda d: setattr(d, "claims_text", nested(20_000))
    ),
    "claims are an array": Case("RFC 7519 7.2", lambda d: setattr(d, "claims_text", "[1]")),
    "claims are no JSON": Case("RFC 7519 7.2", lambda d: setattr(d, "claims_text", "{")),
    "claims are not UTF-8": Case(
        "RFC 8259 8.1", claims_text(lambda text: text[:-1] + ', "name": "\ud800"}')
    ),
    "sub stands twice": Case(
        "RFC 7519 4", claims_text(lambda text: text[:-1] + ', "sub": "00u1a2b3"}')
    ),
    "a nested member stands twice": Case(
        "RFC 7493 2.3", claims_text(lambda text: text[:-1] + ', "x": {"a": 1, "a": 1}}')
    ),
    "NaN among the claims": Case("RFC 8259 6", claims_text(lambda t: t[:-1] + ', "x": NaN}')),
    "infinite number among the claims": Case(
        "RFC 7493 2.2", claims_text(lambda t: t[:-1] + ', "x": 1e999}')
    ),
    "half a surrogate pair among the claims": Case(
        "RFC 7493 2.1", claims_text(lambda t: t[:-1] + ', "name": "\\ud800"}')
    ),
    "NUL in a claim's name": Case("RFC 8259 7", claims_text(lambda t: t[:-1] + ', "a\\u0000": 1}')),
    "key for encryption": Case("RFC 7517 4.2", jwks(public(use="enc"))),
    "key without use": Case("RFC 7517 4.2", jwks(public(use=None)), accepted=True),
    "key for another operation": Case("RFC 7517 4.3", jwks(public(key_ops=["encrypt"]))),
    "key operations in a text": Case("RFC 7517 4.3", jwks(public(key_ops="verify"))),
    "key to verify": Case("RFC 7517 4.3", jwks(public(key_ops=["verify"])), accepted=True),
    "key of another algorithm": Case("RFC 7517 4.4", jwks(public(alg="RS512"))),
    "key algorithm of a wrong type": Case("RFC 7517 4.4", jwks(public(alg=["RS256"]))),
    "key of another type": Case("RFC 7518 3.1", jwks(public("P-256"))),
    "key published with its private half": Case(
        "RFC 7517 9.2", jwks(key("RSA").as_dict(private=True) | {"kid": "main"})
    ),
    "key of 1024 bits": Case("RFC 7518 3.3", signed_by("RSA-1024", "RS256")),
    "key with a huge exponent": Case("RFC 8725 3.2", signed_by("RSA-huge-e", "RS256")),
    "key of more bits than anybody needs": Case(
        "RFC 8725 3.2", jwks(public(n=b64(b"\xff" * 2048)))
    ),
    "key whose kid is a list, token without kid": Case(
        "RFC 7517 4.5", both(lambda d: d.header.pop("kid"), jwks(public(kid=["main"])))
    ),
    "key of another curve": Case("RFC 7518 3.4", signed_by("P-384", "ES256")),
    "key damaged": Case("RFC 7517 5", jwks(public(n="!"))),
    "key without modulus": Case("RFC 7517 5", jwks(public(n=None))),
    "key set with entries that are no keys": Case(
        "RFC 7517 5", jwks(7, {"kty": "AKP"}, {}, public()), accepted=True
    ),
    "key set empty": Case("RFC 7517 5", jwks()),
    "key set of hundreds": Case("RFC 7517 5", jwks(*[{}] * 900, public()), accepted=True),
    "key set of thousands": Case("RFC 8725 3.2", jwks(*[{}] * 1000, public())),
}

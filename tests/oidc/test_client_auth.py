"""The ways in which a client proves itself, as the specifications write them on the wire."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwk
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from portal.oidc import client_auth

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
KEYS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def _pem(key, encryption=None):
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [
        ("cli_1", "plain"),
        ("cli:with:colons", "p:a%ss w+rd/=&?é漢"),
        ("https://client.example/", "%41"),
    ],
)
def test_basic_form_encodes_id_and_secret_first(client_id, secret):  # RFC 6749, 2.3.1
    _, headers, body = client_auth.basic(client_id, secret)(None, "POST", "https://t", {}, "a=b")
    kind, _, value = headers["Authorization"].partition(" ")
    one, colon, other = b64decode(value).decode("ascii").partition(":")
    assert (kind, colon, body) == ("Basic", ":", "a=b")
    assert (unquote_plus(one), unquote_plus(other)) == (client_id, secret)


@pytest.mark.parametrize("algorithm", KEYS)
def test_assertion_is_signed_by_the_key_that_is_published(algorithm):  # RFC 7523, 3
    pem = _pem(KEYS[algorithm])
    signing = client_auth.signing_key(pem)
    prepare = client_auth.assertion("cli_1", signing, now=NOW)
    uri, _, body = prepare(None, "POST", "https://idp.example/token", {}, "code=c")
    sent = dict(parse_qsl(body))
    assert (uri, sent["code"], sent["client_id"]) == ("https://idp.example/token", "c", "cli_1")
    assert sent["client_assertion_type"] == client_auth.ASSERTION_TYPE

    head, claims, signature = sent["client_assertion"].split(".")
    header = json.loads(urlsafe_b64decode(head.encode()))
    published = signing.public_jwk()
    assert header == {"alg": algorithm, "kid": published["kid"], "typ": "JWT"}
    public = jwk.import_key(published)
    assert published["kid"] == public.thumbprint()
    assert JWSRegistry.algorithms[algorithm].verify(
        f"{head}.{claims}".encode(), urlsafe_b64decode(signature.encode()), public
    )

    said = json.loads(urlsafe_b64decode(claims.encode()))
    assert len(said.pop("jti")) == 32
    issued = int(NOW.timestamp())
    assert said == {
        "iss": "cli_1",
        "sub": "cli_1",
        "aud": "https://idp.example/token",
        "iat": issued,
        "exp": issued + 60,
    }


def test_no_two_assertions_are_alike():
    prepare = client_auth.assertion("cli_1", client_auth.signing_key(_pem(KEYS["EdDSA"])), now=NOW)
    assert len({prepare(None, "POST", "https://t.example", {}, "")[2] for _ in range(20)}) == 20


@pytest.mark.parametrize("algorithm", KEYS)
def test_published_key_is_public(algorithm):
    published = client_auth.public_jwk(_pem(KEYS[algorithm]))
    assert published["use"] == "sig"
    assert published["alg"] == algorithm
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & published.keys()


UNUSABLE = {
    "no PEM": "planted secret",
    "empty": "",
    "encrypted": _pem(KEYS["ES256"], BestAvailableEncryption(b"planted secret")),
    "public": KEYS["ES256"]
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "RSA of 1024 bits": _pem(rsa.generate_private_key(65537, 1024)),
    "a curve without an algorithm": _pem(ec.generate_private_key(ec.SECP224R1())),
    "Ed448": _pem(ed448.Ed448PrivateKey.generate()),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_key_that_cannot_sign_is_refused_in_words_that_show_nothing(name):
    with pytest.raises(client_auth.KeyUnusableError) as error:
        client_auth.signing_key(UNUSABLE[name])
    assert "planted" not in str(error.value)
    assert error.value.__cause__ is None


def test_private_key_does_not_show():
    assert "key=" not in repr(client_auth.signing_key(_pem(KEYS["ES256"])))

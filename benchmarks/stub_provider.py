"""An OpenID provider that does as little as one can, so that it is never what is measured.

It has no authorization page: a code is the authorization request itself, encoded, and whoever plays
the browser makes it. Each ID token is signed with RS256.
"""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

_ISSUER = os.environ["BENCH_ISSUER"]
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


_PUBLIC = _KEY.public_key().public_numbers()
_HEAD = _b64(json.dumps({"alg": "RS256", "kid": "bench", "typ": "JWT"}).encode())
_METADATA = {
    "issuer": _ISSUER,
    "authorization_endpoint": f"{_ISSUER}/authorize",
    "token_endpoint": f"{_ISSUER}/token",
    "jwks_uri": f"{_ISSUER}/jwks",
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    "code_challenge_methods_supported": ["S256"],
}
_JWKS = {
    "keys": [
        {
            "kty": "RSA",
            "kid": "bench",
            "use": "sig",
            "alg": "RS256",
            "n": _number(_PUBLIC.n),
            "e": _number(_PUBLIC.e),
        }
    ]
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/token":
        status, answer = _token(environ)
    elif path == "/jwks":
        status, answer = "200 OK", _JWKS
    elif path == "/.well-known/openid-configuration":
        status, answer = "200 OK", _METADATA
    else:
        status, answer = "404 Not Found", {}
    body = json.dumps(answer).encode()
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


def _token(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    form = parse_qs(environ["wsgi.input"].read().decode())
    asked: dict[str, str] = json.loads(base64.urlsafe_b64decode(form["code"][0]))
    if not _proves(form.get("code_verifier", [""])[0], asked.get("code_challenge")):
        return "400 Bad Request", {"error": "invalid_grant"}
    return "200 OK", {
        "token_type": "Bearer",
        "access_token": "bench",
        "expires_in": 300,
        "id_token": _id_token(asked),
    }


def _proves(verifier: str, challenge: str | None) -> bool:
    if challenge is None:
        return True
    return _b64(hashlib.sha256(verifier.encode()).digest()) == challenge


def _id_token(asked: dict[str, str]) -> str:
    now = int(time.time())
    claims = {
        "iss": _ISSUER,
        "aud": asked["client_id"],
        "sub": asked["login_hint"],
        "email": asked["login_hint"],
        "email_verified": True,
        "name": "Bench Person",
        "nonce": asked["nonce"],
        "iat": now,
        "exp": now + 300,
    }
    signed = f"{_HEAD}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(_KEY.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"

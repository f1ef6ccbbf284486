"""A relying party of a few lines: enough to see all that a provider says, and no check at all."""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self
from urllib.parse import parse_qsl, quote_plus, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from portal.cli.demo_provider.keyring import encoded

CALLBACK = "https://app.example/callback?fixed=1"
ANN = "ann@acme.example"


@dataclass
class SmallClient:
    issuer: str
    client_id: str = "app"
    secret: str = "s3cret"
    method: str = "client_secret_post"
    key: RSAKey | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    web: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.web.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.web.close()

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.web.get(self.issuer + path, timeout=10, allow_redirects=False, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.web.post(self.issuer + path, timeout=10, allow_redirects=False, **options)

    def asked(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        challenge = encoded(sha256(self.verifier.encode()).digest())
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid email profile",
            "state": "the-state",
            "nonce": "the-nonce",
            "login_hint": ANN,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changes
        return {name: value for name, value in parameters.items() if value is not None}

    def answer(self, **changes: str | None) -> dict[str, str]:
        return dict(pairs_of(self.get("/authorize", params=self.asked(**changes))))

    def exchange(self, code: str, /, **changes: str | None) -> requests.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        headers = {}
        match self.method:
            case "client_secret_basic":
                login = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
                headers["Authorization"] = requests.auth._basic_auth_str(*login.split(":"))
            case "client_secret_post":
                form |= {"client_id": self.client_id, "client_secret": self.secret}
            case "private_key_jwt":
                form["client_assertion_type"] = (
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                )
                form["client_assertion"] = self.assertion()
            case "none":
                form["client_id"] = self.client_id
        form |= changes
        return self.post("/token", data=form, headers=headers)

    def assertion(self, **changes: Any) -> str:
        assert self.key
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.issuer}/token",
            "exp": 4_000_000_000,
            "jti": secrets.token_hex(8),
        } | changes
        return jwt.encode({"alg": "RS256"}, claims, self.key)

    def sign_in(self, **changes: str | None) -> dict[str, Any]:
        """The token response of a whole sign-in."""
        answer = self.exchange(self.answer(**changes)["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def userinfo(self, access_token: str) -> requests.Response:
        return self.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


def pairs_of(answer: requests.Response) -> list[tuple[str, str]]:
    """The authorization response, repeated parameters and all; the client's own one left out."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith("https://app.example/callback?fixed=1&")
    query = urlsplit(answer.headers["Location"]).query
    return parse_qsl(query, keep_blank_values=True)[1:]

"""Who takes part: the people who sign in, the clients that ask, and how the stand behaves."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin

_CLAIMS_OF_SCOPE = {
    "email": ("email", "email_verified"),
    "profile": ("name", "given_name", "family_name"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at this provider; `claims` adds to what the address gives."""

    email: str
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def everything(self) -> dict[str, Any]:
        """Every claim of this person, whatever the scope."""
        words = self.email.partition("@")[0].replace(".", " ").replace("_", " ").split()
        name = str(self.claims.get("name") or " ".join(words).title())
        given, _, family = name.partition(" ")
        return {
            "sub": "user-" + hashlib.sha256(self.email.lower().encode()).hexdigest()[:20],
            "email": self.email,
            "email_verified": True,
            "name": name,
            "given_name": given,
            "family_name": family,
            **self.claims,
        }

    @property
    def sub(self) -> str:
        """The subject: stable by address, the same at every issuer of the stand.

        OpenID Connect Core 2 promises it unique within one issuer only, and a relying party
        that forgets so is found out here.
        """
        return str(self.everything["sub"])

    @property
    def name(self) -> str:
        """How the person is called on the provider's page."""
        return str(self.everything["name"])

    def profile(self, scopes: Collection[str]) -> dict[str, Any]:
        """The claims that these scopes give (OpenID Connect Core 5.4)."""
        hidden = {
            claim
            for scope, claims in _CLAIMS_OF_SCOPE.items()
            if scope not in scopes
            for claim in claims
        }
        return {name: value for name, value in self.everything.items() if name not in hidden}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A relying party as it was registered; a guest is one that nobody registered."""

    client_id: str
    client_secret: str = ""
    auth_method: str = "client_secret_basic"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    frontchannel_logout_uri: str = ""
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str = ""
    id_token_alg: str = "RS256"  # noqa: S105 - an algorithm, no secret
    guest: bool = False

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """The client of a JSON object; TypeError names a key that does not exist."""
        return cls(**_with_tuples(given))

    def get_client_id(self) -> str:
        """The identifier that tokens name as their audience."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: OpenID Connect Core 3.1.2.1 requires the parameter."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """The asked scope: every client may ask for all that there is."""
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is registered, by simple string comparison (OpenID Connect Core 3.1.2.1)."""
        if self.guest:
            return urlsplit(redirect_uri).scheme in {"http", "https"}
        return redirect_uri in self.redirect_uris

    def check_post_logout_redirect_uri(self, uri: str) -> bool:
        """Whether it is registered (OpenID Connect RP-Initiated Logout 1.0, 3)."""
        if self.guest:
            return urlsplit(uri).scheme in {"http", "https"}
        return uri in self.post_logout_redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is this client's; a guest's is always right."""
        return self.guest or secrets.compare_digest(
            self.client_secret.encode(), client_secret.encode()
        )

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client registered this way to authenticate; one way, at any endpoint."""
        del endpoint
        return self.guest or method == self.auth_method

    def check_response_type(self, response_type: str) -> bool:
        """Only the code flow is offered."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Only the code flow is offered."""
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the stand behaves when it does not lie."""

    issuer_paths: tuple[str, ...] = ("", "/oidc/tenant1")
    """Each is an issuer of its own, with its own keys, codes and sessions."""
    any_client: bool = False
    """Take clients that nobody registered, with any secret and any redirect URI."""
    auto: bool = False
    """Answer at once, without a page, where `login_hint` names somebody known."""
    auto_as: str = ""
    """Answer at once as this person, whatever the hint."""
    require_pkce: bool = True
    """Refuse an authorization request without an S256 code challenge (RFC 7636)."""
    algorithms: tuple[str, ...] = ("RS256",)
    """What ID tokens may be signed with; each has a key in the JWKS."""
    delay: float = 30.0
    """For how many seconds a slow answer is held back, or a dripping one drips."""
    huge_bytes: int = 8 * 1024 * 1024
    """How long a huge answer is."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """The options of a JSON object; TypeError names a key that does not exist."""
        return cls(**_with_tuples(given))


def _with_tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that frozen values hold."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }

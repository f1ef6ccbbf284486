"""The portal as a relying party: what a sign-in asks of its provider, step by step.

authorization_url -> (browser) -> exchange -> identify -> with_userinfo
logout_claims when the provider says so, end_session_url when the person does
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TypeVar

from authlib.oauth2 import ClientAuth

from portal.core.errors import FailureCode, SignInFailure
from portal.core.jwks import IssuerKeys
from portal.core.jws import SignatureFailure
from portal.core.registry import AuthMethod, Client, Sealed
from portal.core.tokens import (
    Expected,
    VerifiedClaims,
    VerifiedLogout,
    verify_id_token,
    verify_logout_token,
    verify_userinfo_token,
    with_userinfo,
)
from portal.crypto import UnreadableSecretError, Vault
from portal.oidc import client_auth
from portal.oidc.http import Door, json_object, media_type
from portal.oidc.messages import Answer
from portal.oidc.metadata import Metadata
from portal.oidc.provider import Providers
from portal.oidc.replacing import Replacing
from portal.oidc.token_endpoint import TokenEndpoint, Tokens
from portal.tracing import span

__all__ = ["RelyingParty", "Tokens"]

Result = TypeVar("Result")

_MOST_OPENED = 5000


class UserinfoRefused(SignInFailure):
    """The userinfo endpoint says nothing; the ID token may say enough."""


class RelyingParty:
    """Speaks OpenID Connect for every client of the registry. Every method may ask the network.

    They raise SignInFailure: provider_unavailable, oidc_failed, or sso_unavailable where the
    client's own secret cannot be used.
    """

    def __init__(
        self, providers: Providers, door: Door, *, vault: Vault, now: Callable[[], datetime]
    ) -> None:
        self._providers = providers
        self._door = door
        self._vault = vault
        self._replacing = Replacing(now)
        self._now = now
        # A process that can open a secret may as well keep it: the keys lie in the same memory.
        self._secret = lru_cache(maxsize=_MOST_OPENED)(self._open)
        # Reading an RSA key checks it, which takes longer than the rest of an exchange.
        self._signing_key = lru_cache(maxsize=256)(self._read_signing_key)

    def require_usable(self, client: Client) -> None:
        """Refuse a client whose secret or key cannot be opened, before anybody is sent anywhere.

        Raises SignInFailure (sso_unavailable). A secret that opened once is not opened again.
        """
        if client.auth_method is not AuthMethod.NONE:
            self._secret(client.proof)

    def metadata(self, client: Client) -> Metadata:
        """Give what the client's issuer publishes, from memory where it is known."""
        return self._providers.metadata(client.issuer)

    def exchange(self, client: Client, *, code: str, code_verifier: str) -> Tokens:
        """Give the tokens for a code (RFC 6749, 4.1.3; OIDC Core 3.1.3).

        A code is sent once, but for a refusal of the new one of two secrets.
        """
        endpoint = self.metadata(client).token_endpoint

        def redeem(proving: Client) -> Tokens:
            with span("provider.token", issuer=proving.issuer):
                place = TokenEndpoint(proving.issuer, endpoint, self._auth(proving))
                return place.redeem(
                    self._door,
                    code=code,
                    code_verifier=code_verifier,
                    redirect_uri=proving.redirect_uri,
                )

        return self._replacing.redeem(client, redeem)

    def identify(
        self,
        client: Client,
        tokens: Tokens,
        *,
        nonce: str,
        code: str | None = None,
        max_age: int | None = None,
    ) -> VerifiedClaims:
        """Give who signed in: the claims of the ID token, verified in full.

        Keys that do not fit are fetched anew, once, in case the issuer has changed them.
        """
        metadata = self.metadata(client)
        expected = Expected(
            metadata.issuer,
            client.client_id,
            nonce,
            access_token=tokens.access_token,
            code=code,
            algorithms=metadata.algorithms,
            max_age=max_age,
        )
        return self._with_keys(
            metadata,
            lambda keys: verify_id_token(tokens.id_token, keys, expected=expected, now=self._now()),
        )

    def with_userinfo(
        self, client: Client, tokens: Tokens, *, claims: VerifiedClaims
    ) -> VerifiedClaims:
        """Give the claims with those of the userinfo endpoint added (OIDC Core 5.3).

        Unchanged where there is no such endpoint.
        """
        metadata = self.metadata(client)
        if metadata.userinfo_endpoint is None:
            return claims
        headers = {
            "Accept": "application/json, application/jwt",
            "Authorization": f"Bearer {tokens.access_token}",
        }
        with span("provider.userinfo", issuer=client.issuer):
            answer = self._door.get(
                client.issuer,
                metadata.userinfo_endpoint,
                headers=headers,
                client=client.client_id,
            )
        if answer.status != HTTPStatus.OK:
            raise UserinfoRefused(
                FailureCode.OIDC_FAILED, f"userinfo was answered with {answer.status}"
            )
        return with_userinfo(claims, self._read_userinfo(metadata, client, answer))

    def logout_claims(self, client: Client, raw: str) -> VerifiedLogout:
        """Give what a logout token of this client's issuer says, verified in full."""
        metadata = self.metadata(client)
        return self._with_keys(
            metadata,
            asker="logout token",
            verify=lambda keys: verify_logout_token(
                raw,
                keys,
                issuer=metadata.issuer,
                client_id=client.client_id,
                algorithms=metadata.algorithms,
                now=self._now(),
            ),
        )

    def public_jwk(self, client: Client) -> dict[str, str]:
        """Give the public half of a `private_key_jwt` client's key, for our own key set.

        Raises SignInFailure (sso_unavailable) where the key cannot be opened or read.
        """
        return self._signing_key(client.private_key).public_jwk()

    def _read_userinfo(
        self, metadata: Metadata, client: Client, answer: Answer
    ) -> Mapping[str, object]:
        if media_type(answer) != "application/jwt":
            return json_object(answer)
        raw = answer.content.decode("ascii", "replace").strip()
        return self._with_keys(
            metadata,
            lambda keys: verify_userinfo_token(
                raw,
                keys,
                issuer=metadata.issuer,
                client_id=client.client_id,
                algorithms=metadata.algorithms,
                now=self._now(),
            ),
        )

    def _with_keys(
        self,
        metadata: Metadata,
        verify: Callable[[IssuerKeys], Result],
        *,
        asker: str = "sign-in",
    ) -> Result:
        keys = self._providers.keys(metadata.issuer)
        try:
            return verify(keys)
        except SignatureFailure as failure:
            newer = self._newer_keys(metadata, keys, failure, asker)
            if newer is None:
                raise
        return verify(newer)

    def _newer_keys(
        self, metadata: Metadata, seen: IssuerKeys, failure: SignatureFailure, asker: str
    ) -> IssuerKeys | None:
        try:
            return self._providers.renewed_keys(
                metadata.issuer, seen, kid_known=failure.kid_known, asker=asker
            )
        except SignInFailure:
            if failure.kid_known:
                return None  # the keys at hand have spoken: the signature is wrong
            raise

    def _auth(self, client: Client) -> ClientAuth:
        """Give what adds the client's proof of itself to a token request."""
        method: str | client_auth.AuthMethodFunction = client.auth_method.value
        secret = None
        match client.auth_method:
            case AuthMethod.BASIC:
                method = client_auth.basic(client.client_id, self._secret(client.secret))
            case AuthMethod.POST:
                secret = self._secret(client.secret)
            case AuthMethod.PRIVATE_KEY_JWT:
                signing = self._signing_key(client.private_key)
                method = client_auth.assertion(client.client_id, signing, now=self._now())
            case AuthMethod.NONE:
                pass  # Authlib sends the client_id
        return ClientAuth(client.client_id, secret, method)

    def _read_signing_key(self, sealed: Sealed | None) -> client_auth.SigningKey:
        try:
            return client_auth.signing_key(self._open(sealed))
        except client_auth.KeyUnusableError as error:
            raise _unusable(str(error)) from None

    def _open(self, sealed: Sealed | None) -> str:
        if sealed is None:
            raise _unusable("the client has no secret or key")
        try:
            return self._vault.open(sealed)
        except UnreadableSecretError:
            raise _unusable("the client's secret cannot be opened with our keys") from None


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)


def _unusable(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.SSO_UNAVAILABLE, detail)

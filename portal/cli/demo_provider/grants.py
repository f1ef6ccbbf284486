"""The protocol: Authlib's authorization-server classes, filled in for one issuer.

Requests and codes, PKCE (RFC 7636), the four ways to authenticate a client, the claims of an
ID token (OpenID Connect Core 2) and RP-initiated logout are Authlib's; what is told of them is
ours, since a token here may have to be wrong in ways that no library would sign.
"""

import json
import urllib.request
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from authlib.oidc.rpinitiated import EndSessionEndpoint, EndSessionRequest
from flask import g
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from portal.cli.demo_provider.keyring import ALGORITHMS, Algorithms, Draft
from portal.cli.demo_provider.ledger import AccessToken, IssuedCode, Realm, Stand, Visit
from portal.cli.demo_provider.lying import Stage
from portal.cli.demo_provider.participants import Client

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
_FETCH_SECONDS = 5


def authorization_server(stand: Stand, realm: Realm) -> AuthorizationServer:
    """Authlib's server for one issuer; the client of a request is left in `flask.g.client`."""

    def query_client(client_id: str) -> Client | None:
        g.client = stand.client(client_id)
        return g.client  # type: ignore[no-any-return]  # flask.g holds Any

    def save_token(token: dict[str, Any], request: OAuth2Request) -> None:
        code: IssuedCode = request.authorization_code
        code.visit.client_ids.add(code.client_id)
        realm.tokens[token["access_token"]] = AccessToken(
            code.client_id, code.scope, code.visit, code.code
        )

    server = AuthorizationServer(query_client=query_client, save_token=save_token)
    server.register_token_generator("default", server.create_bearer_token_generator({}))
    server.register_client_auth_method("client_secret_basic", _authenticate_basic)
    server.register_client_auth_method("private_key_jwt", _ClientAssertion(stand, realm))
    server.register_grant(_code_grant(realm), [_IdToken(stand, realm), _Pkce(stand)])
    server.register_endpoint(_end_session(realm))
    return server


def _code_grant(realm: Realm) -> type[AuthorizationCodeGrant]:
    """The code grant of one issuer; Authlib makes an instance for each request."""

    class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
        TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            asked = request.payload.data
            realm.keep_code(
                IssuedCode(
                    code=code,
                    client_id=request.client.client_id,
                    redirect_uri=request.payload.redirect_uri,
                    scope=request.scope,
                    nonce=asked.get("nonce", ""),
                    code_challenge=asked.get("code_challenge"),
                    code_challenge_method=asked.get("code_challenge_method"),
                    visit=request.user,
                )
            )

        def query_authorization_code(self, code: str, client: Client) -> IssuedCode | None:
            return realm.take_code(code, client.client_id)

        def delete_authorization_code(self, authorization_code: IssuedCode) -> None:
            """Nothing is left to delete: asking for the code has spent it."""

        def authenticate_user(self, authorization_code: IssuedCode) -> Visit:
            return authorization_code.visit

    return CodeGrant


class _Pkce(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """S256 alone, and demanded at the authorization endpoint already (RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def __init__(self, stand: Stand) -> None:
        super().__init__(required=True)
        self._stand = stand

    def validate_code_challenge(self, grant: AuthorizationCodeGrant, redirect_uri: str) -> None:
        """Raise where the challenge is missing, malformed or not S256."""
        super().validate_code_challenge(grant, redirect_uri)
        asked = grant.request.payload.data
        if self._stand.options.require_pkce and not asked.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Unsupported 'code_challenge_method'")


class _IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib has no types
    """The ID token of the code flow, drafted from Authlib's claims and signed as drafted."""

    def __init__(self, stand: Stand, realm: Realm) -> None:
        super().__init__(require_nonce=False)
        self._stand = stand
        self._realm = realm

    def exists_nonce(self, _nonce: str, _request: OAuth2Request) -> bool:
        """A nonce may come again: it guards the client, and the client compares it."""
        return False

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """The issuer, and the client as the only audience."""
        return {"iss": self._stand.issuer(self._realm), "aud": client.client_id}

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        """The signed ID token, after the lies that are on."""
        client: Client = request.client
        code: IssuedCode = request.authorization_code
        algorithm = client.id_token_alg
        key = self._realm.keys.key(algorithm)
        profile = code.visit.person.profile(code.scope.split())
        claims = {
            **self.get_compatible_claims(request),
            **self.get_authorization_code_claims(code),
            "sid": code.visit.sid,
            "at_hash": create_half_hash(token["access_token"], _hash_name(algorithm)).decode(),
            **self._stand.tell(Stage.PROFILE, profile, self._realm, client),
        }
        draft = Draft({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key)
        told: Draft = self._stand.tell(Stage.ID_TOKEN, draft, self._realm, client)
        return told.compact()


def _hash_name(algorithm: str) -> str:
    """The algorithm whose hash makes at_hash; Ed25519 goes with SHA-512."""
    return "RS512" if algorithm == "EdDSA" else algorithm


def _authenticate_basic(query_client: Any, request: OAuth2Request) -> Client | None:
    """The client of HTTP Basic, where id and secret are form-encoded (RFC 6749 2.3.1).

    Authlib's own leaves a `+` as it stands, which is a blank in a form.
    """
    given = request._request.authorization  # noqa: SLF001 - Authlib keeps Flask's request there
    if given is None or given.type != "basic":
        return None
    client: Client | None = query_client(unquote_plus(given.username or ""))
    if client and client.check_client_secret(unquote_plus(given.password or "")):
        return client
    return None


class _ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib has no types
    """private_key_jwt (OpenID Connect Core 9)."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, stand: Stand, realm: Realm) -> None:
        super().__init__()
        self._stand = stand
        self._realm = realm

    def get_audiences(self) -> list[str]:
        """The issuer or the token endpoint."""
        issuer = self._stand.issuer(self._realm)
        return [issuer, f"{issuer}/token"]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        """Whether the assertion is new."""
        return self._realm.first_use(f"{claims['sub']} {jti}")

    def resolve_client_public_key(self, client: Client) -> KeySet:
        """The client's public keys, registered or fetched from where it publishes them."""
        known: Any = client.jwks or fetch_json(client.jwks_uri)
        return KeySet.import_key_set(known)

    def process_assertion_claims(self, assertion: str, key: KeySet) -> Any:
        """The verified claims; unlike Authlib's own, with every algorithm of the stand."""
        try:
            token = jwt.decode(assertion, key, registry=Algorithms())
        except JoseError as error:
            raise InvalidClientError("The client assertion cannot be verified.") from error
        self.verify_claims(token.claims)
        return token.claims


def _end_session(realm: Realm) -> type[EndSessionEndpoint]:
    """RP-initiated logout of one issuer (OpenID Connect RP-Initiated Logout 1.0)."""

    class EndSession(EndSessionEndpoint):  # type: ignore[misc]  # Authlib has no types
        def get_server_jwks(self) -> KeySet:
            return realm.keys.every_key()

        def get_algorithms(self) -> list[str]:
            return list(ALGORITHMS)

        def _is_valid_post_logout_redirect_uri(self, client: Client, uri: str) -> bool:
            return client.check_post_logout_redirect_uri(uri)

        def end_session(self, end_session_request: EndSessionRequest) -> None:
            claims = end_session_request.id_token_claims or {}
            g.ended = realm.visits.pop(claims.get("sid", g.sid), None)

    return EndSession


def fetch_json(url: str) -> Any:
    """The JSON at an address of the client, past any proxy of the environment."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_FETCH_SECONDS) as answer:
        return json.load(answer)

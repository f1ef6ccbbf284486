"""The token endpoint: a code goes out once, and only a sound answer comes back as tokens."""

import re
from dataclasses import dataclass, field
from http import HTTPStatus

from authlib.integrations.requests_client import OAuth2Session
from requests import RequestException, Response
from requests.structures import CaseInsensitiveDict

from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Client
from portal.oidc.http import HEADERS, Lane, json_object

_SENDABLE = re.compile(r"[\x21-\x7e]+")  # RFC 6749, A.12: what may stand in a header
_KNOWN_ERRORS = frozenset(  # RFC 6749, 5.2: anything else is not repeated in a log
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. Nothing of it is verified yet, and its repr shows nothing.

    While a client's new secret has not worked yet: `by_old` says that the old one did it,
    `refused_new` that the new one was refused just before.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    by_old: bool = field(default=False, repr=False)
    refused_new: bool = field(default=False, repr=False)


class ClientRefused(SignInFailure):
    """The token endpoint does not take the client's proof of itself (RFC 6749, 5.2)."""


class CodeRefused(SignInFailure):
    """The token endpoint does not take the code: it is spent, old, or another client's."""


class TokenSession(OAuth2Session):  # type: ignore[misc] # Authlib is not typed
    """Authlib's client of the token endpoint, whose answers are read by our own rules."""

    def redeem(self, endpoint: str, *, code: str, code_verifier: str, redirect_uri: str) -> Tokens:
        """Give the tokens for a code. Raises SignInFailure."""
        try:
            answer: Response = self.fetch_token(
                endpoint,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
                allow_redirects=False,
            )
        except (RequestException, UnicodeError):
            raise _untrusted("the token request cannot be sent") from None
        return _read_tokens(answer)

    def parse_response_token(self, resp: Response) -> Response:
        """Give the answer as it is: Authlib would read `expires_in`, and be upset by its type."""
        return resp


def token_session(client: Client, lane: Lane) -> TokenSession:
    """Give a session for one exchange that can go nowhere but through the lane."""
    session = TokenSession(
        client.client_id, token_endpoint_auth_method=client.auth_method.value, trust_env=False
    )
    session.headers = CaseInsensitiveDict(HEADERS)
    for scheme in ("https://", "http://"):
        session.mount(scheme, lane)
    return session


def _read_tokens(answer: Response) -> Tokens:
    """OIDC Core 3.1.3.3; RFC 6749, 5.1 and 5.2."""
    if answer.status_code != HTTPStatus.OK:
        raise _refusal(answer)
    document = json_object(answer)
    if "error" in document:
        raise _untrusted("the token endpoint answered with an error")
    kind, id_token = document.get("token_type"), document.get("id_token")
    access_token = document.get("access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _untrusted("token_type is not Bearer")
    if not isinstance(id_token, str):
        raise _untrusted("there is no id_token")
    if not isinstance(access_token, str) or not _SENDABLE.fullmatch(access_token):
        raise _untrusted("access_token is not a sound text")
    return Tokens(id_token, access_token)


def _refusal(answer: Response) -> SignInFailure:
    error = _error(answer)
    detail = f"the token endpoint answered {answer.status_code} ({error})"
    if error == "invalid_client" or answer.status_code == HTTPStatus.UNAUTHORIZED:
        return ClientRefused(FailureCode.OIDC_FAILED, detail)
    if error == "invalid_grant":
        return CodeRefused(FailureCode.OIDC_FAILED, detail)
    return _untrusted(detail)


def _error(answer: Response) -> str:
    try:
        error = json_object(answer).get("error")
    except SignInFailure:
        return "no JSON"
    return error if isinstance(error, str) and error in _KNOWN_ERRORS else "another error"


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)

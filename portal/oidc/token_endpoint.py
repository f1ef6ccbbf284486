"""The token endpoint: a code goes out once, and only a sound answer comes back as tokens."""

import re
from dataclasses import field
from http import HTTPStatus

from authlib.oauth2 import ClientAuth

from portal.core.errors import FailureCode, SignInFailure
from portal.core.quoting import form
from portal.core.values import quick_value
from portal.oidc.http import Door, json_object
from portal.oidc.messages import Answer

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
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


@quick_value
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


@quick_value
class TokenEndpoint:
    """Where an issuer's codes are redeemed, and how a client proves itself there."""

    issuer: str
    url: str
    auth: ClientAuth = field(repr=False)

    def redeem(self, door: Door, *, code: str, code_verifier: str, redirect_uri: str) -> Tokens:
        """Give the tokens for a code (RFC 6749, 4.1.3; RFC 7636, 4.5). Raises SignInFailure."""
        try:
            asked = form(
                {
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": redirect_uri,
                    "code_verifier": code_verifier,
                }
            )
            url, headers, body = self.auth.prepare("POST", self.url, dict(_FORM), asked)
        except UnicodeError:
            raise _untrusted("the token request cannot be sent") from None
        client = self.auth.client_id
        answer = door.post(self.issuer, url, headers=headers, body=body, client=client)
        return _read_tokens(answer)


def _read_tokens(answer: Answer) -> Tokens:
    """OIDC Core 3.1.3.3; RFC 6749, 5.1 and 5.2."""
    if answer.status != HTTPStatus.OK:
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


def _refusal(answer: Answer) -> SignInFailure:
    error = _error(answer)
    detail = f"the token endpoint answered {answer.status} ({error})"
    if error == "invalid_client" or answer.status == HTTPStatus.UNAUTHORIZED:
        return ClientRefused(FailureCode.OIDC_FAILED, detail)
    if error == "invalid_grant":
        return CodeRefused(FailureCode.OIDC_FAILED, detail)
    return _untrusted(detail)


def _error(answer: Answer) -> str:
    try:
        error = json_object(answer).get("error")
    except SignInFailure:
        return "no JSON"
    return error if isinstance(error, str) and error in _KNOWN_ERRORS else "another error"


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)

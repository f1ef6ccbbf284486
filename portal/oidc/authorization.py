"""What the browser carries to the provider and back: pure text, no I/O."""

import hashlib
import secrets
from functools import lru_cache
from urllib.parse import quote, unquote_plus, urlencode

from portal.core.attempt import StateToken
from portal.core.base64url import base64url
from portal.core.errors import FailureCode, SignInFailure
from portal.core.quoting import quoted
from portal.core.registry import RESERVED_PARAMS, Client, Connection
from portal.oidc.metadata import Metadata


def new_nonce() -> str:
    """Make a nonce: 192 random bits that tie the ID token to this request (OIDC Core 15.5.2)."""
    return secrets.token_hex(24)


def new_code_verifier() -> str:
    """Make a code verifier of 256 random bits (RFC 7636, 4.1)."""
    return secrets.token_hex(32)


def code_challenge(code_verifier: str) -> str:
    """Give the S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64url(hashlib.sha256(code_verifier.encode("ascii")).digest())


def authorization_url(
    metadata: Metadata,
    client: Client,
    connection: Connection,
    *,
    state: StateToken,
    nonce: str,
    code_verifier: str,
    login_hint: str,
) -> str:
    """Give where the browser goes to sign in (RFC 6749, 4.1.1; OIDC Core 3.1.2.1; RFC 7636).

    `connection.authorize_params` add to the request and never change what is reserved. An empty
    hint is not sent.
    """
    constant = _constant_part(
        metadata.authorization_endpoint,
        client.client_id,
        client.redirect_uri,
        client.scopes,
        client.connection_param,
        connection.ssojet_connection,
        tuple(connection.authorize_params.items()),
    )
    hint = f"&login_hint={quoted(login_hint)}" if login_hint else ""
    return (
        f"{constant}&state={state}&nonce={nonce}"  # letters and digits, all of them
        f"&code_challenge={code_challenge(code_verifier)}{hint}"
    )


@lru_cache(maxsize=1024)
def _constant_part(
    endpoint: str,
    client_id: str,
    redirect_uri: str,
    scopes: tuple[str, ...],
    connection_param: str,
    ssojet_connection: str,
    extra: tuple[tuple[str, str], ...],
) -> str:
    """Give what is the same for every sign-in through a connection, once for all of them."""
    wanted = dict.fromkeys(("openid", *scopes))
    parameters = {name: value for name, value in extra if name not in RESERVED_PARAMS}
    parameters |= {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(wanted),
        "code_challenge_method": "S256",
    }
    if connection_param and ssojet_connection and connection_param not in RESERVED_PARAMS:
        parameters[connection_param] = ssojet_connection
    path, _, query = endpoint.partition("?")
    # The endpoint's own query stays (RFC 6749, 3.1), but no parameter may stand twice.
    ours = RESERVED_PARAMS | parameters.keys()
    kept = [part for part in query.split("&") if part and _name(part) not in ours]
    return f"{path}?{'&'.join([*kept, urlencode(parameters, quote_via=quote, safe='')])}"


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def requested_max_age(connection: Connection) -> int | None:
    """Give the `max_age` that the connection asks for, which the ID token then has to prove."""
    value = connection.authorize_params.get("max_age", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def check_response_issuer(metadata: Metadata, iss: str | None) -> None:
    """Refuse an authorization response that another issuer sent (RFC 9207, 2.4).

    A missing `iss` is refused where the metadata promises one. Raises SignInFailure (oidc_failed).
    """
    if iss is None and metadata.promises_iss:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the response lacks the promised iss")
    if iss is not None and iss != metadata.issuer:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the response is of another issuer")


def end_session_url(
    metadata: Metadata,
    client: Client,
    *,
    id_token: str,
    post_logout_redirect_uri: str,
    state: str | None = None,
) -> str | None:
    """Give where the browser goes to sign out at the provider too (RP-Initiated Logout 2).

    None where the provider has no such place.
    """
    endpoint = metadata.end_session_endpoint
    if endpoint is None:
        return None
    parameters = {
        "id_token_hint": id_token,
        "client_id": client.client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
    }
    if state is not None:
        parameters["state"] = state
    path, _, query = endpoint.partition("?")
    kept = [part for part in query.split("&") if part and _name(part) not in parameters]
    return f"{path}?{'&'.join([*kept, urlencode(parameters, quote_via=quote, safe='')])}"

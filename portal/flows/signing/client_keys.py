"""The public keys of our clients, as providers fetch them to check private_key_jwt."""

from collections.abc import Iterable, Iterator

from portal.core.errors import SignInFailure
from portal.core.registry import Client
from portal.observe import log
from portal.services import Services


def public_keys(services: Services) -> list[dict[str, str]]:
    """Give the public half of each client's private key, each key once (RFC 7517, 5).

    A key that cannot be opened or read is left out and logged: the others still count.
    """
    found: dict[str, dict[str, str]] = {}
    for client in _with_old_keys(services.registry.signing_clients()):
        try:
            jwk = services.relying_party.public_jwk(client)
        except SignInFailure as error:
            cause = error.detail
            log.error("client_key.unusable", tenant=client.tenant, client=client.key, cause=cause)
            continue
        found[jwk["kid"]] = jwk
    return list(found.values())


def _with_old_keys(clients: Iterable[Client]) -> Iterator[Client]:
    """Give each client, and as it was where a new key has not worked yet: both may be asked for."""
    for client in clients:
        yield client
        if client.as_before:
            yield client.as_before

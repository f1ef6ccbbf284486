"""The public keys of our clients, as providers fetch them to check private_key_jwt."""

from portal.crypto import UnreadableSecretError
from portal.observe import log
from portal.oidc.client_auth import KeyUnusableError, public_jwk
from portal.services import Services


def public_keys(services: Services) -> list[dict[str, str]]:
    """Give the public half of each client's private key, each key once (RFC 7517, 5).

    A key that cannot be opened or read is left out and logged: the others still count.
    """
    found: dict[str, dict[str, str]] = {}
    for client in services.registry.signing_clients():
        if client.private_key is None:
            continue
        try:
            jwk = public_jwk(services.vault.open(client.private_key))
        except (UnreadableSecretError, KeyUnusableError) as error:
            log.error(
                "client_key.unusable", tenant=client.tenant, client=client.key, cause=str(error)
            )
            continue
        found[jwk["kid"]] = jwk
    return list(found.values())

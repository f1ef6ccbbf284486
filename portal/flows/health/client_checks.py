"""Looks at every client: does its secret open, and what is to be registered at its provider."""

from collections.abc import Iterable

from portal.core.errors import SignInFailure
from portal.core.finding import Finding, advice, failure, fine
from portal.core.registry import AuthMethod, Client
from portal.crypto import UnreadableSecretError
from portal.flows.health.issuer_checks import Inspection
from portal.oidc.metadata import Metadata
from portal.services import Services
from portal.store import registry_facts

_LOST = (
    "put the key that it was sealed with back into PORTAL_ENCRYPTION_KEYS, or give the client "
    "its secret anew"
)

_DROP = "drop the old secret on the application's page, or put its key back"


def secret_problem(services: Services, client: Client) -> str:
    """Say why a client cannot prove itself; nothing where it can."""
    try:
        match client.auth_method:
            case AuthMethod.NONE:
                pass
            case AuthMethod.PRIVATE_KEY_JWT:
                services.relying_party.public_jwk(client)
            case AuthMethod.BASIC | AuthMethod.POST:
                if client.secret is None:
                    return "the client has no secret or key"
                services.vault.open(client.secret)
    except UnreadableSecretError:
        return "the client's secret cannot be opened with our keys"
    except SignInFailure as error:
        return error.detail
    return ""


def clients_with_problems(services: Services) -> list[tuple[Client, str]]:
    """Give the clients of the registry that cannot prove themselves, and why."""
    with services.database.read() as connection:
        issuers = registry_facts.issuers(connection)
    found = ((c, secret_problem(services, c)) for c in clients_of(services, issuers))
    return [(client, problem) for client, problem in found if problem]


def clients_of(services: Services, issuers: Iterable[str]) -> list[Client]:
    """Give every client at these issuers, the default one too."""
    return [client for issuer in issuers for client in services.registry.clients_at(issuer)]


def judge_client(services: Services, client: Client, seen: Inspection, *, in_use: bool) -> Finding:
    """Say how a client is, and what its provider must know of it."""
    name = f"client {client.tenant}/{client.key}" if client.tenant else "client default"
    problem = secret_problem(services, client)
    if problem:
        return (failure if in_use else advice)(name, problem, _LOST)
    detail = (
        f"{client.client_id} at {client.issuer}; register {_to_register(services, client, seen)}"
    )
    if client.as_before and secret_problem(services, client.as_before):
        return advice(name, f"{detail}; its old secret cannot be opened", _DROP)
    if seen.metadata is not None and not _understands(seen.metadata, client):
        mend = f"have it take {client.auth_method}, or give the client another auth_method"
        return advice(name, f"{detail}; the provider does not offer {client.auth_method}", mend)
    return fine(name, detail)


def _to_register(services: Services, client: Client, seen: Inspection) -> str:
    base = services.settings.base_url
    urls = [f"{client.redirect_uri} (sign-in)"]
    if seen.metadata is None:
        return urls[0]
    if seen.metadata.end_session_endpoint is not None:
        urls.append(f"{base}/auth/logged-out (sign-out)")
    if seen.metadata.backchannel_logout:
        urls.append(f"{base}/auth/backchannel-logout (back channel)")
    if seen.metadata.frontchannel_logout:
        urls.append(f"{base}/auth/frontchannel-logout (front channel)")
    return ", ".join(urls)


def _understands(metadata: Metadata, client: Client) -> bool:
    """Whether the provider says it takes the client's method; silence means basic (Discovery 3)."""
    if client.auth_method is AuthMethod.NONE:
        return True
    return client.auth_method.value in (metadata.auth_methods or (AuthMethod.BASIC.value,))

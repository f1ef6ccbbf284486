"""Looks at the registry for what keeps people out, and for what an operator should know."""

from collections.abc import Iterator, Sequence

from portal.core.counting import counted
from portal.core.finding import Finding, advice, failure, fine
from portal.core.registry import Client
from portal.flows.health.client_checks import clients_of, judge_client
from portal.flows.health.issuer_checks import Progress, inspect_all, judge_issuer
from portal.services import Services
from portal.store import registry_facts, shared_clients
from portal.store.registry_facts import LostProof, Some
from portal.store.shared_clients import Way, unbound


def check_registry(services: Services, *, progress: Progress) -> Iterator[Finding]:
    """Give the findings on tenants, domains, people, secrets, issuers and clients."""
    with services.database.read() as connection:
        tenants, domains = registry_facts.counts(connection)
        has_operator = registry_facts.has_operator(connection)
        no_admin = registry_facts.tenants_without_admin(connection)
        no_glass = registry_facts.required_without_break_glass(connection)
        lost = registry_facts.lost_proofs(connection)
        literal = registry_facts.literal_secrets(connection)
        in_use = registry_facts.clients_in_use(connection)
        issuers = registry_facts.issuers(connection)
        ways = list(shared_clients.ways(connection))
    yield fine("registry", f"{counted(tenants, 'tenant')}, {counted(domains, 'domain')}")
    yield _people(has_operator, no_admin)
    yield _break_glass(no_glass)
    yield _proofs(lost)
    yield _literals(literal)
    yield _default_client(services, in_use)
    yield _shared_clients(services, ways)
    yield from check_issuers(services, issuers, in_use=in_use, progress=progress)


def check_issuers(
    services: Services,
    issuers: Sequence[str],
    *,
    in_use: set[tuple[str, str | None]],
    progress: Progress,
) -> Iterator[Finding]:
    """Give a finding for each issuer and each client of the registry, and the default client's."""
    default = services.registry.default_client
    everywhere = sorted({*issuers, *([default.issuer] if default else [])})
    registered = clients_of(services, issuers)
    clients = registered + ([default] if default and default not in registered else [])

    def is_used(client: Client) -> bool:
        if client.tenant is None:
            return any(key is None for _, key in in_use)
        return (client.tenant, client.key) in in_use

    for seen in inspect_all(services, everywhere, progress=progress):
        at_it = [client for client in clients if client.issuer == seen.issuer]
        yield judge_issuer(services, seen, in_use=any(is_used(client) for client in at_it))
        for client in at_it:
            yield judge_client(services, client, seen, in_use=is_used(client))


def _people(has_operator: bool, no_admin: Some) -> Finding:  # noqa: FBT001 - a fact, no switch
    if not has_operator:
        mend = "name one in a seeds folder's operators file, and apply it"
        return advice("people", "there is no operator: nobody sees all tenants", mend)
    if no_admin.total:
        mend = "give somebody there the role admin, or map a group to it"
        return advice("people", f"tenants without an admin: {no_admin}", mend)
    return fine("people", "every tenant has an admin, and there is an operator")


def _break_glass(lacking: Some) -> Finding:
    if lacking.total:
        mend = "give one user there `sso_exempt: true` and a password"
        detail = f"tenants that require SSO without a break-glass user: {lacking}"
        return advice("break-glass", detail, mend)
    return fine("break-glass", "every tenant that requires SSO has a way in when SSO is down")


def _proofs(lost: Sequence[LostProof]) -> Finding:
    if not lost:
        return fine("domain proofs", "no proven domain has lost its DNS record")
    first = ", ".join(f"{p.domain} ({p.tenant}) since {p.since:%Y-%m-%d}" for p in lost[:5])
    more = f" and {len(lost) - 5:,} more" if len(lost) > 5 else ""
    mend = "have the record published again, or take the domain from the tenant"
    return advice("domain proofs", f"DNS records are gone: {first}{more}", mend)


def _literals(literal: Some) -> Finding:
    if literal.total:
        mend = "write `env:NAME` or `file:PATH` in the seed file, and change the secret"
        return advice("secrets", f"secrets that stand in seed files themselves: {literal}", mend)
    return fine("secrets", "no client's secret stands in a seed file")


def _default_client(services: Services, in_use: set[tuple[str, str | None]]) -> Finding:
    default = services.registry.default_client
    lacking = sorted(tenant for tenant, key in in_use if key is None)
    if lacking and default is None:
        return failure(
            "default client",
            f"connections name no client, and there is no default one: {_few(lacking)}",
            "set SSOJET_ISSUER_URL, SSOJET_CLIENT_ID and SSOJET_CLIENT_SECRET",
        )
    if default is None:
        return fine("default client", "not set, and no connection needs it")
    used_by = counted(len(lacking), "tenant")
    return fine("default client", f"{default.client_id}, used by {used_by}")


def _shared_clients(services: Services, ways: Sequence[Way]) -> Finding:
    default = services.registry.default_client
    pair = (default.issuer, default.client_id) if default else None
    loose = [str(way) for way in unbound(ways, default=pair)]
    if loose:
        detail = f"share a client with another tenant and require no claim: {_few(loose)}"
        mend = "give each `require_claims` (such as tenant_id), or each tenant a client of its own"
        return advice("shared clients", detail, mend)
    return fine("shared clients", "no two tenants share a client without a claim to tell them by")


def _few(names: Sequence[str]) -> str:
    return str(Some(len(names), tuple(names[:5])))

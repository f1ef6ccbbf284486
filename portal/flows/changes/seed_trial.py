"""What an address would do had a seeds folder been applied to the registry as it is."""

from collections.abc import Iterable
from dataclasses import replace

from portal.core.address import Address, Domain
from portal.core.registry import Account, DomainRule, Policy, Tenant
from portal.core.routing import Asked, Verdict, decide, resolve
from portal.flows.changes.seed_rules import account_for, rules_for
from portal.seeding.desired import Desired
from portal.services import Services
from portal.store import accounts


def judge_as_if_applied(
    services: Services, desired: Desired, address: Address, *, asked: Asked, has_registry: bool
) -> tuple[Verdict, Account | None]:
    """Decide for an address as if the files had been applied, without pruning.

    What the registry has and the files lack stays as it is. Without a registry that can be read
    the files answer alone.
    """
    rules = rules_for(
        desired,
        address.domain,
        default_client=services.registry.default_client,
        base_url=services.settings.base_url,
    )
    account = account_for(desired, address)
    if has_registry:
        rules += _of_known_tenants(services, desired, address.domain, rules)
        written = {(rule.tenant.slug, rule.domain) for rule in rules}
        rules += (
            rule
            for rule in services.registry.candidates(address.domain)
            if (rule.tenant.slug, rule.domain) not in written
        )
        if account is None:
            with services.database.read() as connection:
                account = accounts.by_address(connection, address)
    rules, account = _as_one_registry(desired, rules, account)
    verdict = decide(resolve(rules, address.domain), address, asked=asked, account=account)
    return verdict, account


def _of_known_tenants(
    services: Services, desired: Desired, domain: Domain, made: Iterable[DomainRule]
) -> list[DomainRule]:
    """Give the rules of CSV lines whose tenant the registry alone describes."""
    done = {rule.domain.name for rule in made}
    rules = []
    for entry in desired.domains.named(domain.lookup_names()):
        bundle = services.registry.tenant(entry.tenant) if entry.name not in done else None
        if bundle is None:
            continue
        found = (bundle.connection(key) for key in entry.connections)
        rules.append(
            DomainRule(
                id=0,
                domain=Domain(entry.name),
                tenant=bundle.tenant,
                connections=tuple(connection for connection in found if connection),
                policy=Policy(entry.policy),
                subdomains=entry.subdomains,
                verified=entry.verified,
                rollout=entry.rollout,
            )
        )
    return rules


def _as_one_registry(
    desired: Desired, rules: Iterable[DomainRule], account: Account | None
) -> tuple[list[DomainRule], Account | None]:
    """Make tenants of files and registry the same by their slug, in the files' state."""
    numbers: dict[str, int] = {}
    states = {tenant.slug: tenant.status != "active" for tenant in desired.tenants}

    def one(tenant: Tenant) -> Tenant:
        number = numbers.setdefault(tenant.slug, len(numbers) + 1)
        suspended = states.get(tenant.slug, tenant.suspended)
        return replace(tenant, id=number, suspended=suspended)

    if account is not None and account.tenant is not None:
        account = replace(account, tenant=one(account.tenant))
    return [replace(rule, tenant=one(rule.tenant)) for rule in rules], account

"""Why an address signs in the way it does, as things are, and as they would be."""

from dataclasses import dataclass, replace

from portal.core.address import Address, Domain
from portal.core.registry import DomainRule, Policy
from portal.core.routing import Asked, Verdict, decide, resolve
from portal.services import Services
from portal.store import accounts
from portal.store.registry import Bundle


@dataclass(frozen=True, slots=True)
class Supposed:
    """A domain of a tenant as somebody thinks of having it; None leaves a setting as it is."""

    tenant: Bundle
    domain: Domain
    policy: Policy | None = None
    connections: tuple[str, ...] | None = None
    rollout: int | None = None
    subdomains: bool | None = None
    verified: bool | None = None


def explain(
    services: Services, address: Address, *, asked: Asked, supposed: Supposed | None = None
) -> Verdict:
    """Decide for an address, with the trace; with `supposed` as if that were saved."""
    candidates = services.registry.candidates(address.domain)
    if supposed is not None:
        candidates = _as_if(candidates, supposed)
    route = resolve(candidates, address.domain)
    with services.database.read() as connection:
        account = accounts.by_address(connection, address)
    return decide(route, address, asked=asked, account=account)


def is_of(verdict: Verdict, tenant_id: int) -> bool:
    """Whether the trace is about this tenant, or about nobody."""
    rule = verdict.route.rule
    return rule is None or rule.tenant.id == tenant_id


def _as_if(candidates: list[DomainRule], supposed: Supposed) -> list[DomainRule]:
    tenant = supposed.tenant.tenant
    mine = [r for r in candidates if r.tenant.id == tenant.id and r.domain == supposed.domain]
    others = [rule for rule in candidates if rule not in mine]
    rule = mine[0] if mine else DomainRule(0, supposed.domain, tenant, policy=Policy.PASSWORD)
    return [*others, _changed(rule, supposed)]


def _changed(rule: DomainRule, supposed: Supposed) -> DomainRule:
    connections = rule.connections
    if supposed.connections is not None:
        found = (supposed.tenant.connection(key) for key in supposed.connections)
        connections = tuple(connection for connection in found if connection)
    return replace(
        rule,
        connections=connections,
        policy=rule.policy if supposed.policy is None else supposed.policy,
        rollout=rule.rollout if supposed.rollout is None else supposed.rollout,
        subdomains=rule.subdomains if supposed.subdomains is None else supposed.subdomains,
        verified=rule.verified if supposed.verified is None else supposed.verified,
    )

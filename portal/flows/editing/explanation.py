"""Why an address signs in the way it does, as things are, and as they would be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from portal.core.address import Address, Domain
from portal.core.registry import Account, Connection, DomainRule, Policy
from portal.core.routing import Asked, AskPassword, Refused, Verdict, decide, resolve
from portal.services import Services
from portal.store import accounts
from portal.store.registry import Bundle


@dataclass(frozen=True, slots=True)
class SupposedWay:
    """A domain as somebody thinks of having it; None leaves a setting as it is."""

    policy: Policy | None = None
    connections: tuple[str, ...] | None = None
    rollout: int | None = None
    subdomains: bool | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A tenant as somebody thinks of having it: what is named here is otherwise.

    `exempt` and `disabled` are about the very person who is asked about.
    """

    tenant: Bundle
    domains: Mapping[Domain, SupposedWay] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    suspended: bool | None = None
    exempt: bool | None = None
    disabled: bool | None = None

    def way(self, slug: str) -> Connection | None:
        """Give a connection as it would be."""
        return self.connections.get(slug) or self.tenant.connection(slug)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an address signs in, and the account that it is, where there is one."""

    verdict: Verdict
    account: Account | None

    @property
    def is_shut_out(self) -> bool:
        """Whether no way in ends with a session, whatever the route says."""
        rule = self.verdict.route.rule
        if self.account is not None and self.account.disabled:
            return True
        tenant = self.account.tenant if self.account else rule.tenant if rule else None
        return tenant is not None and tenant.suspended

    def is_of(self, tenant_id: int) -> bool:
        """Whether it is about this tenant, or about nobody."""
        rule = self.verdict.route.rule
        return rule is None or rule.tenant.id == tenant_id


def explain(
    services: Services,
    address: Address,
    *,
    asked: Asked,
    supposed: Sequence[Supposed] = (),
    within: int | None = None,
) -> Explanation:
    """Decide for an address, with the trace; with `supposed` as if that were saved.

    `within` is the tenant whose admin asks: an account of another one, or of an operator, is not
    known to them, and nothing here tells that it is there.

    Where nothing was typed yet and any password would be refused, that is the answer.
    """
    candidates = services.registry.candidates(address.domain)
    with services.database.read() as connection:
        account = accounts.by_address(connection, address)
    if account is not None and within is not None and not _is_of(account, within):
        account = None
    for one in supposed:
        candidates = _as_if(candidates, one)
        account = _account_as_if(account, one)
    route = resolve(candidates, address.domain)
    verdict = decide(route, address, asked=asked, account=account)
    if isinstance(verdict.decision, AskPassword):
        typed = decide(route, address, asked=Asked(password_typed=True), account=account)
        if isinstance(typed.decision, Refused):
            verdict = typed  # the password is asked for, and no password would do
    return Explanation(verdict, account)


def _is_of(account: Account, tenant_id: int) -> bool:
    return account.tenant is not None and account.tenant.id == tenant_id


def _as_if(candidates: list[DomainRule], supposed: Supposed) -> list[DomainRule]:
    tenant = supposed.tenant.tenant
    mine = {rule.domain: rule for rule in candidates if rule.tenant.id == tenant.id}
    others = [rule for rule in candidates if rule.tenant.id != tenant.id]
    for domain, way in supposed.domains.items():
        rule = mine.get(domain) or DomainRule(0, domain, tenant, policy=Policy.PASSWORD)
        mine[domain] = _led(rule, way, supposed)
    return [*others, *(_changed(rule, supposed) for rule in mine.values())]


def _led(rule: DomainRule, way: SupposedWay, supposed: Supposed) -> DomainRule:
    connections = rule.connections
    if way.connections is not None:
        found = (supposed.way(key) for key in way.connections)
        connections = tuple(connection for connection in found if connection)
    return replace(
        rule,
        connections=connections,
        policy=rule.policy if way.policy is None else way.policy,
        rollout=rule.rollout if way.rollout is None else way.rollout,
        subdomains=rule.subdomains if way.subdomains is None else way.subdomains,
        verified=rule.verified if way.verified is None else way.verified,
    )


def _changed(rule: DomainRule, supposed: Supposed) -> DomainRule:
    connections = tuple(supposed.connections.get(c.slug, c) for c in rule.connections)
    suspended = rule.tenant.suspended if supposed.suspended is None else supposed.suspended
    tenant = replace(rule.tenant, suspended=suspended)
    return replace(rule, connections=connections, tenant=tenant)


def _account_as_if(account: Account | None, supposed: Supposed) -> Account | None:
    tenant = account.tenant if account else None
    if account is None or tenant is None or tenant.id != supposed.tenant.tenant.id:
        return account
    suspended = tenant.suspended if supposed.suspended is None else supposed.suspended
    return replace(
        account,
        tenant=replace(tenant, suspended=suspended),
        sso_exempt=account.sso_exempt if supposed.exempt is None else supposed.exempt,
        disabled=account.disabled if supposed.disabled is None else supposed.disabled,
    )

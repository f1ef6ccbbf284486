"""Seed files as routing reads a registry: what an address would do if they had been applied."""

from portal.core.address import Address, Domain
from portal.core.entries import ClientEntry, ConnectionEntry, TenantEntry, UserEntry
from portal.core.registry import (
    Account,
    AuthMethod,
    Client,
    Connection,
    DomainRule,
    EmailVerified,
    NewUsers,
    Policy,
    Role,
    Tenant,
)
from portal.seeding.desired import Desired


def rules_for(
    desired: Desired, domain: Domain, *, default_client: Client | None, base_url: str = ""
) -> list[DomainRule]:
    """Give the entries of the files for a domain or one of its parents.

    The ids are made up: they are good for routing, for nothing else. A domain of a tenant that no
    file describes is left out: what it leads to is in a registry alone.
    """
    tenants = {entry.slug: (number, entry) for number, entry in enumerate(desired.tenants, 1)}
    rules: list[DomainRule] = []
    for number, entry in enumerate(desired.domains.named(domain.lookup_names()), start=1):
        if entry.tenant not in tenants:
            continue
        tenant_number, tenant = tenants[entry.tenant]
        connections = _connections(tenant, default_client, base_url)
        rules.append(
            DomainRule(
                id=number,
                domain=Domain(entry.name),
                tenant=_tenant(tenant, tenant_number),
                connections=tuple(connections[key] for key in entry.connections),
                policy=Policy(entry.policy),
                subdomains=entry.subdomains,
                verified=entry.verified,
                rollout=entry.rollout,
            )
        )
    return rules


def account_for(desired: Desired, address: Address) -> Account | None:
    """Give the account that the files make of an address, None where they name none."""
    for number, tenant in enumerate(desired.tenants, start=1):
        for user in tenant.users:
            if user.key == address.key:
                return _account(user, _tenant(tenant, number))
    for user in desired.operators or ():
        if user.key == address.key:
            return _account(user, None)
    return None


def _account(user: UserEntry, tenant: Tenant | None) -> Account:
    return Account(
        id=1,
        email=user.email,
        name=user.name or user.email.partition("@")[0],
        role=Role(user.role),
        tenant=tenant,
        sso_exempt=user.sso_exempt,
    )


def _tenant(entry: TenantEntry, number: int) -> Tenant:
    return Tenant(
        id=number,
        slug=entry.slug,
        name=entry.name,
        suspended=entry.status != "active",
        idle_minutes=entry.idle_minutes,
        absolute_hours=entry.absolute_hours,
    )


def _connections(
    tenant: TenantEntry, default_client: Client | None, base_url: str
) -> dict[str, Connection]:
    clients = {entry.key: _client(entry, tenant.slug, base_url) for entry in tenant.clients}
    return {
        entry.key: _connection(
            entry, number, clients[entry.client] if entry.client else default_client
        )
        for number, entry in enumerate(tenant.connections, start=1)
    }


def _client(entry: ClientEntry, tenant: str, base_url: str) -> Client:
    return Client(
        key=entry.key,
        tenant=tenant,
        issuer=entry.issuer,
        client_id=entry.client_id,
        redirect_uri=f"{base_url}/auth/callback/{tenant}",
        auth_method=AuthMethod(entry.auth_method),
        scopes=entry.scopes,
        connection_param=entry.connection_param,
    )


def _connection(entry: ConnectionEntry, number: int, client: Client | None) -> Connection:
    return Connection(
        id=number,
        slug=entry.key,
        name=entry.name,
        client=client,
        ssojet_connection=entry.ssojet_connection,
        authorize_params=entry.authorize_params,
        enabled=entry.enabled,
        email_verified=EmailVerified(entry.email_verified),
        new_users=NewUsers(entry.new_users),
        require_claims=entry.require_claims,
        role_claim=entry.role_claim,
        roles={group: Role(role) for group, role in entry.roles.items()},
    )

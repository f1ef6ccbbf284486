"""One tenant's objects as items that can be compared, each read by itself.

`portal.store.catalog` reads the registry whole, for seed files; a form is about one object.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.core.changes import Item, Kind, Value
from portal.store.items import client_of, connection_of, taken, tenant_of, user_of
from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAIN_CONNECTIONS,
    DOMAINS,
    TENANTS,
    USERS,
)


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A tenant by its slug and its number in the tables."""

    id: int
    slug: str


def lock_tenant(connection: Connection, slug: str) -> TenantRef | None:
    """Give the tenant and keep other writers of it waiting until this transaction ends."""
    query = select(TENANTS.c.id).where(TENANTS.c.slug == slug).with_for_update()
    found = connection.execute(query).scalar()
    return TenantRef(found, slug) if found is not None else None


def read_item(connection: Connection, tenant: TenantRef, kind: Kind, key: str) -> Item | None:
    """Give one object of a tenant as it is now; people by the key of their address."""
    match kind:
        case Kind.TENANT:
            return tenant_item(connection, tenant)
        case Kind.CLIENT:
            return _named(client_items(connection, tenant), key)
        case Kind.CONNECTION:
            return _named(connection_items(connection, tenant), key)
        case Kind.DOMAIN:
            return domain_item(connection, tenant, key)
        case Kind.USER:
            return user_item(connection, tenant, key)
        case Kind.OPERATOR:
            return None


def tenant_item(connection: Connection, tenant: TenantRef) -> Item | None:
    """Give a tenant's own settings."""
    row = connection.execute(select(TENANTS).where(TENANTS.c.id == tenant.id)).first()
    return tenant_of(row) if row is not None else None


def client_items(connection: Connection, tenant: TenantRef) -> list[Item]:
    """Give a tenant's clients, the oldest first."""
    query = select(CLIENTS).where(CLIENTS.c.tenant_id == tenant.id).order_by(CLIENTS.c.id)
    return [client_of(row, tenant.slug) for row in connection.execute(query)]


def connection_items(connection: Connection, tenant: TenantRef) -> list[Item]:
    """Give a tenant's connections, the oldest first."""
    query = (
        select(CONNECTIONS, CLIENTS.c.key.label("client"))
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(CONNECTIONS.c.tenant_id == tenant.id)
        .order_by(CONNECTIONS.c.id)
    )
    return [connection_of(row, tenant.slug, client=row.client) for row in connection.execute(query)]


def domain_item(connection: Connection, tenant: TenantRef, name: str) -> Item | None:
    """Give one of a tenant's domains."""
    query = select(DOMAINS).where(DOMAINS.c.tenant_id == tenant.id, DOMAINS.c.name == name)
    row = connection.execute(query).first()
    if row is None:
        return None
    keys = (
        select(CONNECTIONS.c.key)
        .join(DOMAIN_CONNECTIONS, DOMAIN_CONNECTIONS.c.connection_id == CONNECTIONS.c.id)
        .where(DOMAIN_CONNECTIONS.c.domain_id == row.id)
        .order_by(DOMAIN_CONNECTIONS.c.position)
    )
    fields: dict[str, Value] = {
        "policy": row.policy,
        "connections": tuple(connection.execute(keys).scalars()),
        **taken(row, ("subdomains", "verified", "rollout")),
    }
    return Item(Kind.DOMAIN, tenant.slug, row.name, fields, row.origin)


def user_item(connection: Connection, tenant: TenantRef, key: str) -> Item | None:
    """Give one of a tenant's people."""
    query = select(USERS).where(USERS.c.tenant_id == tenant.id, USERS.c.email_key == key)
    row = connection.execute(query).first()
    return user_of(row, tenant.slug) if row is not None else None


def domains_of_connection(
    connection: Connection, tenant: TenantRef, key: str, *, policy: str = ""
) -> list[str]:
    """Give the names of up to six domains that lead to a connection, of one policy or of any."""
    query = (
        select(DOMAINS.c.name)
        .join(DOMAIN_CONNECTIONS, DOMAIN_CONNECTIONS.c.domain_id == DOMAINS.c.id)
        .join(CONNECTIONS, CONNECTIONS.c.id == DOMAIN_CONNECTIONS.c.connection_id)
        .where(CONNECTIONS.c.tenant_id == tenant.id, CONNECTIONS.c.key == key)
        .order_by(DOMAINS.c.name)
        .limit(6)
    )
    if policy:
        query = query.where(DOMAINS.c.policy == policy)
    return list(connection.execute(query).scalars())


def _named(items: Iterable[Item], key: str) -> Item | None:
    return next((item for item in items if item.key == key), None)

"""One tenant's objects as items that can be compared, each read by itself.

`portal.store.catalog` reads the registry whole, for seed files; a form is about one object.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.core.changes import Item, Kind, Value
from portal.store.items import client_of, connection_of, taken, tenant_of, user_of
from portal.store.tables import (
    ClientRow,
    ConnectionRow,
    DomainConnectionRow,
    DomainRow,
    TenantRow,
    UserRow,
)


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A tenant by its slug and its number in the tables."""

    id: int
    slug: str


def lock_tenant(connection: Connection, slug: str) -> TenantRef | None:
    """Give the tenant and keep other writers of it waiting until this transaction ends."""
    query = select(TenantRow.id).where(TenantRow.slug == slug).with_for_update()
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
    row = connection.execute(select(TenantRow).where(TenantRow.id == tenant.id)).first()
    return tenant_of(row) if row is not None else None


def client_items(connection: Connection, tenant: TenantRef) -> list[Item]:
    """Give a tenant's clients, the oldest first."""
    query = select(ClientRow).where(ClientRow.tenant_id == tenant.id).order_by(ClientRow.id)
    return [client_of(row, tenant.slug) for row in connection.execute(query)]


def connection_items(connection: Connection, tenant: TenantRef) -> list[Item]:
    """Give a tenant's connections, the oldest first."""
    query = (
        select(ConnectionRow, ClientRow.key.label("client"))
        .outerjoin(ClientRow, ClientRow.id == ConnectionRow.client_id)
        .where(ConnectionRow.tenant_id == tenant.id)
        .order_by(ConnectionRow.id)
    )
    return [connection_of(row, tenant.slug, client=row.client) for row in connection.execute(query)]


def domain_item(connection: Connection, tenant: TenantRef, name: str) -> Item | None:
    """Give one of a tenant's domains."""
    query = select(DomainRow).where(DomainRow.tenant_id == tenant.id, DomainRow.name == name)
    row = connection.execute(query).first()
    if row is None:
        return None
    keys = (
        select(ConnectionRow.key)
        .join(DomainConnectionRow, DomainConnectionRow.connection_id == ConnectionRow.id)
        .where(DomainConnectionRow.domain_id == row.id)
        .order_by(DomainConnectionRow.position)
    )
    fields: dict[str, Value] = {
        "policy": row.policy,
        "connections": tuple(connection.execute(keys).scalars()),
        **taken(row, ("subdomains", "verified", "rollout")),
    }
    return Item(Kind.DOMAIN, tenant.slug, row.name, fields, row.origin)


def user_item(connection: Connection, tenant: TenantRef, key: str) -> Item | None:
    """Give one of a tenant's people."""
    query = select(UserRow).where(UserRow.tenant_id == tenant.id, UserRow.email_key == key)
    row = connection.execute(query).first()
    return user_of(row, tenant.slug) if row is not None else None


def domains_of_connection(
    connection: Connection, tenant: TenantRef, key: str, *, policy: str = ""
) -> list[str]:
    """Give the names of up to six domains that lead to a connection, of one policy or of any."""
    query = (
        select(DomainRow.name)
        .join(DomainConnectionRow, DomainConnectionRow.domain_id == DomainRow.id)
        .join(ConnectionRow, ConnectionRow.id == DomainConnectionRow.connection_id)
        .where(ConnectionRow.tenant_id == tenant.id, ConnectionRow.key == key)
        .order_by(DomainRow.name)
        .limit(6)
    )
    if policy:
        query = query.where(DomainRow.policy == policy)
    return list(connection.execute(query).scalars())


def _named(items: Iterable[Item], key: str) -> Item | None:
    return next((item for item in items if item.key == key), None)

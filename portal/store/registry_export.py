"""The registry as it is written back to files: streamed, since it may hold a million domains."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Connection, func, select

from portal.core.changes import Item, Kind
from portal.store.items import user_of
from portal.store.tables import ConnectionRow, DomainConnectionRow, DomainRow, TenantRow, UserRow

_STREAMED = 10_000


def tenant_domains(connection: Connection, slug: str) -> Iterator[Item]:
    """Give the domains of a tenant by name, each with the keys of its connections."""
    query = (
        select(DomainRow, ConnectionRow.key)
        .join(TenantRow, TenantRow.id == DomainRow.tenant_id)
        .outerjoin(DomainConnectionRow, DomainConnectionRow.domain_id == DomainRow.id)
        .outerjoin(ConnectionRow, ConnectionRow.id == DomainConnectionRow.connection_id)
        .where(TenantRow.slug == slug)
        .order_by(DomainRow.name, DomainConnectionRow.position)
    )
    rows = connection.execute(query, execution_options={"yield_per": _STREAMED})
    for _, some in groupby(rows, key=lambda row: row.id):
        entries = list(some)
        fields = {
            "policy": entries[0].policy,
            "connections": tuple(row.key for row in entries if row.key is not None),
            "subdomains": entries[0].subdomains,
            "verified": entries[0].verified,
            "rollout": entries[0].rollout,
        }
        yield Item(Kind.DOMAIN, slug, entries[0].name, fields, entries[0].origin)


def domain_counts(connection: Connection) -> dict[str, int]:
    """Give how many domains each tenant has."""
    query = (
        select(TenantRow.slug, func.count())
        .join(DomainRow, DomainRow.tenant_id == TenantRow.id)
        .group_by(TenantRow.slug)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def enabled_people(connection: Connection, slug: str | None) -> Iterator[Item]:
    """Give the enabled people of a tenant by address, or the operators."""
    query = select(UserRow).where(~UserRow.disabled).order_by(UserRow.email_key)
    if slug is None:
        query = query.where(UserRow.role == "operator")
    else:
        query = query.join(TenantRow, TenantRow.id == UserRow.tenant_id)
        query = query.where(TenantRow.slug == slug)
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield user_of(row, slug or "")


def disabled_count(connection: Connection) -> int:
    """Give how many accounts are disabled: a file has no way to say so."""
    query = select(func.count()).select_from(UserRow).where(UserRow.disabled)
    return int(connection.execute(query).scalar_one())

"""The registry as it is written back to files: streamed, since it may hold a million domains."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Connection, func, select

from portal.core.changes import Item, Kind
from portal.store.items import user_of
from portal.store.tables import CONNECTIONS, DOMAIN_CONNECTIONS, DOMAINS, TENANTS, USERS

_STREAMED = 10_000


def tenant_domains(connection: Connection, slug: str) -> Iterator[Item]:
    """Give the domains of a tenant by name, each with the keys of its connections."""
    query = (
        select(DOMAINS, CONNECTIONS.c.key)
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .outerjoin(DOMAIN_CONNECTIONS, DOMAIN_CONNECTIONS.c.domain_id == DOMAINS.c.id)
        .outerjoin(CONNECTIONS, CONNECTIONS.c.id == DOMAIN_CONNECTIONS.c.connection_id)
        .where(TENANTS.c.slug == slug)
        .order_by(DOMAINS.c.name, DOMAIN_CONNECTIONS.c.position)
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
        select(TENANTS.c.slug, func.count())
        .join(DOMAINS, DOMAINS.c.tenant_id == TENANTS.c.id)
        .group_by(TENANTS.c.slug)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def enabled_people(connection: Connection, slug: str | None) -> Iterator[Item]:
    """Give the enabled people of a tenant by address, or the operators."""
    query = select(USERS).where(~USERS.c.disabled).order_by(USERS.c.email_key)
    if slug is None:
        query = query.where(USERS.c.role == "operator")
    else:
        query = query.join(TENANTS, TENANTS.c.id == USERS.c.tenant_id)
        query = query.where(TENANTS.c.slug == slug)
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield user_of(row, slug or "")


def disabled_count(connection: Connection) -> int:
    """Give how many accounts are disabled: a file has no way to say so."""
    query = select(func.count()).select_from(USERS).where(USERS.c.disabled)
    return int(connection.execute(query).scalar_one())

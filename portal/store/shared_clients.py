"""Connections of several tenants that go through one client, where nothing tells them apart.

A token names its issuer and client, not the connection that somebody came by. Where tenants share
a client, only a claim that a connection requires can tell whose provider it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Text, cast, select

from portal.store.tables import CLIENTS, CONNECTIONS, TENANTS

Through = tuple[str, str] | None
"""Issuer and id of a client; None is the default one."""


@dataclass(frozen=True, slots=True)
class Way:
    """A connection that is on: of which tenant, through which client, bound by a claim or not."""

    tenant: str
    key: str
    through: Through
    is_bound: bool

    def __str__(self) -> str:
        return f"{self.tenant}/{self.key}"


def ways(connection: Connection) -> Iterator[Way]:
    """Give every connection that is on, of every tenant that is."""
    claims = cast(CONNECTIONS.c.require_claims, Text)
    query = (
        select(TENANTS.c.slug, CONNECTIONS.c.key, CLIENTS.c.issuer, CLIENTS.c.client_id, claims)
        .select_from(CONNECTIONS)
        .join(TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id)
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(CONNECTIONS.c.enabled, TENANTS.c.status == "active")
    )
    for row in connection.execute(query):
        through = (row[2], row[3]) if row[2] is not None else None
        yield Way(row[0], row[1], through, is_bound=row[4] != "{}")


def others_go_through(
    connection: Connection, tenant_id: int, through: tuple[str, str], *, is_default: bool
) -> bool:
    """Whether another tenant has a connection that is on and goes through this client."""
    same = (CLIENTS.c.issuer == through[0]) & (CLIENTS.c.client_id == through[1])
    query = (
        select(CONNECTIONS.c.id)
        .join(TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id)
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(
            CONNECTIONS.c.tenant_id != tenant_id,
            CONNECTIONS.c.enabled,
            TENANTS.c.status == "active",
            same | CONNECTIONS.c.client_id.is_(None) if is_default else same,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def unbound(found: Iterable[Way], *, default: Through = None) -> list[Way]:
    """Give the ways whose client other tenants use too and that no claim binds, by name.

    `default` says what the default client is: a tenant may have the very same as its own.
    """
    tenants: defaultdict[Through, set[str]] = defaultdict(set)
    loose: list[Way] = []
    for way in found:
        tenants[way.through or default].add(way.tenant)
        if not way.is_bound:
            loose.append(way)
    return sorted((w for w in loose if len(tenants[w.through or default]) > 1), key=str)

"""The registry as a whole, as items that can be compared; its domains and its crowd aside.

Domains are compared in the database (`portal.store.domain_plan`), and of people only those that
somebody asks for or that a seed made are read: both may be a million.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, select

from portal.core.changes import Item, Kind
from portal.store.engine import AnyRow
from portal.store.items import client_of, connection_of, tenant_of, user_of
from portal.store.tables import CLIENTS, CONNECTIONS, TENANTS, USERS

_MANY = 500


@dataclass(frozen=True)
class Catalog:
    """What the registry holds. `connections` gives a connection's id by tenant and key."""

    items: tuple[Item, ...]
    tenant_ids: Mapping[str, int]
    versions: Mapping[str, int]
    connections: Mapping[tuple[str, str], int]
    accounts: Mapping[str, Item]
    """Every account that was asked for or that a seed made, by the key of its address."""

    def of_tenant(self, slug: str, kind: Kind) -> list[Item]:
        """Give the items of one kind that a tenant has."""
        return self._grouped.get((slug, kind), [])

    @cached_property
    def _grouped(self) -> dict[tuple[str, Kind], list[Item]]:
        grouped: dict[tuple[str, Kind], list[Item]] = {}
        for item in self.items:
            grouped.setdefault((item.tenant, item.kind), []).append(item)
        return grouped


def read_catalog(connection: Connection, *, people: Iterable[str]) -> Catalog:
    """Read the registry; of its people those with these keys and those that a seed made."""
    tenants = connection.execute(select(TENANTS).order_by(TENANTS.c.slug)).all()
    slugs = {row.id: row.slug for row in tenants}
    clients = connection.execute(select(CLIENTS).order_by(CLIENTS.c.id)).all()
    client_keys = {row.id: row.key for row in clients}
    connections = connection.execute(select(CONNECTIONS).order_by(CONNECTIONS.c.id)).all()
    accounts = {
        row.email_key: user_of(row, slugs.get(row.tenant_id, ""))
        for row in _users(connection, set(people))
    }
    return Catalog(
        items=(
            *(tenant_of(row) for row in tenants),
            *(client_of(row, slugs[row.tenant_id]) for row in clients),
            *(
                connection_of(row, slugs[row.tenant_id], client=client_keys.get(row.client_id))
                for row in connections
            ),
        ),
        tenant_ids={row.slug: row.id for row in tenants},
        versions={row.slug: row.version for row in tenants},
        connections={(slugs[row.tenant_id], row.key): row.id for row in connections},
        accounts=accounts,
    )


def _users(connection: Connection, wanted: set[str]) -> Iterator[AnyRow]:
    for row in connection.execute(select(USERS).where(USERS.c.origin == "seed")):
        wanted.discard(row.email_key)
        yield row
    keys = sorted(wanted)
    for start in range(0, len(keys), _MANY):
        some = keys[start : start + _MANY]
        yield from connection.execute(select(USERS).where(USERS.c.email_key.in_(some)))

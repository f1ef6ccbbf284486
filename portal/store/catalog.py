"""The registry as a whole, as items that can be compared; its domains and its crowd aside.

Domains are compared in the database (`portal.store.domain_plan`), and of people only those that
somebody asks for or that a seed made are read: both may be a million.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, select

from portal.core.changes import Item, Kind, Secret, Value
from portal.core.registry import Sealed
from portal.store.engine import AnyRow
from portal.store.tables import ClientRow, ConnectionRow, TenantRow, UserRow

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
    tenants = connection.execute(select(TenantRow).order_by(TenantRow.slug)).all()
    slugs = {row.id: row.slug for row in tenants}
    clients = connection.execute(select(ClientRow).order_by(ClientRow.id)).all()
    client_keys = {row.id: row.key for row in clients}
    connections = connection.execute(select(ConnectionRow).order_by(ConnectionRow.id)).all()
    accounts = {
        row.email_key: user_item(row, slugs.get(row.tenant_id, ""))
        for row in _users(connection, set(people))
    }
    return Catalog(
        items=(
            *(_tenant(row) for row in tenants),
            *(_client(row, slugs[row.tenant_id]) for row in clients),
            *(_connection(row, slugs[row.tenant_id], client_keys) for row in connections),
        ),
        tenant_ids={row.slug: row.id for row in tenants},
        versions={row.slug: row.version for row in tenants},
        connections={(slugs[row.tenant_id], row.key): row.id for row in connections},
        accounts=accounts,
    )


def _users(connection: Connection, wanted: set[str]) -> Iterator[AnyRow]:
    for row in connection.execute(select(UserRow).where(UserRow.origin == "seed")):
        wanted.discard(row.email_key)
        yield row
    keys = sorted(wanted)
    for start in range(0, len(keys), _MANY):
        some = keys[start : start + _MANY]
        yield from connection.execute(select(UserRow).where(UserRow.email_key.in_(some)))


def _tenant(row: AnyRow) -> Item:
    names = ("name", "status", "idle_minutes", "absolute_hours")
    return Item(Kind.TENANT, row.slug, row.slug, _taken(row, names), row.origin)


def _client(row: AnyRow, tenant: str) -> Item:
    fields = {
        **_taken(row, ("issuer", "client_id", "auth_method")),
        "scopes": tuple(row.scopes),
        "connection_param": row.connection_param,
        "client_secret": stored_secret(row.secret),
        "client_secret_ref": row.secret_ref,
        "private_key": stored_secret(row.private_key),
        "private_key_ref": row.private_key_ref,
    }
    return Item(Kind.CLIENT, tenant, row.key, fields, row.origin)


def _connection(row: AnyRow, tenant: str, client_keys: Mapping[int, str]) -> Item:
    names = ("ssojet_connection", "authorize_params", "enabled", "email_verified", "new_users")
    fields = {
        "name": row.name,
        "client": client_keys[row.client_id] if row.client_id is not None else None,
        **_taken(row, (*names, "require_claims", "role_claim", "roles")),
    }
    return Item(Kind.CONNECTION, tenant, row.key, fields, row.origin)


def user_item(row: AnyRow, tenant: str) -> Item:
    """Give an account as an item; `tenant` is its tenant's slug, nothing for operators."""
    fields = {
        **_taken(row, ("email", "name", "role", "sso_exempt")),
        "password": stored_secret(row.password_hash),
        "password_ref": row.password_ref,
        "disabled": row.disabled,
    }
    kind = Kind.OPERATOR if row.role == "operator" else Kind.USER
    return Item(kind, tenant, row.email_key, fields, row.origin)


def _taken(row: AnyRow, names: Iterable[str]) -> dict[str, Value]:
    return {name: getattr(row, name) for name in names}


def stored_secret(stored: Sealed | str | None) -> Secret | None:
    """Give a secret as it is stored, marked by its form at rest."""
    if stored is None:
        return None
    token = stored.token if isinstance(stored, Sealed) else stored.encode()
    return Secret(hashlib.sha256(token).hexdigest(), stored)

"""Writes changes of the registry, one object at a time; bulk domains: `portal.store.domain_plan`.

The caller holds the transaction and has checked what it writes: here are tables and columns alone.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, case, delete, insert, select, update

from portal.core.changes import Action, Change, Kind, Secret
from portal.store.client_secrets import columns_beside
from portal.store.links import revoke_of_user
from portal.store.sessions import end_of_account, end_of_tenant
from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAIN_CONNECTIONS,
    DOMAINS,
    IDENTITIES,
    SESSIONS,
    TENANTS,
    USERS,
)

_ORDER = tuple(Kind)
_MANY = 500
_TABLES: Mapping[Kind, tuple[Table, str]] = {
    Kind.CLIENT: (CLIENTS, "key"),
    Kind.CONNECTION: (CONNECTIONS, "key"),
    Kind.DOMAIN: (DOMAINS, "name"),
    Kind.USER: (USERS, "email_key"),
    Kind.OPERATOR: (USERS, "email_key"),
}
_COLUMNS = {
    "client_secret": "secret",
    "client_secret_ref": "secret_ref",
    "password": "password_hash",
}
PRUNED = "pruned"
"""The origin of an account that a prune disabled: only such a one is enabled by a seed again."""


class RegistryWriter:
    """Writes changes; `origin` is who makes new objects: `seed` or `admin`.

    A new password ends the account's sessions, but for one to `keep`, and its open links.
    """

    def __init__(
        self, connection: Connection, *, origin: str, now: datetime, keep: int | None = None
    ) -> None:
        self._connection = connection
        self._keep = keep
        self._origin = origin
        self._now = now
        self._tenants = {
            row.slug: row.id for row in connection.execute(select(TENANTS.c.slug, TENANTS.c.id))
        }

    def put(self, changes: Iterable[Change]) -> None:
        """Create, change and disable, from the root to the leaves."""
        putting = [c for c in changes if c.is_pending and c.action is not Action.REMOVED]
        for change in sorted(putting, key=lambda c: _ORDER.index(c.kind)):
            self._put(change)

    def remove(self, changes: Iterable[Change]) -> None:
        """Remove what is to be removed, from the leaves to the root."""
        going = [c for c in changes if c.action is Action.REMOVED]
        for change in sorted(going, key=lambda c: _ORDER.index(c.kind), reverse=True):
            self._remove(change)

    def tenant_id(self, slug: str) -> int | None:
        """Give the id of a tenant, or of one that was just removed; None for operators."""
        return self._tenants.get(slug)

    def _put(self, change: Change) -> None:
        if change.kind is Kind.TENANT:
            self._put_tenant(change)
            return
        values = self._values(change)
        links = values.pop("connections", None)
        object_id = self._insert_or_update(change, values)
        if links is not None:
            self._link(object_id, change.tenant, links)

    def _put_tenant(self, change: Change) -> None:
        values = {field.name: field.new for field in change.fields}
        if change.action is Action.CREATED:
            made = {**values, "slug": change.key, "origin": self._origin, "created_at": self._now}
            result = self._connection.execute(insert(TENANTS).returning(TENANTS.c.id), made)
            self._tenants[change.key] = result.scalar_one()
        else:
            self._connection.execute(
                update(TENANTS).where(TENANTS.c.slug == change.key).values(values)
            )
            if values.get("status") == "suspended":
                end_of_tenant(self._connection, self._tenants[change.key])

    def _insert_or_update(self, change: Change, values: dict[str, Any]) -> int:
        table, key = _TABLES[change.kind]
        if change.action is Action.CREATED:
            values |= {
                key: change.key,
                "tenant_id": self._tenants.get(change.tenant),
                "origin": self._origin,
            }
            if "created_at" in table.c:
                values["created_at"] = self._now
            found = self._connection.execute(insert(table).values(values).returning(table.c.id))
        else:
            if change.action is Action.DISABLED:
                values = {"disabled": True, "origin": PRUNED}
            elif values.get("disabled") is False:
                # By whom a pruned account is enabled again, to that one it belongs from here on.
                values["origin"] = case(
                    (USERS.c.origin == PRUNED, self._origin), else_=USERS.c.origin
                )
            object_id = self._id(change)
            if values:
                self._connection.execute(
                    update(table).where(table.c.id == object_id).values(values)
                )
            if values.get("disabled") is True or "password_hash" in values:
                # Whoever was in by the old ways, or could still come in by them.
                end_of_account(self._connection, object_id, keep=self._keep)
                revoke_of_user(self._connection, object_id, self._now)
            return object_id
        return int(found.scalar_one())

    def _values(self, change: Change) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in change.fields:
            value = field.new
            if isinstance(value, Secret):
                value = value.stored  # type: ignore[assignment]  # a column takes the form at rest
            values[_COLUMNS.get(field.name, field.name)] = value
        if change.kind is Kind.CONNECTION and "client" in values:
            key = values.pop("client")
            values["client_id"] = self._client_id(change.tenant, key) if key else None
        if "scopes" in values:
            values["scopes"] = list(values["scopes"])
        if change.kind is Kind.CLIENT:
            values |= columns_beside(change, now=self._now)
        return values

    def _client_id(self, tenant: str, key: str) -> int:
        query = select(CLIENTS.c.id).where(
            CLIENTS.c.tenant_id == self._tenants[tenant], CLIENTS.c.key == key
        )
        return int(self._connection.execute(query).scalar_one())

    def _link(self, domain_id: int, tenant: str, keys: Iterable[str]) -> None:
        ids = {
            row.key: row.id
            for row in self._connection.execute(
                select(CONNECTIONS.c.key, CONNECTIONS.c.id).where(
                    CONNECTIONS.c.tenant_id == self._tenants[tenant]
                )
            )
        }
        self._connection.execute(
            delete(DOMAIN_CONNECTIONS).where(DOMAIN_CONNECTIONS.c.domain_id == domain_id)
        )
        links = [
            {"domain_id": domain_id, "position": position, "connection_id": ids[key]}
            for position, key in enumerate(keys)
        ]
        if links:
            self._connection.execute(insert(DOMAIN_CONNECTIONS), links)

    def _id(self, change: Change) -> int:
        table, key = _TABLES[change.kind]
        query = select(table.c.id).where(table.c[key] == change.key)
        if change.tenant:
            query = query.where(table.c.tenant_id == self._tenants[change.tenant])
        return int(self._connection.execute(query).scalar_one())

    def _remove(self, change: Change) -> None:
        if change.kind is Kind.TENANT:
            self._remove_tenant(self._tenants[change.key])
            return
        table, _ = _TABLES[change.kind]
        object_id = self._id(change)
        if change.kind is Kind.DOMAIN:
            self._connection.execute(
                delete(DOMAIN_CONNECTIONS).where(DOMAIN_CONNECTIONS.c.domain_id == object_id)
            )
        self._connection.execute(delete(table).where(table.c.id == object_id))

    def _remove_tenant(self, tenant_id: int) -> None:
        """Remove a tenant with all that hangs on it, leaves first: no cascade decides the order."""
        domains = select(DOMAINS.c.id).where(DOMAINS.c.tenant_id == tenant_id)
        users = select(USERS.c.id).where(USERS.c.tenant_id == tenant_id)
        for statement in (
            delete(DOMAIN_CONNECTIONS).where(DOMAIN_CONNECTIONS.c.domain_id.in_(domains)),
            delete(DOMAINS).where(DOMAINS.c.tenant_id == tenant_id),
            delete(SESSIONS).where(SESSIONS.c.user_id.in_(users)),
            delete(IDENTITIES).where(IDENTITIES.c.tenant_id == tenant_id),
            delete(USERS).where(USERS.c.tenant_id == tenant_id),
            delete(CONNECTIONS).where(CONNECTIONS.c.tenant_id == tenant_id),
            delete(CLIENTS).where(CLIENTS.c.tenant_id == tenant_id),
            delete(TENANTS).where(TENANTS.c.id == tenant_id),
        ):
            self._connection.execute(statement)


def lock_tenants(connection: Connection, tenants: Iterable[str]) -> None:
    """Keep other writers of these tenants waiting until the transaction ends.

    SQLite has one writer at a time anyhow.
    """
    slugs = sorted(set(tenants))
    for start in range(0, len(slugs), _MANY):
        some = slugs[start : start + _MANY]
        query = select(TENANTS.c.id).where(TENANTS.c.slug.in_(some)).order_by(TENANTS.c.slug)
        connection.execute(query.with_for_update())


def bump(connection: Connection, tenants: Iterable[str]) -> None:
    """Move the version of tenants, so that running portals read them afresh."""
    slugs = sorted(set(tenants))
    for start in range(0, len(slugs), _MANY):
        some = slugs[start : start + _MANY]
        connection.execute(
            update(TENANTS).where(TENANTS.c.slug.in_(some)).values(version=TENANTS.c.version + 1)
        )

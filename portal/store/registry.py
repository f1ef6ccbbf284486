"""The registry as the sign-in path reads it: values in the form of `portal.core.registry`.

A lookup is one indexed query for the domain and its parents. What hangs on a tenant (clients and
connections) is kept in the process by (tenant, version): every change to them moves the version
that the same query brings along, so nothing stale is ever used, and memory does not grow with the
number of domains.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection as DbConnection
from sqlalchemy import bindparam, select

from portal.core.address import Address, Domain
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
from portal.store.engine import AnyRow, Database
from portal.store.held import HeldPlace
from portal.store.lookup import LookupRow, Lookups, account_of
from portal.store.prepared import Asked, Statement
from portal.store.tables import CLIENTS, CONNECTIONS, TENANTS
from portal.store.tenant_rows import TENANT_COLUMNS, tenant_from

_KEPT_TENANTS = 2000

_TENANT = (*TENANT_COLUMNS, TENANTS.c.version)
_TENANT_BY_ID = Statement(select(*_TENANT).where(TENANTS.c.id == bindparam("tenant_id")))
_TENANT_BY_SLUG = select(*_TENANT).where(TENANTS.c.slug == bindparam("slug"))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A tenant with all its connections, by id."""

    tenant: Tenant
    connections: Mapping[int, Connection]

    def connection(self, slug: str) -> Connection | None:
        """Give the connection of that name."""
        return next((c for c in self.connections.values() if c.slug == slug), None)


class Registry:
    """Reads the registry. `default_client` serves connections that name no client."""

    def __init__(
        self, database: Database, *, base_url: str, default_client: Client | None = None
    ) -> None:
        self._database = database
        self._base_url = base_url
        self.default_client = default_client
        self._lookups = Lookups(database)
        self._kept: OrderedDict[int, tuple[int, Bundle]] = OrderedDict()
        self._lock = threading.Lock()

    def candidates(self, domain: Domain) -> list[DomainRule]:
        """Give every entry, of any tenant, for the domain or one of its parents."""
        return self._rules(self._lookups.find(domain.lookup_names(), ""))

    def ask_candidates(self, place: HeldPlace, domain: Domain) -> Callable[[], list[DomainRule]]:
        """Ask for these entries in a transaction; what is given back gives them."""
        rows = self._lookups.ask(place, domain.lookup_names())
        return lambda: self._rules(rows())

    def candidates_and_account(self, address: Address) -> tuple[list[DomainRule], Account | None]:
        """Give the entries for the address's domain, and the address's account, in one query.

        The account is not looked for where the domain has no entry.
        """
        rows = self._lookups.find(address.domain.lookup_names(), address.key)
        return self._rules(rows), account_of(rows[0]) if rows else None

    def tenant(self, slug: str) -> Bundle | None:
        """Give the tenant of that slug with its connections."""
        with self._database.read(brief=True) as connection:
            row = connection.execute(_TENANT_BY_SLUG, {"slug": slug}).first()
            return self._bundle(connection, row) if row else None

    def tenant_by_id(self, tenant_id: int) -> Bundle | None:
        """Give the tenant with its connections, as they are now."""
        with self._database.quick_read() as place:
            row = self.ask_tenant(place, tenant_id).first()
        return self.bundle_of(row)

    def ask_tenant(self, place: HeldPlace, tenant_id: int) -> Asked:
        """Ask for a tenant beside other questions; its first row is for `bundle_of`."""
        return _TENANT_BY_ID.ask(place, {"tenant_id": tenant_id})

    def bundle_of(self, row: Any | None) -> Bundle | None:
        """Give the tenant of a row, with its connections; None for none."""
        if row is None:
            return None
        kept = self._kept_bundle(row.tenant_id, row.version)
        if kept is not None:
            return kept
        with self._database.read(brief=True) as connection:
            return self._bundle(connection, row)

    def by_issuer(self, issuer: str, *, limit: int = 2) -> list[tuple[Tenant, Connection]]:
        """Give up to `limit` usable connections whose own client is at this issuer."""
        query = (
            select(*_TENANT, CONNECTIONS.c.id.label("connection_id"))
            .join(CONNECTIONS, CONNECTIONS.c.tenant_id == TENANTS.c.id)
            .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
            .where(self._at_issuer(issuer), CONNECTIONS.c.enabled, TENANTS.c.status == "active")
            .order_by(CONNECTIONS.c.id)
            .limit(limit)
        )
        with self._database.read(brief=True) as connection:
            rows = connection.execute(query).all()
            bundles = [(self._bundle(connection, row), row.connection_id) for row in rows]
        return [(b.tenant, b.connections[i]) for b, i in bundles if i in b.connections]

    def clients_at(self, issuer: str) -> list[Client]:
        """Give every client, of whatever tenant, at this issuer."""
        query = (
            select(CLIENTS, TENANTS.c.slug.label("tenant_slug"))
            .join(TENANTS, TENANTS.c.id == CLIENTS.c.tenant_id)
            .where(CLIENTS.c.issuer == issuer)
        )
        with self._database.read() as connection:
            found = [self._client(row, row.tenant_slug) for row in connection.execute(query)]
        default = self.default_client
        return [*found, default] if default and default.issuer == issuer else found

    def signing_clients(self) -> list[Client]:
        """Give every client that proves itself with a private key."""
        query = (
            select(CLIENTS, TENANTS.c.slug.label("tenant_slug"))
            .join(TENANTS, TENANTS.c.id == CLIENTS.c.tenant_id)
            .where(
                CLIENTS.c.auth_method == AuthMethod.PRIVATE_KEY_JWT,
                CLIENTS.c.private_key.is_not(None),
            )
            .order_by(CLIENTS.c.id)
        )
        with self._database.read() as connection:
            return [self._client(row, row.tenant_slug) for row in connection.execute(query)]

    def _at_issuer(self, issuer: str) -> Any:
        default = self.default_client
        if default and default.issuer == issuer:
            return (CLIENTS.c.issuer == issuer) | CONNECTIONS.c.client_id.is_(None)
        return CLIENTS.c.issuer == issuer

    def _rules(self, rows: Sequence[LookupRow]) -> list[DomainRule]:
        if len(rows) == 1:
            return [self._rule(rows)]
        return [self._rule(list(group)) for _, group in groupby(rows, key=attrgetter("id"))]

    def _rule(self, rows: Sequence[LookupRow]) -> DomainRule:
        """Give the rule of an entry from its rows, one for each of its connections."""
        row = rows[0]
        bundle = self._kept_bundle(row.tenant_id, row.version)
        if bundle is None:
            with self._database.read(brief=True) as connection:
                bundle = self._bundle(connection, row)
        found = [bundle.connections.get(r.connection_id or 0) for r in rows]
        return DomainRule(
            id=row.id,
            domain=Domain(row.name),
            tenant=bundle.tenant,
            connections=tuple([connection for connection in found if connection]),
            policy=Policy(row.policy),
            subdomains=bool(row.subdomains),
            verified=bool(row.verified),
            rollout=row.rollout,
        )

    def _kept_bundle(self, tenant_id: int, version: int) -> Bundle | None:
        kept = self._kept.get(tenant_id)
        return kept[1] if kept is not None and kept[0] == version else None

    def _bundle(self, connection: DbConnection, row: AnyRow | LookupRow) -> Bundle:
        bundle = self._kept_bundle(row.tenant_id, row.version)
        if bundle is not None:
            return bundle
        bundle = self._load(connection, row)
        with self._lock:
            self._kept[row.tenant_id] = (row.version, bundle)
            self._kept.move_to_end(row.tenant_id)
            while len(self._kept) > _KEPT_TENANTS:
                self._kept.popitem(last=False)
        return bundle

    def _load(self, connection: DbConnection, row: AnyRow | LookupRow) -> Bundle:
        tenant = tenant_from(row)
        clients = {
            client.id: self._client(client, tenant.slug)
            for client in connection.execute(
                select(CLIENTS).where(CLIENTS.c.tenant_id == tenant.id)
            )
        }
        connections = {
            found.id: self._connection(found, clients)
            for found in connection.execute(
                select(CONNECTIONS)
                .where(CONNECTIONS.c.tenant_id == tenant.id)
                .order_by(CONNECTIONS.c.id)
            )
        }
        return Bundle(tenant, connections)

    def _client(self, row: AnyRow, tenant: str) -> Client:
        return Client(
            key=row.key,
            tenant=tenant,
            issuer=row.issuer,
            client_id=row.client_id,
            redirect_uri=f"{self._base_url}/auth/callback/{tenant}",
            auth_method=AuthMethod(row.auth_method),
            scopes=tuple(row.scopes),
            connection_param=row.connection_param,
            secret=row.secret,
            private_key=row.private_key,
            old_secret=row.old_secret,
            old_private_key=row.old_private_key,
        )

    def _connection(self, row: AnyRow, clients: Mapping[int, Client]) -> Connection:
        client = clients.get(row.client_id) if row.client_id else self.default_client
        return Connection(
            id=row.id,
            slug=row.key,
            name=row.name,
            client=client,
            ssojet_connection=row.ssojet_connection,
            authorize_params=row.authorize_params,
            enabled=row.enabled,
            email_verified=EmailVerified(row.email_verified),
            new_users=NewUsers(row.new_users),
            require_claims=row.require_claims,
            role_claim=row.role_claim,
            roles={group: Role(role) for group, role in row.roles.items()},
        )

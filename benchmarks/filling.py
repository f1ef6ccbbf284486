"""Databases of any number of domains, migrated and then filled by the drivers themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, text

from portal.core.registry import Sealed
from portal.store import schema
from portal.store.engine import Database
from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    IDENTITIES,
    TENANTS,
    USERS,
)

MOST_TENANTS = 1000
MOST_PEOPLE = 20_000
_DOMAIN_COLUMNS = "id, name, tenant_id, policy, subdomains, verified, rollout, origin"
_LINK_COLUMNS = "domain_id, position, connection_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a database holds: domains over tenants with a client and a connection each.

    Every domain is `required`: the dearer policy, as the account is looked at too. The first
    domains have one person each, who has signed in before.
    """

    domains: int
    issuer: str
    client_secret: Sealed
    most_tenants: int = MOST_TENANTS

    @property
    def tenants(self) -> int:
        return min(self.most_tenants, self.domains)

    @property
    def people(self) -> int:
        return min(MOST_PEOPLE, self.domains)

    def tenant_of(self, domain: int) -> int:
        """Give the tenant of a domain; one tenant's domains lie far apart."""
        return domain % self.tenants + 1


def domain_name(number: int) -> str:
    """Give the name of a domain: every fourth lies one level deeper."""
    return f"company-{number:07}.{'co.example' if number % 4 == 0 else 'example'}"


def email(number: int) -> str:
    """Give the address of the person at a domain."""
    return f"robin.doe@{domain_name(number)}"


def fill(url: str, plan: Plan) -> None:
    """Migrate an empty database and fill it."""
    database = Database(url)
    try:
        schema.upgrade(database)
        with database.transaction() as connection:
            _add_tenants(connection, plan)
            _add_people(connection, plan)
            if database.is_sqlite:
                _execute_many(connection, plan)
            else:
                _copy(connection, plan)
            connection.execute(text("ANALYZE"))
    finally:
        database.close()


def _add_tenants(connection: Connection, plan: Plan) -> None:
    numbers = range(1, plan.tenants + 1)
    now = datetime.now(UTC)
    connection.execute(
        insert(TENANTS),
        [
            {"id": n, "slug": f"tenant-{n}", "name": f"Tenant {n} Ltd", "created_at": now}
            for n in numbers
        ],
    )
    connection.execute(insert(CLIENTS), [_client(plan, n) for n in numbers])
    connection.execute(insert(CONNECTIONS), [_connection(n) for n in numbers])


def _client(plan: Plan, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "tenant_id": number,
        "key": "main",
        "issuer": plan.issuer,
        "client_id": f"cli_{number:012x}.portal",
        "auth_method": "client_secret_basic",
        "scopes": ["openid", "profile", "email"],
        "connection_param": "connection",
        "secret": plan.client_secret,
    }


def _connection(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "tenant_id": number,
        "key": "okta",
        "name": "Okta",
        "client_id": number,
        "ssojet_connection": f"conn_{number:012x}",
        "authorize_params": {},
        "enabled": True,
        "email_verified": "unless_false",
        "new_users": "create",
        "require_claims": {},
        "role_claim": "",
        "roles": {},
    }


def _add_people(connection: Connection, plan: Plan) -> None:
    now = datetime.now(UTC)
    people = range(1, plan.people + 1)
    connection.execute(
        insert(USERS),
        [
            {
                "id": n,
                "email_key": email(n - 1),
                "email": email(n - 1),
                "name": "Bench Person",
                "tenant_id": plan.tenant_of(n - 1),
                "role": "member",
                "created_at": now,
            }
            for n in people
        ],
    )
    connection.execute(
        insert(IDENTITIES),
        [
            {
                "user_id": n,
                "tenant_id": plan.tenant_of(n - 1),
                "issuer": plan.issuer,
                "client_id": _client(plan, plan.tenant_of(n - 1))["client_id"],
                "subject": email(n - 1),
                "created_at": now,
                "last_used_at": now,
            }
            for n in people
        ],
    )


def _domains(plan: Plan) -> Iterator[tuple[Any, ...]]:
    for n in range(plan.domains):
        yield n + 1, domain_name(n), plan.tenant_of(n), "required", False, True, 100, "seed"


def _links(plan: Plan) -> Iterator[tuple[int, int, int]]:
    for n in range(plan.domains):
        yield n + 1, 0, plan.tenant_of(n)


def _execute_many(connection: Connection, plan: Plan) -> None:
    cursor = connection.connection.cursor()
    cursor.executemany(
        f"INSERT INTO domains ({_DOMAIN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _domains(plan)
    )
    cursor.executemany(
        f"INSERT INTO domain_connections ({_LINK_COLUMNS}) VALUES (?, ?, ?)", _links(plan)
    )


def _copy(connection: Connection, plan: Plan) -> None:
    cursor: Any = connection.connection.cursor()
    for table, columns, rows in (
        ("domains", _DOMAIN_COLUMNS, _domains(plan)),
        ("domain_connections", _LINK_COLUMNS, _links(plan)),
    ):
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute(
        text("SELECT setval(pg_get_serial_sequence('users', 'id'), :people)"),
        {"people": plan.people},
    )

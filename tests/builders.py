"""Builders of values and rows with sane defaults: one line says what a test is about."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection as DbConnection
from sqlalchemy import Table, insert, select, update

from portal.core.address import Address, Domain
from portal.core.registry import (
    Account,
    Client,
    Connection,
    DomainRule,
    Policy,
    Role,
    Sealed,
    Tenant,
)
from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAIN_CONNECTIONS,
    DOMAINS,
    TENANTS,
    USERS,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_ids = count(1)


def make_tenant(slug: str = "acme", **values: Any) -> Tenant:
    return Tenant(**{"id": next(_ids), "slug": slug, "name": slug.title(), **values})


def make_client(issuer: str = "https://idp.example", **values: Any) -> Client:
    return Client(
        **{
            "key": "main",
            "tenant": "acme",
            "issuer": issuer,
            "client_id": "portal",
            "redirect_uri": "http://localhost:5000/auth/callback/acme",
            **values,
        }
    )


def make_connection(slug: str = "okta", **values: Any) -> Connection:
    defaults = {"id": next(_ids), "slug": slug, "name": slug.title(), "client": make_client()}
    return Connection(**{**defaults, **values})


def make_rule(domain: str = "acme.example", **values: Any) -> DomainRule:
    defaults: dict[str, Any] = {
        "id": next(_ids),
        "domain": Domain.parse(domain),
        "tenant": make_tenant(),
        "connections": (make_connection(),),
        "policy": Policy.OPTIONAL,
        "verified": True,
    }
    return DomainRule(**{**defaults, **values})


def make_account(email: str = "ann@acme.example", **values: Any) -> Account:
    defaults: dict[str, Any] = {
        "id": next(_ids),
        "email": email,
        "name": "Ann",
        "role": Role.MEMBER,
        "tenant": None,
    }
    return Account(**{**defaults, **values})


def address(text: str = "ann@acme.example") -> Address:
    return Address.parse(text)


def add_tenant(connection: DbConnection, slug: str = "acme", **values: Any) -> int:
    row = {"slug": slug, "name": slug.title(), "created_at": NOW, **values}
    return _insert(connection, TENANTS, row)


def add_client(connection: DbConnection, tenant_id: int, **values: Any) -> int:
    row: dict[str, Any] = {
        "tenant_id": tenant_id,
        "key": "main",
        "issuer": "https://idp.example",
        "client_id": "portal",
        "auth_method": "client_secret_basic",
        "scopes": ["openid", "profile", "email"],
        "connection_param": "connection",
        "secret": Sealed(b"sealed"),
        **values,
    }
    return _insert(connection, CLIENTS, row)


def add_connection(connection: DbConnection, tenant_id: int, **values: Any) -> int:
    row: dict[str, Any] = {
        "tenant_id": tenant_id,
        "key": "okta",
        "name": "Okta",
        "ssojet_connection": "conn_1",
        "authorize_params": {},
        "enabled": True,
        "email_verified": "unless_false",
        "new_users": "create",
        "require_claims": {},
        "role_claim": "",
        "roles": {},
        **values,
    }
    return _insert(connection, CONNECTIONS, row)


def add_domain(
    connection: DbConnection,
    tenant_id: int,
    name: str = "acme.example",
    *,
    connections: tuple[int, ...] = (),
    **values: Any,
) -> int:
    row: dict[str, Any] = {
        "tenant_id": tenant_id,
        "name": name,
        "policy": "optional",
        "subdomains": False,
        "verified": True,
        "rollout": 100,
        **values,
    }
    domain_id = _insert(connection, DOMAINS, row)
    for position, connection_id in enumerate(connections):
        connection.execute(
            insert(DOMAIN_CONNECTIONS).values(
                domain_id=domain_id, position=position, connection_id=connection_id
            )
        )
    return domain_id


def add_user(
    connection: DbConnection, email: str, tenant_id: int | None = None, **values: Any
) -> int:
    row: dict[str, Any] = {
        "email_key": Address.parse(email).key,
        "email": email,
        "name": email.partition("@")[0].title(),
        "tenant_id": tenant_id,
        "role": "member" if tenant_id else "operator",
        "created_at": NOW,
        **values,
    }
    return _insert(connection, USERS, row)


def change_tenant(connection: DbConnection, tenant_id: int, **values: Any) -> None:
    """Change a tenant as every writer must: its version moves."""
    version = select(TENANTS.c.version).where(TENANTS.c.id == tenant_id)
    now_at = connection.execute(version).scalar_one()
    connection.execute(
        update(TENANTS).where(TENANTS.c.id == tenant_id).values(version=now_at + 1, **values)
    )


def _insert(connection: DbConnection, table: Table, row: dict[str, Any]) -> int:
    return int(connection.execute(insert(table).values(**row).returning(table.c.id)).scalar_one())

"""Whom a change of the registry reaches: people, their sessions, connections that were used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from portal.store.tables import (
    ClientRow,
    ConnectionRow,
    DomainRow,
    IdentityRow,
    SessionRow,
    TenantRow,
    UserRow,
)

_STREAMED = 10_000
_READ_BATCH = 500


@dataclass(frozen=True, slots=True)
class Person:
    """An enabled account of a tenant. `has_used_sso`: it is linked to an identity there."""

    tenant_id: int
    key: str
    is_admin: bool
    is_exempt: bool
    has_used_sso: bool


@dataclass(frozen=True, slots=True)
class Way:
    """What a domain asks of its people."""

    policy: str
    subdomains: bool
    verified: bool
    rollout: int


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session by what decides whether it still holds."""

    tenant_id: int
    user_key: str
    created_at: datetime
    last_seen_at: datetime
    ends_by: datetime | None
    idle_minutes: int
    absolute_hours: int


def people(connection: Connection, tenant_ids: Sequence[int]) -> Iterator[Person]:
    """Give the enabled people of some tenants, streamed."""
    linked = exists().where(IdentityRow.user_id == UserRow.id)
    admin = or_(UserRow.role == "admin", func.coalesce(UserRow.group_role, "") == "admin")
    query = (
        select(TenantRow.id, UserRow.email_key, admin, UserRow.sso_exempt, linked)
        .join(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(UserRow.tenant_id.in_(tenant_ids), ~UserRow.disabled)
    )
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield Person(row[0], row[1], bool(row[2]), bool(row[3]), bool(row[4]))


def ways(
    connection: Connection, tenant_ids: Sequence[int], names: Sequence[str]
) -> dict[tuple[int, str], Way]:
    """Give what these domains of these tenants ask now, by tenant and name."""
    found: dict[tuple[int, str], Way] = {}
    for start in range(0, len(names), _READ_BATCH):
        query = select(DomainRow).where(
            DomainRow.name.in_(names[start : start + _READ_BATCH]),
            DomainRow.tenant_id.in_(tenant_ids),
        )
        for row in connection.execute(query):
            way = Way(row.policy, row.subdomains, row.verified, row.rollout)
            found[row.tenant_id, row.name] = way
    return found


def operators(connection: Connection) -> set[str]:
    """Give the addresses of the enabled operators."""
    query = select(UserRow.email_key).where(UserRow.role == "operator", ~UserRow.disabled)
    return set(connection.execute(query).scalars())


def sessions(connection: Connection, tenant_ids: Sequence[int]) -> Iterator[SeenSession]:
    """Give the sessions of some tenants' people, live or not, streamed."""
    query = (
        select(
            TenantRow.id,
            UserRow.email_key,
            SessionRow.created_at,
            SessionRow.last_seen_at,
            SessionRow.ends_by,
            TenantRow.idle_minutes,
            TenantRow.absolute_hours,
        )
        .select_from(SessionRow)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .join(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(UserRow.tenant_id.in_(tenant_ids))
    )
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield SeenSession(*row)


def used_connections(connection: Connection) -> set[tuple[str, str]]:
    """Give tenant and key of each connection that somebody has signed in by.

    An identity knows its issuer and client, not its connection: one that several connections share
    counts for each of them, and one at no client of the tenant's for those without a client.
    """
    own = exists().where(
        ClientRow.tenant_id == ConnectionRow.tenant_id,
        ClientRow.issuer == IdentityRow.issuer,
        ClientRow.client_id == IdentityRow.client_id,
    )
    by_own_client: Any = exists().where(
        IdentityRow.tenant_id == ConnectionRow.tenant_id,
        IdentityRow.issuer == ClientRow.issuer,
        IdentityRow.client_id == ClientRow.client_id,
    )
    by_default_client = exists().where(
        IdentityRow.tenant_id == ConnectionRow.tenant_id, ConnectionRow.client_id.is_(None), ~own
    )
    in_a_session = exists().where(SessionRow.connection_id == ConnectionRow.id)
    query = (
        select(TenantRow.slug, ConnectionRow.key)
        .join(TenantRow, TenantRow.id == ConnectionRow.tenant_id)
        .outerjoin(ClientRow, ClientRow.id == ConnectionRow.client_id)
        .where(or_(by_own_client, by_default_client, in_a_session))
    )
    return {(row[0], row[1]) for row in connection.execute(query)}

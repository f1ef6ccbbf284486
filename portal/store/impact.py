"""Whom a change of the registry reaches: people, their sessions, connections that were used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAINS,
    IDENTITIES,
    SESSIONS,
    TENANTS,
    USERS,
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
    linked = exists().where(IDENTITIES.c.user_id == USERS.c.id)
    admin = or_(USERS.c.role == "admin", func.coalesce(USERS.c.group_role, "") == "admin")
    query = (
        select(TENANTS.c.id, USERS.c.email_key, admin, USERS.c.sso_exempt, linked)
        .join(TENANTS, TENANTS.c.id == USERS.c.tenant_id)
        .where(USERS.c.tenant_id.in_(tenant_ids), ~USERS.c.disabled)
    )
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield Person(row[0], row[1], bool(row[2]), bool(row[3]), bool(row[4]))


def ways(
    connection: Connection, tenant_ids: Sequence[int], names: Sequence[str]
) -> dict[tuple[int, str], Way]:
    """Give what these domains of these tenants ask now, by tenant and name."""
    found: dict[tuple[int, str], Way] = {}
    for start in range(0, len(names), _READ_BATCH):
        query = select(DOMAINS).where(
            DOMAINS.c.name.in_(names[start : start + _READ_BATCH]),
            DOMAINS.c.tenant_id.in_(tenant_ids),
        )
        for row in connection.execute(query):
            way = Way(row.policy, row.subdomains, row.verified, row.rollout)
            found[row.tenant_id, row.name] = way
    return found


def operators(connection: Connection) -> set[str]:
    """Give the addresses of the enabled operators."""
    query = select(USERS.c.email_key).where(USERS.c.role == "operator", ~USERS.c.disabled)
    return set(connection.execute(query).scalars())


def sessions(connection: Connection, tenant_ids: Sequence[int]) -> Iterator[SeenSession]:
    """Give the sessions of some tenants' people, live or not, streamed."""
    query = (
        select(
            TENANTS.c.id,
            USERS.c.email_key,
            SESSIONS.c.created_at,
            SESSIONS.c.last_seen_at,
            SESSIONS.c.ends_by,
            TENANTS.c.idle_minutes,
            TENANTS.c.absolute_hours,
        )
        .select_from(SESSIONS)
        .join(USERS, USERS.c.id == SESSIONS.c.user_id)
        .join(TENANTS, TENANTS.c.id == USERS.c.tenant_id)
        .where(USERS.c.tenant_id.in_(tenant_ids))
    )
    for row in connection.execute(query, execution_options={"yield_per": _STREAMED}):
        yield SeenSession(*row)


def used_connections(connection: Connection) -> set[tuple[str, str]]:
    """Give tenant and key of each connection that somebody has signed in by.

    An identity knows its issuer and client, not its connection: one that several connections share
    counts for each of them, and one at no client of the tenant's for those without a client.
    """
    own = exists().where(
        CLIENTS.c.tenant_id == CONNECTIONS.c.tenant_id,
        CLIENTS.c.issuer == IDENTITIES.c.issuer,
        CLIENTS.c.client_id == IDENTITIES.c.client_id,
    )
    by_own_client: Any = exists().where(
        IDENTITIES.c.tenant_id == CONNECTIONS.c.tenant_id,
        IDENTITIES.c.issuer == CLIENTS.c.issuer,
        IDENTITIES.c.client_id == CLIENTS.c.client_id,
    )
    by_default_client = exists().where(
        IDENTITIES.c.tenant_id == CONNECTIONS.c.tenant_id, CONNECTIONS.c.client_id.is_(None), ~own
    )
    in_a_session = exists().where(SESSIONS.c.connection_id == CONNECTIONS.c.id)
    query = (
        select(TENANTS.c.slug, CONNECTIONS.c.key)
        .join(TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id)
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(or_(by_own_client, by_default_client, in_a_session))
    )
    return {(row[0], row[1]) for row in connection.execute(query)}

"""Facts about the whole registry that an operator should know of, in a few queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select

from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAIN_PROOFS,
    DOMAINS,
    TENANTS,
    USERS,
)

_MOST = 5


@dataclass(frozen=True, slots=True)
class Some:
    """How many there are, and the first few by name."""

    total: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {self.total - len(self.first):,} more" if self.total > len(self.first) else ""
        return ", ".join(self.first) + more


@dataclass(frozen=True, slots=True)
class LostProof:
    """A proven domain whose DNS record is no more found."""

    domain: str
    tenant: str
    since: datetime


def issuers(connection: Connection) -> list[str]:
    """Give every issuer that a client of the registry is at."""
    query = select(CLIENTS.c.issuer).distinct().order_by(CLIENTS.c.issuer)
    return list(connection.execute(query).scalars())


def clients_in_use(connection: Connection) -> set[tuple[str, str | None]]:
    """Give the tenant and key of each client that people are sent through now.

    The key is None where a connection goes through the default client.
    """
    query = (
        select(TENANTS.c.slug, CLIENTS.c.key)
        .join(CONNECTIONS, CONNECTIONS.c.tenant_id == TENANTS.c.id)
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(CONNECTIONS.c.enabled, TENANTS.c.status == "active")
        .distinct()
    )
    return {(row.slug, row.key) for row in connection.execute(query)}


def literal_secrets(connection: Connection) -> Some:
    """Give the clients whose secret stands in a seed file itself."""
    query = (
        select(TENANTS.c.slug + "/" + CLIENTS.c.key)
        .select_from(CLIENTS)
        .join(TENANTS, TENANTS.c.id == CLIENTS.c.tenant_id)
        .where(
            CLIENTS.c.origin == "seed",
            or_(
                CLIENTS.c.secret.is_not(None) & CLIENTS.c.secret_ref.is_(None),
                CLIENTS.c.private_key.is_not(None) & CLIENTS.c.private_key_ref.is_(None),
            ),
        )
        .order_by(TENANTS.c.slug, CLIENTS.c.key)
    )
    return _some(connection.execute(query).scalars())


def tenants_without_admin(connection: Connection) -> Some:
    """Give the active tenants in which nobody may change anything."""
    is_admin = or_(USERS.c.role == "admin", USERS.c.group_role == "admin")
    return _some(connection.execute(_tenants_lacking(is_admin)).scalars())


def required_without_break_glass(connection: Connection) -> Some:
    """Give the active tenants that require SSO and have nobody who gets in without it."""
    requires = exists().where(
        DOMAINS.c.tenant_id == TENANTS.c.id, DOMAINS.c.policy == "required", DOMAINS.c.verified
    )
    may = USERS.c.sso_exempt & USERS.c.password_hash.is_not(None)
    return _some(connection.execute(_tenants_lacking(may).where(requires)).scalars())


def has_operator(connection: Connection) -> bool:
    """Whether anybody may see all tenants."""
    query = exists().where(USERS.c.role == "operator", ~USERS.c.disabled)
    return bool(connection.execute(select(query)).scalar())


def lost_proofs(connection: Connection) -> list[LostProof]:
    """Give the proven domains whose record is no more found, the longest gone first."""
    query = (
        select(DOMAINS.c.name, TENANTS.c.slug, DOMAIN_PROOFS.c.lost_since)
        .join(DOMAINS, DOMAINS.c.id == DOMAIN_PROOFS.c.domain_id)
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .where(DOMAINS.c.verified, DOMAIN_PROOFS.c.lost_since.is_not(None))
        .order_by(DOMAIN_PROOFS.c.lost_since)
    )
    return [
        LostProof(name, slug, since) for name, slug, since in connection.execute(query) if since
    ]


def counts(connection: Connection) -> tuple[int, int]:
    """Give how many tenants and domains there are."""
    tenants = connection.execute(select(func.count()).select_from(TENANTS)).scalar_one()
    domains = connection.execute(select(func.count()).select_from(DOMAINS)).scalar_one()
    return tenants, domains


def _tenants_lacking(person: Any) -> Select[str]:
    there = exists().where(USERS.c.tenant_id == TENANTS.c.id, ~USERS.c.disabled, person)
    return (
        select(TENANTS.c.slug).where(TENANTS.c.status == "active", ~there).order_by(TENANTS.c.slug)
    )


def _some(names: Iterable[str]) -> Some:
    found = list(names)
    return Some(len(found), tuple(found[:_MOST]))

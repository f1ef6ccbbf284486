"""Facts about the whole registry that an operator should know of, in a few queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select

from portal.store.tables import (
    ClientRow,
    ConnectionRow,
    DomainProofRow,
    DomainRow,
    TenantRow,
    UserRow,
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
    query = select(ClientRow.issuer).distinct().order_by(ClientRow.issuer)
    return list(connection.execute(query).scalars())


def clients_in_use(connection: Connection) -> set[tuple[str, str | None]]:
    """Give the tenant and key of each client that people are sent through now.

    The key is None where a connection goes through the default client.
    """
    query = (
        select(TenantRow.slug, ClientRow.key)
        .join(ConnectionRow, ConnectionRow.tenant_id == TenantRow.id)
        .outerjoin(ClientRow, ClientRow.id == ConnectionRow.client_id)
        .where(ConnectionRow.enabled, TenantRow.status == "active")
        .distinct()
    )
    return {(row.slug, row.key) for row in connection.execute(query)}


def literal_secrets(connection: Connection) -> Some:
    """Give the clients whose secret stands in a seed file itself."""
    query = (
        select(TenantRow.slug + "/" + ClientRow.key)
        .select_from(ClientRow)
        .join(TenantRow, TenantRow.id == ClientRow.tenant_id)
        .where(
            ClientRow.origin == "seed",
            or_(
                ClientRow.secret.is_not(None) & ClientRow.secret_ref.is_(None),
                ClientRow.private_key.is_not(None) & ClientRow.private_key_ref.is_(None),
            ),
        )
        .order_by(TenantRow.slug, ClientRow.key)
    )
    return _some(connection.execute(query).scalars())


def tenants_without_admin(connection: Connection) -> Some:
    """Give the active tenants in which nobody may change anything."""
    is_admin = or_(UserRow.role == "admin", UserRow.group_role == "admin")
    return _some(connection.execute(_tenants_lacking(is_admin)).scalars())


def required_without_break_glass(connection: Connection) -> Some:
    """Give the active tenants that require SSO and have nobody who gets in without it."""
    requires = exists().where(
        DomainRow.tenant_id == TenantRow.id, DomainRow.policy == "required", DomainRow.verified
    )
    may = UserRow.sso_exempt & UserRow.password_hash.is_not(None)
    return _some(connection.execute(_tenants_lacking(may).where(requires)).scalars())


def has_operator(connection: Connection) -> bool:
    """Whether anybody may see all tenants."""
    query = exists().where(UserRow.role == "operator", ~UserRow.disabled)
    return bool(connection.execute(select(query)).scalar())


def lost_proofs(connection: Connection) -> list[LostProof]:
    """Give the proven domains whose record is no more found, the longest gone first."""
    query = (
        select(DomainRow.name, TenantRow.slug, DomainProofRow.lost_since)
        .join(DomainRow, DomainRow.id == DomainProofRow.domain_id)
        .join(TenantRow, TenantRow.id == DomainRow.tenant_id)
        .where(DomainRow.verified, DomainProofRow.lost_since.is_not(None))
        .order_by(DomainProofRow.lost_since)
    )
    return [
        LostProof(name, slug, since) for name, slug, since in connection.execute(query) if since
    ]


def counts(connection: Connection) -> tuple[int, int]:
    """Give how many tenants and domains there are."""
    tenants = connection.execute(select(func.count()).select_from(TenantRow)).scalar_one()
    domains = connection.execute(select(func.count()).select_from(DomainRow)).scalar_one()
    return tenants, domains


def _tenants_lacking(person: Any) -> Select[str]:
    there = exists().where(UserRow.tenant_id == TenantRow.id, ~UserRow.disabled, person)
    return (
        select(TenantRow.slug).where(TenantRow.status == "active", ~there).order_by(TenantRow.slug)
    )


def _some(names: Iterable[str]) -> Some:
    found = list(names)
    return Some(len(found), tuple(found[:_MOST]))

"""The tables. Times are UTC; secrets are sealed bytes; JSON columns hold small settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.registry import Sealed
from portal.store import (  # noqa: F401 - so that the metadata knows every table
    link_tables,
    rollout_tables,
    watch_tables,
)
from portal.store.columns import Base


class TenantRow(Base):
    """A customer. `version` moves with every change to it, its clients or its connections."""

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint("status IN ('active','suspended')", name="status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(String(16), server_default="active")
    idle_minutes: Mapped[int] = mapped_column(server_default="60")
    absolute_hours: Mapped[int] = mapped_column(server_default="12")
    version: Mapped[int] = mapped_column(server_default="1")
    origin: Mapped[str] = mapped_column(String(8), server_default="admin")
    created_at: Mapped[datetime]


class ClientRow(Base):
    """A tenant's OIDC client. `*_ref` is the seed reference that a secret came from.

    `old_*` is what a new secret replaced, kept until the new one has worked.
    """

    __tablename__ = "clients"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(63))
    issuer: Mapped[str] = mapped_column(index=True)
    client_id: Mapped[str]
    auth_method: Mapped[str] = mapped_column(String(32))
    scopes: Mapped[list[str]]
    connection_param: Mapped[str]
    secret: Mapped[Sealed | None]
    secret_ref: Mapped[str | None]
    private_key: Mapped[Sealed | None]
    private_key_ref: Mapped[str | None]
    secret_set_at: Mapped[datetime | None]
    old_secret: Mapped[Sealed | None]
    old_private_key: Mapped[Sealed | None]
    old_set_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    origin: Mapped[str] = mapped_column(String(8), server_default="admin")


class ConnectionRow(Base):
    """A tenant's SSOJet connection; without a client it goes through the default one."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(63))
    name: Mapped[str]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id"), index=True)
    ssojet_connection: Mapped[str]
    authorize_params: Mapped[dict[str, Any]]
    enabled: Mapped[bool]
    email_verified: Mapped[str] = mapped_column(String(16))
    new_users: Mapped[str] = mapped_column(String(8))
    require_claims: Mapped[dict[str, Any]]
    role_claim: Mapped[str]
    roles: Mapped[dict[str, Any]]
    origin: Mapped[str] = mapped_column(String(8), server_default="admin")


class DomainRow(Base):
    """A domain that a tenant claims. Many may claim it, one can have it verified.

    The index that sees to it is one of `partial_indexes`.
    """

    __tablename__ = "domains"
    __table_args__ = (
        UniqueConstraint("name", "tenant_id"),
        Index("ix_domains_tenant_id_name", "tenant_id", "name"),
        CheckConstraint("policy IN ('password','optional','required')", name="policy"),
        CheckConstraint("rollout BETWEEN 0 AND 100", name="rollout"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(253))
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    policy: Mapped[str] = mapped_column(String(16))
    subdomains: Mapped[bool]
    verified: Mapped[bool]
    rollout: Mapped[int]
    origin: Mapped[str] = mapped_column(String(8), server_default="admin")


class DomainConnectionRow(Base):
    """Which connections a domain leads to, in the order in which people see them."""

    __tablename__ = "domain_connections"

    domain_id: Mapped[int] = mapped_column(
        ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"), index=True)


class DomainProofRow(Base):
    """The DNS challenge of a claimed domain, and how its last check ended.

    `lost_since`: a proven domain whose record was no more found, since when.
    """

    __tablename__ = "domain_proofs"

    domain_id: Mapped[int] = mapped_column(
        ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True
    )
    token: Mapped[str] = mapped_column(String(64))
    checked_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(16), server_default="")
    found: Mapped[list[str]]
    next_check_at: Mapped[datetime] = mapped_column(index=True)
    proven_at: Mapped[datetime | None]
    lost_since: Mapped[datetime | None]


class UserRow(Base):
    """An account: of one tenant, or an operator (of none). An address is one account."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_tenant_id_email_key", "tenant_id", "email_key"),
        CheckConstraint("(tenant_id IS NULL) = (role = 'operator')", name="operator"),
        CheckConstraint("role IN ('member','admin','operator')", name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str]
    tenant_id: Mapped[int | None] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None]
    password_ref: Mapped[str | None]
    group_role: Mapped[str | None] = mapped_column(String(16))
    sso_exempt: Mapped[bool] = mapped_column(server_default=text("false"))
    disabled: Mapped[bool] = mapped_column(server_default=text("false"))
    origin: Mapped[str] = mapped_column(String(8), server_default="admin")
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]


class IdentityRow(Base):
    """A person at an issuer, linked to an account of one tenant."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject", "tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str]
    client_id: Mapped[str]
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class SessionRow(Base):
    """A signed-in browser. The cookie's token is kept as its hash alone."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_issuer_sid", "issuer", "sid"),
        Index("ix_sessions_issuer_subject", "issuer", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    connection_id: Mapped[int | None] = mapped_column(
        ForeignKey("connections.id", ondelete="SET NULL"), index=True
    )
    connection_name: Mapped[str | None]
    issuer: Mapped[str | None]
    client_id: Mapped[str | None]
    subject: Mapped[str | None] = mapped_column(String(255))
    sid: Mapped[str | None]
    id_token: Mapped[Sealed | None]
    created_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ends_by: Mapped[datetime | None]
    network: Mapped[str]
    user_agent: Mapped[str]


class UploadRow(Base):
    """A file whose plan waits to be confirmed by whoever uploaded it, one for each person."""

    __tablename__ = "uploads"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    tenant_id: Mapped[int | None] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), index=True
    )
    file_name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SpentRow(Base):
    """Something that may be used once and has been, kept until it would have expired anyway."""

    __tablename__ = "spent"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ThrottleRow(Base):
    """One thing that a limit counts, by the hash of whom it counts against."""

    __tablename__ = "throttle"
    __table_args__ = (Index("ix_throttle_key_hash_at", "key_hash", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)


class AuditRow(Base):
    """One entry of the trail. `tenant_id` has no foreign key: the trail outlives its tenant."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_tenant_id_id", "tenant_id", "id"),
        Index("ix_audit_tenant_id_object", "tenant_id", "object"),
        Index("ix_audit_reference", "reference"),
        Index("ix_audit_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(32))
    tenant_id: Mapped[int | None]
    user_id: Mapped[int | None]
    actor: Mapped[str]
    object: Mapped[str]
    network: Mapped[str]
    reference: Mapped[str] = mapped_column(String(16))
    change_set: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]]


class SupportRow(Base):
    """A revision whose programs can run on the schema as it is now; written by migrating."""

    __tablename__ = "schema_supports"

    revision: Mapped[str] = mapped_column(String(64), primary_key=True)

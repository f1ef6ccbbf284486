"""The tables. Times are UTC; secrets are sealed bytes; JSON columns hold small settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Named,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from portal.core.registry import Sealed
from portal.store import (  # noqa: F401 - so that the metadata knows every table
    link_tables,
    rollout_tables,
    watch_tables,
)
from portal.store.columns import METADATA, Columns, SealedText, UtcDateTime


class TenantColumns(Columns):
    """A customer. `version` moves with every change to it, its clients or its connections."""

    id: Named[int] = Column(primary_key=True)
    slug: Named[str] = Column(String(63), unique=True)
    name: Named[str] = Column(Text)
    status: Named[str] = Column(String(16), server_default="active")
    idle_minutes: Named[int] = Column(server_default="60")
    absolute_hours: Named[int] = Column(server_default="12")
    version: Named[int] = Column(server_default="1")
    origin: Named[str] = Column(String(8), server_default="admin")
    created_at: Named[datetime] = Column(UtcDateTime)


TENANTS = Table(
    "tenants",
    METADATA,
    TenantColumns,
    CheckConstraint("status IN ('active','suspended')", name="status"),
)


class ClientColumns(Columns):
    """A tenant's OIDC client. `*_ref` is the seed reference that a secret came from.

    `old_*` is what a new secret replaced, kept until the new one has worked.
    """

    id: Named[int] = Column(primary_key=True)
    tenant_id: Named[int] = Column(ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Named[str] = Column(String(63))
    issuer: Named[str] = Column(Text, index=True)
    client_id: Named[str] = Column(Text)
    auth_method: Named[str] = Column(String(32))
    scopes: Named[list[str]] = Column(JSON)
    connection_param: Named[str] = Column(Text)
    secret: Named[Sealed | None] = Column(SealedText)
    secret_ref: Named[str | None] = Column(Text)
    private_key: Named[Sealed | None] = Column(SealedText)
    private_key_ref: Named[str | None] = Column(Text)
    secret_set_at: Named[datetime | None] = Column(UtcDateTime)
    old_secret: Named[Sealed | None] = Column(SealedText)
    old_private_key: Named[Sealed | None] = Column(SealedText)
    old_set_at: Named[datetime | None] = Column(UtcDateTime)
    refused_at: Named[datetime | None] = Column(UtcDateTime)
    origin: Named[str] = Column(String(8), server_default="admin")


CLIENTS = Table("clients", METADATA, ClientColumns, UniqueConstraint("tenant_id", "key"))


class ConnectionColumns(Columns):
    """A tenant's SSOJet connection; without a client it goes through the default one."""

    id: Named[int] = Column(primary_key=True)
    tenant_id: Named[int] = Column(ForeignKey("tenants.id", ondelete="CASCADE"))
    key: Named[str] = Column(String(63))
    name: Named[str] = Column(Text)
    client_id: Named[int | None] = Column(ForeignKey("clients.id"), index=True)
    ssojet_connection: Named[str] = Column(Text)
    authorize_params: Named[dict[str, Any]] = Column(JSON)
    enabled: Named[bool]
    email_verified: Named[str] = Column(String(16))
    new_users: Named[str] = Column(String(8))
    require_claims: Named[dict[str, Any]] = Column(JSON)
    role_claim: Named[str] = Column(Text)
    roles: Named[dict[str, Any]] = Column(JSON)
    origin: Named[str] = Column(String(8), server_default="admin")


CONNECTIONS = Table(
    "connections", METADATA, ConnectionColumns, UniqueConstraint("tenant_id", "key")
)


class DomainColumns(Columns):
    """A domain that a tenant claims. Many may claim it, one can have it verified.

    The index that sees to it is one of `partial_indexes`.
    """

    id: Named[int] = Column(primary_key=True)
    name: Named[str] = Column(String(253))
    tenant_id: Named[int] = Column(ForeignKey("tenants.id", ondelete="CASCADE"))
    policy: Named[str] = Column(String(16))
    subdomains: Named[bool]
    verified: Named[bool]
    rollout: Named[int]
    origin: Named[str] = Column(String(8), server_default="admin")


DOMAINS = Table(
    "domains",
    METADATA,
    DomainColumns,
    UniqueConstraint("name", "tenant_id"),
    Index("ix_domains_tenant_id_name", "tenant_id", "name"),
    CheckConstraint("policy IN ('password','optional','required')", name="policy"),
    CheckConstraint("rollout BETWEEN 0 AND 100", name="rollout"),
)


class DomainConnectionColumns(Columns):
    """Which connections a domain leads to, in the order in which people see them."""

    domain_id: Named[int] = Column(ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True)
    position: Named[int] = Column(primary_key=True)
    connection_id: Named[int] = Column(ForeignKey("connections.id"), index=True)


DOMAIN_CONNECTIONS = Table("domain_connections", METADATA, DomainConnectionColumns)


class DomainProofColumns(Columns):
    """The DNS challenge of a claimed domain, and how its last check ended.

    `lost_since`: a proven domain whose record was no more found, since when.
    """

    domain_id: Named[int] = Column(ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True)
    token: Named[str] = Column(String(64))
    checked_at: Named[datetime | None] = Column(UtcDateTime)
    outcome: Named[str] = Column(String(16), server_default="")
    found: Named[list[str]] = Column(JSON)
    next_check_at: Named[datetime] = Column(UtcDateTime, index=True)
    proven_at: Named[datetime | None] = Column(UtcDateTime)
    lost_since: Named[datetime | None] = Column(UtcDateTime)


DOMAIN_PROOFS = Table("domain_proofs", METADATA, DomainProofColumns)


class UserColumns(Columns):
    """An account: of one tenant, or an operator (of none). An address is one account."""

    id: Named[int] = Column(primary_key=True)
    email_key: Named[str] = Column(String(320), unique=True)
    email: Named[str] = Column(String(320))
    name: Named[str] = Column(Text)
    tenant_id: Named[int | None] = Column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    role: Named[str] = Column(String(16))
    password_hash: Named[str | None] = Column(Text)
    password_ref: Named[str | None] = Column(Text)
    group_role: Named[str | None] = Column(String(16))
    sso_exempt: Named[bool] = Column(server_default=text("false"))
    disabled: Named[bool] = Column(server_default=text("false"))
    origin: Named[str] = Column(String(8), server_default="admin")
    created_at: Named[datetime] = Column(UtcDateTime)
    last_sign_in_at: Named[datetime | None] = Column(UtcDateTime)


USERS = Table(
    "users",
    METADATA,
    UserColumns,
    Index("ix_users_tenant_id_email_key", "tenant_id", "email_key"),
    CheckConstraint("(tenant_id IS NULL) = (role = 'operator')", name="operator"),
    CheckConstraint("role IN ('member','admin','operator')", name="role"),
)


class IdentityColumns(Columns):
    """A person at an issuer, linked to an account of one tenant."""

    id: Named[int] = Column(primary_key=True)
    user_id: Named[int] = Column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tenant_id: Named[int] = Column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    issuer: Named[str] = Column(Text)
    client_id: Named[str] = Column(Text)
    subject: Named[str] = Column(String(255))
    created_at: Named[datetime] = Column(UtcDateTime)
    last_used_at: Named[datetime] = Column(UtcDateTime)


IDENTITIES = Table(
    "identities", METADATA, IdentityColumns, UniqueConstraint("issuer", "subject", "tenant_id")
)


class SessionColumns(Columns):
    """A signed-in browser. The cookie's token is kept as its hash alone."""

    id: Named[int] = Column(primary_key=True)
    token_hash: Named[str] = Column(String(64), unique=True)
    public_id: Named[str] = Column(String(32), unique=True)
    user_id: Named[int] = Column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    method: Named[str] = Column(String(16))
    connection_id: Named[int | None] = Column(
        ForeignKey("connections.id", ondelete="SET NULL"), index=True
    )
    connection_name: Named[str | None] = Column(Text)
    issuer: Named[str | None] = Column(Text)
    client_id: Named[str | None] = Column(Text)
    subject: Named[str | None] = Column(String(255))
    sid: Named[str | None] = Column(Text)
    id_token: Named[Sealed | None] = Column(SealedText)
    created_at: Named[datetime] = Column(UtcDateTime)
    authenticated_at: Named[datetime] = Column(UtcDateTime)
    last_seen_at: Named[datetime] = Column(UtcDateTime)
    ends_by: Named[datetime | None] = Column(UtcDateTime)
    network: Named[str] = Column(Text)
    user_agent: Named[str] = Column(Text)


SESSIONS = Table(
    "sessions",
    METADATA,
    SessionColumns,
    Index("ix_sessions_issuer_sid", "issuer", "sid"),
    Index("ix_sessions_issuer_subject", "issuer", "subject"),
)


class UploadColumns(Columns):
    """A file whose plan waits to be confirmed by whoever uploaded it, one for each person."""

    user_id: Named[int] = Column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    tenant_id: Named[int | None] = Column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    file_name: Named[str] = Column(String(200))
    content: Named[bytes]
    expires_at: Named[datetime] = Column(UtcDateTime, index=True)


UPLOADS = Table("uploads", METADATA, UploadColumns)


class SpentColumns(Columns):
    """Something that may be used once and has been, kept until it would have expired anyway."""

    token_hash: Named[str] = Column(String(64), primary_key=True)
    expires_at: Named[datetime] = Column(UtcDateTime, index=True)


SPENT = Table("spent", METADATA, SpentColumns)


class ThrottleColumns(Columns):
    """One thing that a limit counts, by the hash of whom it counts against."""

    id: Named[int] = Column(primary_key=True)
    key_hash: Named[str] = Column(String(64))
    at: Named[datetime] = Column(UtcDateTime, index=True)


THROTTLE = Table(
    "throttle", METADATA, ThrottleColumns, Index("ix_throttle_key_hash_at", "key_hash", "at")
)


class AuditColumns(Columns):
    """One entry of the trail. `tenant_id` has no foreign key: the trail outlives its tenant."""

    id: Named[int] = Column(primary_key=True)
    at: Named[datetime] = Column(UtcDateTime)
    event: Named[str] = Column(String(64))
    outcome: Named[str] = Column(String(32))
    tenant_id: Named[int | None]
    user_id: Named[int | None]
    actor: Named[str] = Column(Text)
    object: Named[str] = Column(Text)
    network: Named[str] = Column(Text)
    reference: Named[str] = Column(String(16))
    change_set: Named[str | None] = Column(String(32))
    detail: Named[dict[str, Any]] = Column(JSON)


AUDIT = Table(
    "audit",
    METADATA,
    AuditColumns,
    Index("ix_audit_tenant_id_id", "tenant_id", "id"),
    Index("ix_audit_tenant_id_object", "tenant_id", "object"),
    Index("ix_audit_reference", "reference"),
    Index("ix_audit_at", "at"),
)


class SupportColumns(Columns):
    """A revision whose programs can run on the schema as it is now; written by migrating."""

    revision: Named[str] = Column(String(64), primary_key=True)


SCHEMA_SUPPORTS = Table("schema_supports", METADATA, SupportColumns)

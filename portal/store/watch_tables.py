"""The tables of what the portal watches: issuers, sign-ins under way, connections that are down.

Their rows are short-lived facts, not the registry: no foreign key ties a writer of sign-ins to it.
"""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Named, String, Table, Text, text

from portal.store.columns import METADATA, Columns, UtcDateTime


class IssuerHealthColumns(Columns):
    """How the last look at an issuer ended; `failures` counts the looks in a row that failed."""

    issuer: Named[str] = Column(Text, primary_key=True)
    next_check_at: Named[datetime] = Column(UtcDateTime, index=True)
    checked_at: Named[datetime | None] = Column(UtcDateTime)
    problem: Named[str] = Column(Text, server_default="")
    is_down: Named[bool] = Column(server_default=text("false"))
    keys: Named[int] = Column(server_default="0")  # type: ignore[assignment] # `c["keys"]`
    algorithms: Named[int] = Column(server_default="0")
    ahead_seconds: Named[int | None]
    failures: Named[int] = Column(server_default="0")
    failing_since: Named[datetime | None] = Column(UtcDateTime)
    good_at: Named[datetime | None] = Column(UtcDateTime)


ISSUER_HEALTH = Table("issuer_health", METADATA, IssuerHealthColumns)


class OutageColumns(Columns):
    """A connection that is down, or was of late; `is_told_down` is what its admins heard last.

    `down_since` is None once it is back. It goes with its connection: SQLite may give the number
    of one that is gone to another.
    """

    connection_id: Named[int] = Column(
        ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    )
    down_since: Named[datetime | None] = Column(UtcDateTime)
    cause: Named[str] = Column(String(16), server_default="")
    is_told_down: Named[bool] = Column(server_default=text("false"))
    down_told_at: Named[datetime | None] = Column(UtcDateTime)
    back_told_at: Named[datetime | None] = Column(UtcDateTime)


OUTAGES = Table("outages", METADATA, OutageColumns)


class StartedColumns(Columns):
    """A sign-in that was sent to its provider; `back_at` once its answer came.

    `key` is the name of its cookie, a hash of its state.
    """

    key: Named[str] = Column(String(16), primary_key=True)
    at: Named[datetime] = Column(UtcDateTime, index=True)
    tenant_id: Named[int]
    connection_id: Named[int]
    actor: Named[str] = Column(String(320))
    network: Named[str] = Column(Text)
    reference: Named[str] = Column(String(16), index=True)
    back_at: Named[datetime | None] = Column(UtcDateTime)


STARTED_SIGN_INS = Table(
    "started_sign_ins",
    METADATA,
    StartedColumns,
    Index("ix_started_sign_ins_tenant_id_at", "tenant_id", "at"),
)

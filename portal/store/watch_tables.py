"""The tables of what the portal watches: issuers, sign-ins under way, connections that are down.

Their rows are short-lived facts, not the registry: no foreign key ties a writer of sign-ins to it.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.store.columns import Base


class IssuerHealthRow(Base):
    """How the last look at an issuer ended; `failures` counts the looks in a row that failed."""

    __tablename__ = "issuer_health"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    next_check_at: Mapped[datetime] = mapped_column(index=True)
    checked_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(server_default="")
    is_down: Mapped[bool] = mapped_column(server_default=text("false"))
    keys: Mapped[int] = mapped_column(server_default="0")
    algorithms: Mapped[int] = mapped_column(server_default="0")
    ahead_seconds: Mapped[int | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    good_at: Mapped[datetime | None]


class OutageRow(Base):
    """A connection that is down, or was of late; `is_told_down` is what its admins heard last.

    `down_since` is None once it is back. It goes with its connection: SQLite may give the number
    of one that is gone to another.
    """

    __tablename__ = "outages"

    connection_id: Mapped[int] = mapped_column(
        ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    )
    down_since: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(String(16), server_default="")
    is_told_down: Mapped[bool] = mapped_column(server_default=text("false"))
    down_told_at: Mapped[datetime | None]
    back_told_at: Mapped[datetime | None]


class StartedRow(Base):
    """A sign-in that was sent to its provider; `back_at` once its answer came.

    `key` is the name of its cookie, a hash of its state.
    """

    __tablename__ = "started_sign_ins"
    __table_args__ = (Index("ix_started_sign_ins_tenant_id_at", "tenant_id", "at"),)

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    tenant_id: Mapped[int]
    connection_id: Mapped[int]
    actor: Mapped[str] = mapped_column(String(320))
    network: Mapped[str]
    reference: Mapped[str] = mapped_column(String(16), index=True)
    back_at: Mapped[datetime | None]

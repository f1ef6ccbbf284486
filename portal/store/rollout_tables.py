"""The tables around safe enforcement: planned rollouts, break-glass people, mail to be sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.registry import Sealed
from portal.store.columns import Base


class RolloutPlanRow(Base):
    """What is planned for a domain: steps as `[date, per cent]`, of which `done` have been taken.

    `due_at` is when the next step comes, None where none does. `way_before` and `way_left` are
    policy and rollout before and after the last step; `told` says why a plan is held or stopped.
    """

    __tablename__ = "rollout_plans"

    domain_id: Mapped[int] = mapped_column(
        ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True
    )
    steps: Mapped[list[Any]] = mapped_column(JSON)
    done: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(String(16), server_default="planned")
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    planned_by: Mapped[str] = mapped_column(String(320))
    planned_at: Mapped[datetime]
    way_before: Mapped[dict[str, Any]]
    way_left: Mapped[dict[str, Any]]
    stepped_at: Mapped[datetime | None]
    watched_until: Mapped[datetime | None] = mapped_column(index=True)
    told: Mapped[dict[str, Any]]


class BreakGlassRow(Base):
    """Why somebody is break-glass, and when they last got in by it; `told_at`: by mail."""

    __tablename__ = "break_glass"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    reason: Mapped[str] = mapped_column(server_default="")
    marked_by: Mapped[str] = mapped_column(String(320), server_default="")
    marked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class OutboxRow(Base):
    """A mail on its way; its text is sealed, for it may hold a link that lets somebody in.

    `link_id` is that link; a short-lived fact, no foreign key.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(server_default="0")
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str]
    content: Mapped[Sealed]
    link_id: Mapped[int | None] = mapped_column(index=True)

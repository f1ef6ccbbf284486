"""The tables around safe enforcement: planned rollouts, break-glass people, mail to be sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Named, String, Table, Text

from portal.core.registry import Sealed
from portal.store.columns import METADATA, Columns, SealedText, UtcDateTime


class RolloutPlanColumns(Columns):
    """What is planned for a domain: steps as `[date, per cent]`, of which `done` have been taken.

    `due_at` is when the next step comes, None where none does. `way_before` and `way_left` are
    policy and rollout before and after the last step; `told` says why a plan is held or stopped.
    """

    domain_id: Named[int] = Column(ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True)
    steps: Named[list[Any]] = Column(JSON)
    done: Named[int] = Column(server_default="0")
    state: Named[str] = Column(String(16), server_default="planned")
    due_at: Named[datetime | None] = Column(UtcDateTime, index=True)
    planned_by: Named[str] = Column(String(320))
    planned_at: Named[datetime] = Column(UtcDateTime)
    way_before: Named[dict[str, Any]] = Column(JSON)
    way_left: Named[dict[str, Any]] = Column(JSON)
    stepped_at: Named[datetime | None] = Column(UtcDateTime)
    watched_until: Named[datetime | None] = Column(UtcDateTime, index=True)
    told: Named[dict[str, Any]] = Column(JSON)


ROLLOUT_PLANS = Table("rollout_plans", METADATA, RolloutPlanColumns)


class BreakGlassColumns(Columns):
    """Why somebody is break-glass, and when they last got in by it; `told_at`: by mail."""

    user_id: Named[int] = Column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    reason: Named[str] = Column(Text, server_default="")
    marked_by: Named[str] = Column(String(320), server_default="")
    marked_at: Named[datetime | None] = Column(UtcDateTime)
    used_at: Named[datetime | None] = Column(UtcDateTime)
    told_at: Named[datetime | None] = Column(UtcDateTime)


BREAK_GLASS = Table("break_glass", METADATA, BreakGlassColumns)


class OutboxColumns(Columns):
    """A mail on its way; its text is sealed, for it may hold a link that lets somebody in.

    `link_id` is that link; a short-lived fact, no foreign key.
    """

    id: Named[int] = Column(primary_key=True)
    created_at: Named[datetime] = Column(UtcDateTime)
    due_at: Named[datetime] = Column(UtcDateTime, index=True)
    tries: Named[int] = Column(server_default="0")
    recipient: Named[str] = Column(String(320))
    subject: Named[str] = Column(Text)
    content: Named[Sealed] = Column(SealedText)
    link_id: Named[int | None] = Column(index=True)


OUTBOX = Table("outbox", METADATA, OutboxColumns)

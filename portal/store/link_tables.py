"""The table of links that were given to people: set-up links, invitations, new passwords."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.store.columns import Base


class LinkRow(Base):
    """A link: the hash of its token, what it opens, until when, and what came of it.

    `user_id`: whose password or invitation it is; a set-up link is nobody's account. `session_*`:
    the set-up session that its button began.
    """

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_tenant_id_created_at", "tenant_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    for_whom: Mapped[str]
    address: Mapped[str] = mapped_column(String(320), server_default="")
    allows: Mapped[list[str]]
    made_by: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    mailed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    session_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    session_ends_at: Mapped[datetime | None]

"""The table of links that were given to people: set-up links, invitations, new passwords."""

from datetime import datetime

from sqlalchemy import JSON, Column, ForeignKey, Index, Named, String, Table, Text

from portal.store.columns import METADATA, Columns, UtcDateTime


class LinkColumns(Columns):
    """A link: the hash of its token, what it opens, until when, and what came of it.

    `user_id`: whose password or invitation it is; a set-up link is nobody's account. `session_*`:
    the set-up session that its button began.
    """

    id: Named[int] = Column(primary_key=True)
    token_hash: Named[str] = Column(String(64), unique=True)
    kind: Named[str] = Column(String(16))
    tenant_id: Named[int] = Column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Named[int | None] = Column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    for_whom: Named[str] = Column(Text)
    address: Named[str] = Column(String(320), server_default="")
    allows: Named[list[str]] = Column(JSON)
    made_by: Named[str] = Column(String(320))
    created_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime] = Column(UtcDateTime, index=True)
    mailed_at: Named[datetime | None] = Column(UtcDateTime)
    used_at: Named[datetime | None] = Column(UtcDateTime)
    revoked_at: Named[datetime | None] = Column(UtcDateTime)
    session_hash: Named[str | None] = Column(String(64), unique=True)
    session_ends_at: Named[datetime | None] = Column(UtcDateTime)


LINKS = Table(
    "links",
    METADATA,
    LinkColumns,
    Index("ix_links_tenant_id_created_at", "tenant_id", "created_at"),
)

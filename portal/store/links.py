"""Links that were given to people, found by the hash of their token; each counts once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from portal.crypto import new_token, token_hash
from portal.store.engine import AnyRow
from portal.store.link_tables import LINKS
from portal.store.tables import TENANTS
from portal.store.tenant_items import TenantRef


class LinkKind(StrEnum):
    """What a link is for."""

    SETUP = "setup"
    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105 - a kind, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link as somebody makes it."""

    kind: LinkKind
    tenant_id: int
    user_id: int | None = None
    for_whom: str
    address: str = ""
    allows: tuple[str, ...] = ()
    made_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(NewLink):
    """A link as it stands. Its token is nowhere but in the hands of whom it was given to."""

    id: int
    mailed_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    session_ends_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether its button would still work."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at

    def is_under_way(self, now: datetime) -> bool:
        """Whether the set-up session that it began still lives."""
        return (
            self.revoked_at is None
            and self.session_ends_at is not None
            and now < self.session_ends_at
        )


def make(connection: Connection, new: NewLink) -> tuple[Link, str]:
    """Keep a new link; give it with its token, which is kept as its hash alone."""
    token = new_token()
    values = {name: getattr(new, name) for name in NewLink.__slots__}
    values |= {"token_hash": token_hash(token), "allows": list(new.allows)}
    added = insert(LINKS).values(**values).returning(LINKS.c.id)
    return Link(id=connection.execute(added).scalar_one(), **_plain(new)), token


def _plain(new: NewLink) -> dict[str, Any]:
    return {name: getattr(new, name) for name in NewLink.__slots__}


def by_token(connection: Connection, token: str) -> Link | None:
    """Give the link of a token, whatever has become of it."""
    return _one(connection, LINKS.c.token_hash == token_hash(token))


def of_number(connection: Connection, number: int) -> tuple[Link, TenantRef] | None:
    """Give a link by its number, with its tenant."""
    query = select(LINKS, TENANTS.c.slug).join(TENANTS, TENANTS.c.id == LINKS.c.tenant_id)
    row = connection.execute(query.where(LINKS.c.id == number)).first()
    return (_link(row), TenantRef(row.tenant_id, row.slug)) if row else None


def by_session(connection: Connection, token: str) -> Link | None:
    """Give the link whose button began this set-up session."""
    return _one(connection, LINKS.c.session_hash == token_hash(token))


def latest_of_user(connection: Connection, user_id: int) -> Link | None:
    """Give the newest link that was made for somebody."""
    return _one(connection, LINKS.c.user_id == user_id)


def live_of_tenant(connection: Connection, tenant_id: int, now: datetime) -> list[Link]:
    """Give the set-up links of a tenant that are open or under way, the newest first."""
    query = (
        select(LINKS)
        .where(
            LINKS.c.tenant_id == tenant_id,
            LINKS.c.kind == LinkKind.SETUP,
            LINKS.c.revoked_at.is_(None),
            or_(
                LINKS.c.used_at.is_(None) & (LINKS.c.expires_at > now),
                LINKS.c.session_ends_at > now,
            ),
        )
        .order_by(LINKS.c.id.desc())
    )
    return [_link(row) for row in connection.execute(query)]


def use(
    connection: Connection,
    link_id: int,
    now: datetime,
    *,
    session: str | None = None,
    session_ends_at: datetime | None = None,
) -> bool:
    """Spend a link; True for its first user alone, over all processes. `session` is a token."""
    values = {
        "used_at": now,
        "session_hash": token_hash(session) if session else None,
        "session_ends_at": session_ends_at,
    }
    still_open = (
        LINKS.c.id == link_id,
        LINKS.c.used_at.is_(None),
        LINKS.c.revoked_at.is_(None),
        LINKS.c.expires_at > now,
    )
    return _changed(connection, still_open, **values) == 1


def revoke(connection: Connection, tenant_id: int, link_id: int, now: datetime) -> bool:
    """Take a tenant's link back, with the session that it began; whether it was live."""
    mine = (LINKS.c.id == link_id, LINKS.c.tenant_id == tenant_id, LINKS.c.revoked_at.is_(None))
    return _changed(connection, mine, revoked_at=now) == 1


def revoke_of_user(connection: Connection, user_id: int, now: datetime, *, but: int = 0) -> int:
    """Take back every link of an account that is not used, `but` for one; give how many."""
    mine = (
        LINKS.c.user_id == user_id,
        LINKS.c.id != but,
        LINKS.c.used_at.is_(None),
        LINKS.c.revoked_at.is_(None),
    )
    return _changed(connection, mine, revoked_at=now)


def end_session(connection: Connection, link_id: int, now: datetime) -> bool:
    """End the set-up session of a link; whether it was still alive."""
    alive = (LINKS.c.id == link_id, LINKS.c.session_ends_at > now)
    return _changed(connection, alive, session_ends_at=now) == 1


def note_mailed(connection: Connection, link_id: int, now: datetime) -> None:
    """Note that a link's mail was handed over."""
    _changed(connection, (LINKS.c.id == link_id,), mailed_at=now)


def made_since(
    connection: Connection, tenant_id: int, since: datetime, *, address: str = ""
) -> int:
    """Count the links that a tenant mailed, or tried to, since a time; to one address or to any."""
    query = select(func.count()).where(
        LINKS.c.tenant_id == tenant_id,
        LINKS.c.created_at > since,
        LINKS.c.address == address if address else LINKS.c.address != "",
    )
    return connection.execute(query).scalar_one()


def _one(connection: Connection, where: ColumnElement[bool]) -> Link | None:
    row = connection.execute(select(LINKS).where(where).order_by(LINKS.c.id.desc())).first()
    return _link(row) if row else None


def _changed(connection: Connection, where: Sequence[ColumnElement[bool]], **values: object) -> int:
    return connection.execute(update(LINKS).where(*where).values(**values)).rowcount


def _link(row: AnyRow) -> Link:
    return Link(
        id=row.id,
        kind=LinkKind(row.kind),
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        for_whom=row.for_whom,
        address=row.address,
        allows=tuple(row.allows),
        made_by=row.made_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        mailed_at=row.mailed_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
        session_ends_at=row.session_ends_at,
    )

"""Sessions: opened at every sign-in, found by the hash of the cookie's token, ended by deletion."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from portal.core.session import Session, SignedInBy
from portal.crypto import new_token, token_hash
from portal.store.accounts import ACCOUNT_COLUMNS, account_from
from portal.store.prepared import Place, Statement, insert_into
from portal.store.tables import SESSIONS, TENANTS, USERS

_SESSIONS = (
    select(
        SESSIONS.c.id,
        SESSIONS.c.public_id,
        SESSIONS.c.method,
        SESSIONS.c.connection_id,
        SESSIONS.c.connection_name,
        SESSIONS.c.issuer,
        SESSIONS.c.client_id,
        SESSIONS.c.subject,
        SESSIONS.c.sid,
        SESSIONS.c.id_token,
        SESSIONS.c.created_at,
        SESSIONS.c.authenticated_at,
        SESSIONS.c.last_seen_at,
        SESSIONS.c.ends_by,
        SESSIONS.c.network,
        SESSIONS.c.user_agent,
        *ACCOUNT_COLUMNS,
    )
    .join(USERS, USERS.c.id == SESSIONS.c.user_id)
    .outerjoin(TENANTS, TENANTS.c.id == USERS.c.tenant_id)
)


_BY_TOKEN = Statement(_SESSIONS.where(SESSIONS.c.token_hash == bindparam("token_hash")))
_OF_ACCOUNT = Statement(
    _SESSIONS.where(SESSIONS.c.user_id == bindparam("account_id")).order_by(SESSIONS.c.id.desc())
)
_OWN = SESSIONS.alias("own")
_BESIDE = Statement(
    _SESSIONS.add_columns(SESSIONS.c.token_hash)
    .where(
        SESSIONS.c.user_id
        == select(_OWN.c.user_id)
        .where(_OWN.c.token_hash == bindparam("own_hash"))
        .scalar_subquery()
    )
    .order_by(SESSIONS.c.id.desc())
)
_OPEN = Statement(insert_into(SESSIONS))
_END_BY_TOKEN = Statement(delete(SESSIONS).where(SESSIONS.c.token_hash == bindparam("of_hash")))


def open_session(
    place: Place,
    user_id: int,
    by: SignedInBy,
    *,
    now: datetime,
    authenticated_at: datetime | None = None,
    ends_by: datetime | None = None,
    network: str = "",
    user_agent: str = "",
) -> str:
    """Open a session and give the token for its cookie; only the token's hash is kept."""
    token = new_token()
    values = {
        "token_hash": token_hash(token),
        "public_id": secrets.token_hex(8),
        "user_id": user_id,
        "method": by.method,
        "connection_id": by.connection_id,
        "connection_name": by.connection_name,
        "issuer": by.issuer,
        "client_id": by.client_id,
        "subject": by.subject,
        "sid": by.sid,
        "id_token": by.id_token,
        "created_at": now,
        "authenticated_at": authenticated_at or now,
        "last_seen_at": now,
        "ends_by": ends_by,
        "network": network,
        "user_agent": user_agent[:300],
    }
    _OPEN.ask(place, values)
    return token


def load(place: Place, token: str) -> Session | None:
    """Give the session of a cookie's token, live or not, or None."""
    row = _BY_TOKEN.first(place, {"token_hash": token_hash(token)})
    return _session(row) if row else None


def load_beside(place: Place, token: str) -> tuple[Session | None, list[Session]]:
    """Give the session of a cookie's token, and all of its account, the newest first; one query."""
    own_hash = token_hash(token)
    own, found = None, []
    for row in _BESIDE.rows(place, {"own_hash": own_hash}):
        found.append(_session(row))
        if row.token_hash == own_hash:
            own = found[-1]
    return own, found


def of_account(place: Place, account_id: int) -> list[Session]:
    """Give every session of an account, the newest first."""
    return [_session(row) for row in _OF_ACCOUNT.rows(place, {"account_id": account_id})]


def touch(connection: Connection, session: Session, now: datetime) -> None:
    """Note that the session was used, and so move its idle end."""
    connection.execute(update(SESSIONS).where(SESSIONS.c.id == session.id).values(last_seen_at=now))


def end(connection: Connection, session_id: int) -> bool:
    """End one session; give whether it was there."""
    return _end_where(connection, [SESSIONS.c.id == session_id]) > 0


def end_by_token(place: Place, token: str) -> None:
    """End the session of a cookie's token, where there is one."""
    _END_BY_TOKEN.ask(place, {"of_hash": token_hash(token)})


def end_by_public_id(connection: Connection, public_id: str, *, account_id: int) -> bool:
    """End one of an account's sessions by the name that pages give it."""
    return (
        _end_where(
            connection, [SESSIONS.c.public_id == public_id, SESSIONS.c.user_id == account_id]
        )
        > 0
    )


def end_of_account(connection: Connection, account_id: int, *, keep: int | None = None) -> int:
    """End every session of an account, but for one to `keep`; give how many."""
    where = [SESSIONS.c.user_id == account_id]
    if keep is not None:
        where.append(SESSIONS.c.id != keep)
    return _end_where(connection, where)


def end_of_tenant(connection: Connection, tenant_id: int) -> int:
    """End every session of a tenant's people; give how many."""
    people = select(USERS.c.id).where(USERS.c.tenant_id == tenant_id)
    return _end_where(connection, [SESSIONS.c.user_id.in_(people)])


def end_at_provider(
    connection: Connection,
    *,
    issuer: str,
    client_ids: Sequence[str],
    sid: str | None,
    subject: str | None,
) -> int:
    """End what a provider says has ended: the session `sid`, or all of a subject; give how many.

    Only sessions of these clients at this issuer (OpenID Connect Back-Channel Logout, 2.7).
    """
    assert sid or subject, "a logout token names a session or a subject"
    where: list[ColumnElement[bool]] = [
        SESSIONS.c.issuer == issuer,
        SESSIONS.c.client_id.in_(client_ids),
    ]
    if sid:
        where.append(SESSIONS.c.sid == sid)
    if subject:
        where.append(SESSIONS.c.subject == subject)
    return _end_where(connection, where)


def _end_where(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    return connection.execute(delete(SESSIONS).where(*where)).rowcount


def _session(row: Any) -> Session:
    return Session(
        id=row.id,
        public_id=row.public_id,
        account=account_from(row),
        by=SignedInBy(
            method=row.method,
            connection_id=row.connection_id,
            connection_name=row.connection_name,
            issuer=row.issuer,
            client_id=row.client_id,
            subject=row.subject,
            sid=row.sid,
            id_token=row.id_token,
        ),
        created_at=row.created_at,
        authenticated_at=row.authenticated_at,
        last_seen_at=row.last_seen_at,
        ends_by=row.ends_by,
        network=row.network,
        user_agent=row.user_agent,
    )

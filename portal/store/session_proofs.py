"""When the person of a session last proved who they are."""

from datetime import datetime

from sqlalchemy import Connection, update

from portal.store.tables import SESSIONS


def renew(connection: Connection, session_id: int, now: datetime) -> None:
    """Note that the person of a session has just proven again who they are."""
    connection.execute(
        update(SESSIONS).where(SESSIONS.c.id == session_id).values(authenticated_at=now)
    )

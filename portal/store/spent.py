"""Single use: what was used once is kept, by its hash, until it would have expired anyway."""

from datetime import datetime

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from portal.crypto import token_hash
from portal.store.tables import SpentRow


def spend(connection: Connection, token: str, *, expires_at: datetime) -> bool:
    """Mark a token as used; True for its first user alone, over all processes.

    It counts once the caller's transaction is committed.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(SpentRow)
        .values(token_hash=token_hash(token), expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(SpentRow.token_hash)
    )
    return connection.execute(statement).first() is not None


def sweep(connection: Connection, now: datetime) -> int:
    """Forget what has expired; give how many."""
    return connection.execute(delete(SpentRow).where(SpentRow.expires_at < now)).rowcount

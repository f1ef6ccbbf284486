"""Single use: what was used once is kept, by its hash, until it would have expired anyway."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from portal.crypto import token_hash
from portal.store.engine import Database
from portal.store.tables import SpentRow


def spend(database: Database, token: str, *, expires_at: datetime) -> bool:
    """Mark a token as used, in a transaction of its own; True for its first user alone."""
    insert = sqlite.insert if database.is_sqlite else postgresql.insert
    statement = (
        insert(SpentRow)
        .values(token_hash=token_hash(token), expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(SpentRow.token_hash)
    )
    with database.transaction() as connection:
        return connection.execute(statement).first() is not None


def sweep(database: Database, now: datetime) -> int:
    """Forget what has expired; give how many."""
    with database.transaction() as connection:
        return connection.execute(delete(SpentRow).where(SpentRow.expires_at < now)).rowcount

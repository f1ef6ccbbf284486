"""Single use: what was used once is kept, by its hash, until it would have expired anyway."""

from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from portal.crypto import token_hash
from portal.store.columns import table
from portal.store.tables import SpentRow

_SPENT = table(SpentRow)
_SPEND = {
    "sqlite": sqlite.insert(_SPENT).on_conflict_do_nothing().returning(_SPENT.c.token_hash),
    "postgresql": postgresql.insert(_SPENT).on_conflict_do_nothing().returning(_SPENT.c.token_hash),
}


def spend(connection: Connection, token: str, *, expires_at: datetime) -> bool:
    """Mark a token as used; True for its first user alone, over all processes.

    It counts once the caller's transaction is committed.
    """
    values = {"token_hash": token_hash(token), "expires_at": expires_at}
    return connection.execute(_SPEND[connection.dialect.name], values).first() is not None

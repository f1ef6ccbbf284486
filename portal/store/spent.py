"""Single use: what was used once is kept, by its hash, until it would have expired anyway."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam

from portal.crypto import token_hash
from portal.store.prepared import Asked, Place, Statement
from portal.store.tables import SPENT
from portal.store.upserts import upsert

_VALUES: dict[str, Any] = {
    "token_hash": bindparam("token_hash"),
    "expires_at": bindparam("expires_at"),
}


@cache
def _spend(dialect: str) -> Statement:
    return Statement(upsert(SPENT, dialect=dialect).values(_VALUES).on_conflict_do_nothing())


def spend(place: Place, token: str, *, expires_at: datetime) -> bool:
    """Mark a token as used; True for its first user alone, over all processes.

    It counts once the caller's transaction is committed.
    """
    return ask(place, token, expires_at=expires_at).count() == 1


def ask(place: Place, token: str, *, expires_at: datetime) -> Asked:
    """Ask what `spend` does, without waiting; the count is 1 for the first user alone."""
    values = {"token_hash": token_hash(token), "expires_at": expires_at}
    return _spend(place.dialect.name).ask(place, values)

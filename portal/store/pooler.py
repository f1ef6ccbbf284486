"""Poolers before PostgreSQL: whether a connection keeps what is left on it.

A pooler may lend a server's connection for one transaction only (PgBouncer's
`pool_mode = transaction`). Then temporary tables are lost between two of them, or are somebody
else's; so are prepared statements, unless the pooler knows of them (PgBouncer 1.21 and newer).
"""

from contextlib import ExitStack
from enum import Enum, auto

from sqlalchemy.exc import DatabaseError

from portal.store.engine import Database, DatabaseGoneError

_ROUNDS = 3
_WHOSE = "SELECT pg_backend_pid()"
_LOST = frozenset({"26000", "42P05"})  # a prepared statement is not there; is there already


class Lending(Enum):
    """How long a connection stays one with its server's."""

    FOR_GOOD = auto()
    BY_TRANSACTION = auto()
    BY_TRANSACTION_AND_FORGETFUL = auto()


class PoolerError(Exception):
    """A pooler does not keep what the portal needs; the message says how to mend it."""


def lending(database: Database) -> Lending:
    """Ask over two connections in turn who serves them, by a statement that each prepares."""
    if database.is_sqlite:
        return Lending.FOR_GOOD
    served: tuple[list[int], list[int]] = [], []
    try:
        with ExitStack() as stack:
            places = [stack.enter_context(database.quick_read()) for _ in served]
            for _ in range(_ROUNDS):
                for place, pids in zip(places, served, strict=True):
                    [[pid]] = place.lane.ask(_WHOSE, ()).rows()
                    pids.append(int(pid))
    except (DatabaseGoneError, DatabaseError) as error:
        if _state_of(error) in _LOST:
            return Lending.BY_TRANSACTION_AND_FORGETFUL
        raise
    one, other = map(set, served)
    is_own = len(one) == len(other) == 1 and one != other
    return Lending.FOR_GOOD if is_own else Lending.BY_TRANSACTION


def check_statements_stay(database: Database) -> None:
    """Raise PoolerError where prepared statements are lost: nobody could sign in."""
    if lending(database) is Lending.BY_TRANSACTION_AND_FORGETFUL:
        raise PoolerError(f"{FORGETFUL}: {FORGETFUL_MEND}")


def check_connections_stay(database: Database) -> None:
    """Raise PoolerError where temporary tables are lost: two plans could get mixed up."""
    if lending(database) is not Lending.FOR_GOOD:
        raise PoolerError(f"{BY_TRANSACTION}: {BY_TRANSACTION_MEND}")


FORGETFUL = "the database's pooler loses prepared statements"
FORGETFUL_MEND = (
    "set its pool_mode to session, or use PgBouncer 1.21 or newer with max_prepared_statements"
)
BY_TRANSACTION = (
    "the database's pooler lends connections by transaction; files of domains need one for longer"
)
BY_TRANSACTION_MEND = (
    "give `portal seed` PostgreSQL's own address in PORTAL_DATABASE_URL, "
    "or set pool_mode to session"
)


def _state_of(error: Exception) -> str | None:
    cause = error.__cause__ or error
    state: str | None = getattr(getattr(cause, "orig", None) or cause, "sqlstate", None)
    return state

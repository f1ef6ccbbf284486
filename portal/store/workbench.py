"""One connection for a long piece of work: prepared in temporary tables, written in one go.

What takes long (filling temporary tables, comparing) happens outside any transaction, so that the
write itself, during which SQLite lets no other writer in, is as short as it can be.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from portal.store.engine import BUSY_SECONDS, CACHE_KIB, Database

_LOCK = 0x73656564  # any number, the same in every process
_WAIT_SECONDS = 600


class Workbench:
    """A connection in autocommit with one explicit, exclusive transaction."""

    def __init__(self, connection: Connection, *, is_sqlite: bool, patience: int = 0) -> None:
        self.connection = connection
        self._patience = patience
        self.is_sqlite = is_sqlite
        self._inside = False

    @property
    def is_gone(self) -> bool:
        """Whether the connection is lost, and with it its transaction and temporary tables."""
        return self.connection.invalidated

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write, all or nothing; a second one waits until the first has ended.

        A process that dies ends its transaction and its lock with it.
        """
        with self._block("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN"):
            if not self.is_sqlite:
                if self._patience:
                    self._run(f"SET LOCAL lock_timeout = '{self._patience}s'")
                self.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield self.connection

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read much, as of one moment, or fill temporary tables; on SQLite this locks nobody out.

        Within another block it is part of that one.
        """
        if self._inside:
            yield
            return
        begin = "BEGIN" if self.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ"
        with self._block(begin):
            yield

    @contextmanager
    def _block(self, begin: str) -> Iterator[None]:
        self._run(begin)
        self._inside = True
        try:
            yield
        except BaseException:
            if not self.is_gone:
                self._run("ROLLBACK")
            raise
        else:
            self._run("COMMIT")
        finally:
            self._inside = False

    def _run(self, statement: str) -> None:
        self.connection.exec_driver_sql(statement)


@contextmanager
def open_workbench(database: Database, *, patience: int = 0) -> Iterator[Workbench]:
    """Open a connection for long work, and leave it as it was for whoever gets it next.

    `patience` is for how many seconds it waits for another writer; 0 is as long as that may take.
    """
    with database.read() as connection:
        bench = Workbench(connection, is_sqlite=database.is_sqlite, patience=patience)
        if not database.is_sqlite:
            yield bench
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout={(patience or _WAIT_SECONDS) * 1000}")
        connection.exec_driver_sql("PRAGMA cache_size=-32768")
        connection.exec_driver_sql("PRAGMA temp.cache_size=-16384")
        try:
            yield bench
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
            connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KIB}")
            connection.exec_driver_sql("PRAGMA temp.cache_size=-2000")

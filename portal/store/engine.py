"""The database: reads without a transaction, changes in short ones, a fast lane for look-ups."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portal.core.waits import NOBODY_WAITS, Waits
from portal.store.held import HeldConnections, HeldPlace
from portal.store.lanes import Arrange, Rows, in_order

__all__ = [
    "AnyRow",
    "Database",
    "DatabaseGoneError",
    "DatabaseMissingError",
    "IntegrityError",
    "Prepared",
    "connect_url",
]

BUSY_SECONDS = 10.0
CACHE_KIB = 2048  # of each SQLite connection: the upper levels of the indexes of a million domains
_WAL_PAUSE = 0.05
_NO_TURN = nullcontext()

AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns."""


def connect_url(url: str) -> URL:
    """Give the SQLAlchemy URL; `postgresql://` without a driver means psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


class DatabaseGoneError(Exception):
    """The database cannot be reached or does not answer now."""


class DatabaseMissingError(DatabaseGoneError):
    """There is no such SQLite file; the message names it."""

    mend = (
        "run `portal db upgrade`, which makes and migrates it; "
        "or do PORTAL_DATABASE_URL and PORTAL_INSTANCE_DIR name another?"
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as its driver takes it; `arrange` gives the values as the driver does."""

    sql: str
    arrange: Arrange


class _GoneIsNamed:
    """Turns the drivers' many ways to say "no database" into one error, for a block.

    A statement that is wrong (a missing table, a broken constraint) stays what it is.
    """

    __slots__ = ("_errors",)

    def __init__(self, driver_error: type[Exception]) -> None:
        self._errors = (OperationalError, InterfaceError, PoolTimeout, driver_error)

    def __enter__(self) -> None:
        """Begin; there is nothing to keep, so one serves all blocks at once."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._errors):
            raise DatabaseGoneError(type(getattr(error, "orig", error)).__name__) from error


class Database:
    """The one way to the tables.

    `read()` gives a connection in autocommit: each statement sees what is committed, and on
    PostgreSQL costs one round trip. `transaction()` commits at its end or rolls back; on SQLite it
    takes the write lock at its start, so that two writers wait for each other instead of failing.
    A SQLite file is made by `make_file()` alone: elsewhere one that is missing is an error.
    `note` hears when a server hangs, and when it is back.

    The sign-in path goes past SQLAlchemy's machinery, which would take five times as long:
    `fetch()` runs a prepared look-up, and `quick_read()`, `quick_write()` and `quick_transaction()`
    give a place for prepared statements alone. These, and what is `brief`, do not wait for ever for
    a server that answers others: seconds are enough for a sign-in, not for a listing or a seed.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        note: Callable[[str], object] = str,
        waits: Waits = NOBODY_WAITS,
    ) -> None:
        self._aside = waits.aside
        self.url = connect_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._file = _file_of(self.url)
            self.engine = self._reader = _sqlite_engine(self.url, self._file, pool_size)
            event.listen(self.engine, "begin", self._begin_sqlite)
            self._server = None
            self._bound: Callable[[Connection], None] = _nothing_to_bound
            self._held = HeldConnections(self._reader, dialect=self._reader.dialect)
        else:
            from portal.store import postgresql

            self._server = server = postgresql.Server(self.url, note=note)
            self.engine, self._reader = (
                postgresql.open_engine(
                    self.url, pool_size, server=server, waits=waits, autocommit=autocommit
                )
                for autocommit in (False, True)
            )
            self._held = postgresql.hold(self._reader, aside=waits.aside)
            self._bound = postgresql.bound
        self._writer = self.engine.execution_options(portal_writes=True)
        self._writing = threading.Lock() if self.is_sqlite else None
        self._driver_error: type[Exception] = self._reader.dialect.loaded_dbapi.Error
        self._gone_is_named = _GoneIsNamed(self._driver_error)

    def make_file(self) -> None:
        """Make the file of a SQLite database, still empty, where there is none."""
        if self.is_sqlite and self._file:
            with suppress(FileNotFoundError):  # no such folder: SQLite will say so
                self._file.touch(mode=0o644)  # as SQLite does

    @contextmanager
    def read(self, *, brief: bool = False) -> Iterator[Connection]:
        """Open a connection for reading, outside any transaction."""
        with self._gone_is_named, self._reader.connect() as connection:
            if brief:
                self._bound(connection)
            yield connection

    @contextmanager
    def transaction(self, *, brief: bool = False) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back when it raises."""
        turn = self._turn_to_write(is_quick=False)
        with self._gone_is_named, turn, self._writer.begin() as connection:
            if brief:
                self._bound(connection)
            yield connection

    @contextmanager
    def quick_read(self) -> Iterator[HeldPlace]:
        """Give a place for prepared statements that read, as `read` does."""
        with self._gone_is_named, self._held.place() as place:
            yield place

    @contextmanager
    def quick_write(self) -> Iterator[HeldPlace]:
        """Give a place for one prepared statement that writes; it is committed by itself."""
        with self._gone_is_named, self._quick_turn(), self._held.place() as place:
            if not self.is_sqlite:
                yield place
                return
            driver = place.connection.dbapi_connection
            self._begin_writing(driver)  # a statement by itself would wait for others in turn
            try:
                yield place
            finally:
                _commit(driver)

    @contextmanager
    def quick_transaction(self) -> Iterator[HeldPlace]:
        """Open a transaction for prepared statements, as `transaction` does."""
        begin = self._begin_writing if self.is_sqlite else _begin_later
        with self._gone_is_named, self._quick_turn(), self._held.transaction(begin) as place:
            yield place

    def _quick_turn(self) -> AbstractContextManager[None]:
        return _NO_TURN if self._writing is None else self._turn_to_write()

    @contextmanager
    def _turn_to_write(self, *, is_quick: bool = True) -> Iterator[None]:
        """Let this process's writers of a SQLite file take turns; others' locks SQLite waits for.

        It waits by asking again after ever longer pauses, whoever came first. Writers step aside,
        so that others go on meanwhile; but for a quick one that finds nobody writing, since that
        takes longer than its write.
        """
        if self._writing is None:
            yield
        elif is_quick and self._writing.acquire(blocking=False):
            try:
                yield
            finally:
                self._writing.release()
        else:
            with self._aside():
                if not self._writing.acquire(timeout=BUSY_SECONDS):
                    raise DatabaseGoneError("another writer does not end")
                try:
                    yield
                finally:
                    self._writing.release()

    def _begin_sqlite(self, connection: Connection) -> None:
        if connection.get_execution_options().get("portal_writes"):
            self._begin_writing(connection.connection.dbapi_connection)

    def _begin_writing(self, driver: Any) -> None:
        """Take the write lock of a SQLite file; step aside where another process has it."""
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
        finally:
            driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        with self._aside():
            driver.execute("BEGIN IMMEDIATE")

    def prepare(self, statement: Select[*tuple[Any, ...]]) -> Prepared:
        """Compile a statement once, for `fetch`."""
        compiled = statement.compile(dialect=self._held.dialect)
        return Prepared(compiled.string, in_order(compiled.positiontup))

    def fetch(self, prepared: Prepared, values: Mapping[str, Any]) -> Rows:
        """Run a prepared look-up; rows come as the driver gives them, without type conversion."""
        try:
            return self._held.fetch(prepared.sql, prepared.arrange(values))
        except (self._driver_error, PoolTimeout) as error:
            raise DatabaseGoneError(type(error).__name__) from error

    def close(self) -> None:
        """Close every pooled connection."""
        if self._server:
            self._server.close()
        self._held.close()
        self.engine.dispose()
        self._reader.dispose()


def _file_of(url: URL) -> Path | None:
    """Give the file of a SQLite database; none for one in memory, or named by a URI."""
    name = url.database
    return Path(name).absolute() if name and not name.startswith((":memory:", "file:")) else None


def _sqlite_engine(url: URL, file: Path | None, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * 4,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    if file:
        event.listen(engine, "do_connect", partial(_refuse_missing, file))
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _refuse_missing(file: Path, *_: object) -> None:
    """Refuse to connect to no file, which SQLite would make, and leave behind empty."""
    if not file.exists() and file.parent.is_dir():
        raise DatabaseMissingError(f"{file} does not exist")


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    del record
    connection.isolation_level = None  # the driver begins nothing by itself
    # NORMAL: a killed process loses nothing; only a power cut may lose the last commits.
    for pragma in ("foreign_keys=ON", "synchronous=NORMAL", f"cache_size=-{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")
    _turn_to_wal(connection)


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """Turn the file to WAL; two that do so at once are told "locked" without being let wait."""
    for _ in range(round(BUSY_SECONDS / _WAL_PAUSE)):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
            return
        time.sleep(_WAL_PAUSE)
    connection.execute("PRAGMA journal_mode=WAL")


def _nothing_to_bound(_: Connection) -> None:
    """Do nothing: a file answers, and locks are waited for only so long."""


def _begin_later(driver: Any) -> None:
    driver.exchange.begin()


def _commit(driver: Any) -> None:
    driver.commit()

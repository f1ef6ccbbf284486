"""The database: one engine, reads without a transaction, changes in short ones."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["AnyRow", "Database", "DatabaseGoneError", "IntegrityError", "connect_url"]

BUSY_SECONDS = 10.0

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


class Database:
    """The one way to the tables.

    `read()` gives a connection in autocommit: each statement sees what is committed, and on
    PostgreSQL costs one round trip. `transaction()` commits at its end or rolls back; on SQLite it
    takes the write lock at its start, so that two writers wait for each other instead of failing.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = connect_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _engine(self.url, is_sqlite=self.is_sqlite, pool_size=pool_size)
        options = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**options)
        self._writer = self.engine.execution_options(portal_writes=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading, outside any transaction."""
        with _gone_is_named(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back when it raises."""
        with _gone_is_named(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def _gone_is_named() -> Iterator[None]:
    """Turn the drivers' many ways to say "no database" into one error.

    A statement that is wrong (a missing table, a broken constraint) stays what it is.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseGoneError(type(getattr(error, "orig", error)).__name__) from error


def _engine(url: URL, *, is_sqlite: bool, pool_size: int) -> Engine:
    if not is_sqlite:
        return create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size * 2,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "application_name": "portal"},
        )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * 4,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    del record
    connection.isolation_level = None  # the driver begins nothing by itself
    # NORMAL: a killed process loses nothing; only a power cut may lose the last commits.
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    if connection.get_execution_options().get("portal_writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

"""Schema migrations: bring the database to today's tables, and tell where it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from portal.store.engine import Database

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x706F7274  # any number, the same in every process


class NotMigratedError(Exception):
    """The schema is not what this version needs; the message says how to mend it."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up to `revision`; a second process waits for the first and then finds it done."""
    with _locked(database) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to `revision` (`base`: nothing left)."""
    with _locked(database) as connection:
        command.downgrade(_config(connection), revision)


def current(connection: Connection) -> str | None:
    """Give the revision that the database is at, None where it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Give the revision that this version of the portal needs."""
    newest = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert newest is not None, "the package ships its migrations"
    return newest


def check_migrated(database: Database) -> None:
    """Raise NotMigratedError where the schema is not what this version needs."""
    with database.read() as connection:
        at = current(connection)
    if at != head():
        raise NotMigratedError(
            f"the database is at {at or 'no'} schema, this version needs {head()}: "
            "run `portal db upgrade`"
        )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """Open the transaction in which one process migrates while others wait.

    SQLite: BEGIN IMMEDIATE holds the file's write lock, and its schema changes are transactional.
    """
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection

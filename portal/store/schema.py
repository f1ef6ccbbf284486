"""Schema migrations: bring the database to today's tables, and tell which versions it fits.

Versions run side by side while servers are replaced one by one: a migration adds. One that takes
something away names the oldest revision whose programs do without it: `fits_from = "0012"`.

Alembic, ten megabytes in memory, is loaded by what migrates; a worker asks only where it stands.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, delete, insert, inspect, select, table, text

from portal.store.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).parent / "migrations"
_VERSION = table("alembic_version", column("version_num"))
_SUPPORT = table("schema_supports", column("revision"))
_LOCK = 0x706F7274  # any number, the same in every process


class NotMigratedError(Exception):
    """The schema is not what this version needs; the message says how to mend it."""


def upgrade(database: Database, revision: str = "head") -> str | None:
    """Migrate up to `revision`; a second process waits for the first and then finds it done.

    A schema that is newer and still fits is left as it is; a SQLite file that is not there is made.
    Gives the revision that was found.
    """
    database.make_file()
    with _locked(database) as connection:
        at = current(connection)
        if at is not None and at not in _known():
            _refuse_unfit(connection)
            return at
        from alembic import command

        command.upgrade(_config(connection), revision)
        _note_supported(connection)
    return at


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to `revision` (`base`: nothing left)."""
    with _locked(database) as connection:
        from alembic import command

        command.downgrade(_config(connection), revision)
        _note_supported(connection)


def current(connection: Connection) -> str | None:
    """Give the revision that the database is at, None where it was never migrated."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.scalar(select(_VERSION.c.version_num))
    return found


@cache
def head() -> str:
    """Give the revision that this version of the portal needs."""
    return max(_known())


def why_unfit(connection: Connection) -> str | None:
    """Say why this version cannot run on the schema and how to mend it; None where it can.

    It can where the schema is its own, or newer by nothing but additions.
    """
    at, needed = current(connection), head()
    if at == needed:
        return None
    if at is None or at in _known():
        return f"at {at or 'no'} schema, this version needs {needed}: run `portal db upgrade`"
    supported = _supported(connection)
    if at not in supported:
        return f"at {at} schema, which no version left there: run the newest's `portal db upgrade`"
    if needed in supported:
        return None
    return f"at {at} schema, which this version (for {needed}) is too old for: install a newer one"


def check_migrated(database: Database) -> None:
    """Raise NotMigratedError where this version cannot run on the schema."""
    with database.read() as connection:
        _refuse_unfit(connection)


def _refuse_unfit(connection: Connection) -> None:
    if why := why_unfit(connection):
        raise NotMigratedError(f"the database is {why}")


def _supported(connection: Connection) -> set[str]:
    """Give the revisions whose versions can run on the schema, as the newest of them wrote it."""
    if not inspect(connection).has_table(_SUPPORT.name):
        return set()
    return set(connection.scalars(select(_SUPPORT.c.revision)))


def _note_supported(connection: Connection) -> None:
    """Write down who can run on the schema: every version back to where a migration says."""
    if not inspect(connection).has_table(_SUPPORT.name):
        return
    connection.execute(delete(_SUPPORT))
    oldest = set()
    for step in _scripts().walk_revisions("base", current(connection) or "base"):
        connection.execute(insert(_SUPPORT).values(revision=step.revision))
        oldest.add(getattr(step.module, "fits_from", None))
        if step.revision in oldest:
            break


@cache
def _known() -> frozenset[str]:
    """Give every revision of this version: the names of the files begin with them."""
    files = (_FOLDER / "versions").glob("*.py")
    return frozenset(file.stem.partition("_")[0] for file in files) - {""}


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> "Config":
    from alembic.config import Config

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

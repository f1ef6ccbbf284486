"""`portal db`: the schema migrations."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from portal.cli.examples import examples
from portal.settings import load_settings
from portal.store import schema
from portal.store.engine import Database


@click.group(
    "db",
    epilog=examples(
        "portal db upgrade   before the first start, and after each new version",
        "portal db current   exit status 1 where an upgrade is due",
    ),
)
def command() -> None:
    """Migrate the database schema."""


@command.command(epilog=examples("portal db upgrade"))
def upgrade() -> None:
    """Bring the schema up to date; a second call waits for the first and changes nothing."""
    with _database() as database:
        before = schema.upgrade(database)
        with database.read() as connection:
            after = schema.current(connection)
    click.echo(f"The schema is at {after}." if before == after else f"Migrated to {after}.")


@command.command(epilog=examples("portal db current"))
def current() -> None:
    """Show where the schema is; exit 1 where it is not up to date."""
    with _database() as database, database.read() as connection:
        at, unfit = schema.current(connection), schema.why_unfit(connection)
    if unfit:
        raise click.ClickException(f"the database is {unfit}")
    click.echo(f"{at} (up to date)" if at == schema.head() else f"{at} (newer, and still fits)")


@contextmanager
def _database() -> Iterator[Database]:
    database = Database(load_settings().database_url)
    try:
        yield database
    finally:
        database.close()

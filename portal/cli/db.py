"""`portal db`: the schema migrations."""

import click

from portal.settings import load_settings
from portal.store import schema
from portal.store.engine import Database


@click.group("db")
def command() -> None:
    """Migrate the database schema."""


@command.command()
def upgrade() -> None:
    """Bring the schema up to date; a second call waits for the first and changes nothing."""
    database = Database(load_settings().database_url)
    with database.read() as connection:
        before = schema.current(connection)
    schema.upgrade(database)
    database.close()
    after = schema.head()
    click.echo(f"The schema is at {after}." if before == after else f"Migrated to {after}.")


@command.command()
def current() -> None:
    """Show where the schema is; exit 1 where it is not up to date."""
    database = Database(load_settings().database_url)
    with database.read() as connection:
        at = schema.current(connection)
    database.close()
    if at != schema.head():
        raise click.ClickException(
            f"the schema is at {at or 'nothing'}, this version needs {schema.head()}: "
            "run `portal db upgrade`"
        )
    click.echo(f"{at} (up to date)")

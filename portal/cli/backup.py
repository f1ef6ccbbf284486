"""`portal backup`: a sound copy of the SQLite database while the portal runs."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import click

from portal.cli.examples import examples
from portal.settings import load_settings
from portal.store.engine import Database

_PAGES = 2048  # at a step; between two steps the portal writes


@click.command("backup", epilog=examples("portal backup /backups/portal-monday.db"))
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def command(path: Path) -> None:
    """Copy the SQLite database to PATH while the portal runs; an existing file is kept.

    The copy is whole or not there. Keep PORTAL_ENCRYPTION_KEYS beside it, in another place.
    """
    database = Database(load_settings().database_url)
    source = database.url.database
    database.close()
    if not database.is_sqlite:
        raise click.ClickException(
            "the database is PostgreSQL: take its backup with `pg_dump --format=custom`"
        )
    if not source or not Path(source).is_file():
        raise click.ClickException(f"{source or 'the database in memory'} is no file to copy")
    if path.exists():
        raise click.ClickException(f"{path} is there already; a backup never overwrites")
    size = _copy(Path(source), path)
    click.echo(f"{path}: {size / 1_048_576:.1f} MiB")


def _copy(source: Path, path: Path) -> int:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(draft)) as copy:
            if not live.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise click.ClickException(
                    f"{source} is empty: `portal db upgrade` was never run on it. "
                    "Do PORTAL_DATABASE_URL and PORTAL_INSTANCE_DIR name the portal's own?"
                )
            live.backup(copy, pages=_PAGES)
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise click.ClickException(f"the database is damaged: {found}")
        os.link(draft, path)  # whole or not at all, and never over another file
    except FileExistsError:
        raise click.ClickException(f"{path} is there already; a backup never overwrites") from None
    except sqlite3.Error as error:
        raise click.ClickException(f"{source} cannot be copied: {error}") from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return path.stat().st_size

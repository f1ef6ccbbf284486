"""`portal keys`: keys for sealing secrets at rest."""

import sys

import click

from portal.cli.examples import examples
from portal.core.counting import counted
from portal.crypto import new_key


@click.group("keys", epilog=examples("portal keys new", "portal keys rotate"))
def command() -> None:
    """Make encryption keys; re-seal secrets under the newest."""


@command.command(
    epilog=examples(
        "portal keys new",
        'PORTAL_ENCRYPTION_KEYS="$(portal keys new),$OLD_KEYS"   rotate: newest first',
    )
)
def new() -> None:
    """Print a fresh key fit for PORTAL_ENCRYPTION_KEYS."""
    click.echo(new_key())


@command.command(epilog=examples("portal keys rotate"))
def rotate() -> None:
    """Seal every secret anew under the first key of PORTAL_ENCRYPTION_KEYS.

    Do it when every portal runs with the new key. Then the old key may be dropped. The portal
    stays up meanwhile, and nobody is signed out.
    """
    from portal.flows import key_rotation
    from portal.services import open_vault
    from portal.settings import load_settings
    from portal.store import schema
    from portal.store.engine import Database

    settings = load_settings()
    database = Database(settings.database_url)
    try:
        schema.check_migrated(database)
        found = key_rotation.rotate(database, open_vault(settings), progress=_show)
    finally:
        database.close()
    verb = "is" if found.done == 1 else "are"
    click.echo(f"{counted(found.done, 'secret')} {verb} under the newest key.")
    if found.lost:
        raise click.ClickException(
            f"no key of PORTAL_ENCRYPTION_KEYS opens {len(found.lost)}: {_some(found.lost)}; "
            "put the old key back behind the new one, or give them their secret anew"
        )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def _show(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[KSealed anew: {done:,} of {total:,}", nl=done >= total, err=True)
    elif done >= total or done % 10_000 < 200:
        click.echo(f"Sealed anew: {done:,} of {total:,}", err=True)

"""`portal keys`: keys for sealing secrets at rest."""

import click

from portal.cli.examples import examples
from portal.crypto import new_key


@click.group("keys", epilog=examples("portal keys new"))
def command() -> None:
    """Make encryption keys."""


@command.command(
    epilog=examples(
        "portal keys new",
        'PORTAL_ENCRYPTION_KEYS="$(portal keys new),$OLD_KEYS"   rotate: newest first',
    )
)
def new() -> None:
    """Print a fresh key fit for PORTAL_ENCRYPTION_KEYS."""
    click.echo(new_key())

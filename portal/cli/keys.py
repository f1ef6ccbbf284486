"""`portal keys`: keys for sealing secrets at rest."""

import click

from portal.crypto import new_key


@click.group("keys")
def command() -> None:
    """Make encryption keys."""


@command.command()
def new() -> None:
    """Print a fresh key fit for PORTAL_ENCRYPTION_KEYS."""
    click.echo(new_key())

"""The group of commands: exit 0 fine, 1 refused with a clear line on stderr, 2 wrong usage."""

import importlib
import sys
from typing import Any

import click

COMMANDS = {
    "demo": "portal.cli.demo",
    "serve": "portal.cli.serve",
    "db": "portal.cli.db",
    "seed": "portal.cli.seed",
    "explain": "portal.cli.explain",
    "keys": "portal.cli.keys",
    "doctor": "portal.cli.doctor",
}
SUMMARIES = {
    "demo": "Start a throw-away portal with a local identity provider.",
    "serve": "Run the production server.",
    "db": "Migrate the database schema.",
    "seed": "Validate, plan, apply and export tenants as files.",
    "explain": "Tell why an address signs in the way it does.",
    "keys": "Make encryption keys.",
    "doctor": "Check settings, database, keys and every issuer.",
}


class LazyGroup(click.Group):
    """Loads a command when it is called: the whole stack takes a second to import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="portal", prog_name="portal")
def cli() -> None:
    """Sign people in by e-mail address: a password here, or SSO at their company."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; what is refused ends in clear lines and exit status 1."""
    try:
        result = cli.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        _end("Stopped.", 130)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        lines = _plain(error)
        if lines is None:
            raise
        _end("\n".join(lines), 1)
    sys.exit(result if isinstance(result, int) else 0)


def _end(message: str, status: int) -> Any:
    click.echo(message, err=True)
    sys.exit(status)


def _plain(error: Exception) -> list[str] | None:
    """Give the clear lines for an error that an operator can mend, None for a bug."""
    from portal.settings import SettingsError
    from portal.store.engine import DatabaseGoneError
    from portal.store.schema import NotMigratedError

    if isinstance(error, SettingsError):
        return [f"portal: {problem}" for problem in error.problems]
    if isinstance(error, NotMigratedError):
        return [f"portal: {error}"]
    if isinstance(error, DatabaseGoneError):
        return [f"portal: the database cannot be reached ({error}); check PORTAL_DATABASE_URL"]
    return None

"""The group of commands: exit 0 fine, 1 refused with a clear line on stderr, 2 wrong usage."""

import importlib
import os
import signal
import sys
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from portal.cli.examples import examples, paragraph

COMMANDS = {
    "demo": "portal.cli.demo",
    "serve": "portal.cli.serve",
    "db": "portal.cli.db",
    "seed": "portal.cli.seed",
    "explain": "portal.cli.explain",
    "keys": "portal.cli.keys",
    "backup": "portal.cli.backup",
    "doctor": "portal.cli.doctor",
}
SUMMARIES = {
    "demo": "Start a throw-away portal with a local identity provider.",
    "serve": "Run the production server.",
    "db": "Migrate the database schema.",
    "seed": "Validate, plan, apply and export tenants as files.",
    "explain": "Tell why an address signs in the way it does.",
    "keys": "Make encryption keys; re-seal secrets under the newest.",
    "backup": "Copy the SQLite database while the portal runs.",
    "doctor": "Check settings, database, keys and every issuer.",
}
INTERRUPTED = 130  # as shells have it: 128 and the number of the signal
TERMINATED = 143


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for one that is none name those that look like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            name = error.command_name
            raise click.NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without loading any."""
        names = [
            CompletionItem(name, help=summary)
            for name, summary in SUMMARIES.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


EPILOG = "\n\n".join(
    [
        examples(
            "portal demo                       try it: everything local, nothing kept",
            "portal db upgrade && portal serve",
            "portal seed apply seeds/          tell it of tenants and their domains",
            "portal explain ann@acme.example   see where an address goes, and why",
            "portal doctor                     check that all is well",
        ),
        paragraph(
            "Completion: put the line for your shell into its start-up file.",
            '  bash   eval "$(_PORTAL_COMPLETE=bash_source portal)"',
            '  zsh    eval "$(_PORTAL_COMPLETE=zsh_source portal)"',
            "  fish   _PORTAL_COMPLETE=fish_source portal | source",
        ),
        "Exit status: 0 fine, 1 refused or failed, 2 wrong usage.",
    ]
)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(package_name="portal", prog_name="portal")
def cli() -> None:
    """Sign people in by e-mail address: a password here, or SSO at their company."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; what is refused ends in clear lines and exit status 1."""
    if os.getpid() == 1:  # in a container: the kernel drops signals to it that nobody handles
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        result = cli.main(arguments, prog_name="portal", standalone_mode=False)
        _flush()
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        _flush()
        os._exit(INTERRUPTED)  # all is unwound; threads that still wait for somebody need not end
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from portal.cli.refusals import lines_for

        lines = lines_for(error)
        if not lines:
            raise
        _end([f"portal: {line}" for line in lines], 1)
    sys.exit(result if isinstance(result, int) else 0)


def _flush() -> None:
    if sys.stdout is not None:  # it may have been closed before the start
        sys.stdout.flush()


def _end(lines: list[str], status: int) -> NoReturn:
    click.echo("\n".join(lines), err=True)
    sys.exit(status)

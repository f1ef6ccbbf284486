"""`portal seed`: the registry as files. Prints and asks; what it does is in `portal.flows`."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal.core.counting import counted

if TYPE_CHECKING:  # the stack takes a second to import; `portal --help` must not
    from portal.flows.changes.registry_changes import Outcome, SeedRun
    from portal.flows.changes.seed_plan import Plan
    from portal.store.engine import Database

_SEEDS = click.Path(exists=True, path_type=Path)
_PRUNE = click.option(
    "--prune", is_flag=True, help="Also remove what an earlier seed made and the files lack."
)
_ALL = click.option("--all", "show_all", is_flag=True, help="List every domain, however many.")
PENDING = 3
_TRIES = 5
_MOST_HASHES = 8  # 64 MiB each


@click.group("seed")
def command() -> None:
    """Keep the registry of tenants in files under version control.

    \b
    portal seed validate seeds/         check the files, offline
    portal seed plan seeds/             show what would change (exit 3 where something would)
    portal seed apply seeds/            show it, ask, and do it, all or nothing
    portal seed apply seeds/ --prune --yes
    portal seed export backup/          write the registry back as files
    """  # noqa: D301 - the backslash-b tells click to leave the lines as they are


@command.command()
@click.argument("path", type=_SEEDS)
def validate(path: Path) -> None:
    """Check a seeds folder or file, offline.

    Every error is named with its file, line and key, all in one run. What only the registry can
    answer, and what somebody should look at twice, is told on stderr.
    """
    from portal.cli.seed_output import Progress, sizes
    from portal.flows.changes.seed_cautions import cautions, open_questions
    from portal.seeding.folder import read_folder

    with _refusals():
        desired = read_folder(path, progress=Progress())
    questions = list(open_questions(desired))
    for question in questions:
        click.echo(f"Note: {question}", err=True)
    for caution in cautions(desired, allow_local_issuers=False):
        click.echo(f"Warning: {caution}", err=True)
    how = " as far as files alone can tell" if questions else ""
    click.echo(f"{path} is sound{how}: {sizes(desired)}.")


@command.command()
@click.argument("path", type=_SEEDS)
@_PRUNE
@_ALL
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")
def plan(path: Path, *, prune: bool, show_all: bool, as_json: bool) -> None:
    """Show what an apply would create, change and remove.

    Ends with exit code 0 where nothing would change, 3 where something would.
    """
    from portal.cli.seed_output import print_json, print_plan

    with _refusals(), _run(path, prune=prune, lenient=True) as run:
        made = run.plan()
        if as_json:
            print_json(made, run, now=datetime.now(UTC))
        else:
            print_plan(made, run, now=datetime.now(UTC), show_all=show_all)
    sys.exit(0 if made.is_empty else PENDING)


@command.command()
@click.argument("path", type=_SEEDS)
@_PRUNE
@_ALL
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--by", metavar="NAME", help="Who does it, for the audit trail. Default: you.")
def apply(path: Path, *, prune: bool, show_all: bool, yes: bool, by: str | None) -> None:
    """Make the registry what the files say: all of it or nothing.

    Shows the plan and asks first. A second apply changes nothing.
    """
    from portal.cli.seed_output import print_plan, summary

    started = time.monotonic()
    with _refusals(), _run(path, prune=prune) as run:
        for _ in range(_TRIES):
            made = run.plan()
            print_plan(made, run, now=datetime.now(UTC), show_all=show_all)
            if made.is_empty:
                return
            _confirm(yes=yes)
            click.echo("Writing, all or nothing ...", err=True)
            outcome = _applied(run, made, by=by or _login_name())
            if outcome is not None:
                took = time.monotonic() - started
                click.echo(
                    f"Applied: {summary(made)} in {took:.1f} s (change set {outcome.change_set})."
                )
                return
            click.echo("The registry changed in the meantime; this is the plan now:", err=True)
    raise click.ClickException("the registry keeps changing; nothing was written, try again")


@command.command()
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), default="seeds")
@click.option(
    "--key",
    metavar="REFERENCE",
    help="env:NAME or file:PATH of the key that encrypts secrets which came from no reference "
    "(`portal keys new` makes one), in place of the first of PORTAL_ENCRYPTION_KEYS.",
)
@click.option(
    "--update", is_flag=True, help="Edit the files that are there; comments and order stay."
)
def export(path: Path, *, key: str | None, update: bool) -> None:
    """Write the registry back as seed files that apply with no change.

    Secrets are written as the references that they came from, or encrypted under the portal's own
    key or the one that you name; passwords as hashes. PATH is a folder, `seeds` if none is named.
    """
    from portal.crypto import Passwords, Vault
    from portal.flows.changes.seed_export import ExportError
    from portal.flows.changes.seed_export import export as write_all
    from portal.flows.changes.seed_update import update as edit
    from portal.seeding.folder import has_seed_files
    from portal.settings import load_settings

    there = has_seed_files(path)
    if there and not update:
        raise click.ClickException(f"{path} holds seed files already; say --update to edit them")
    settings = load_settings()
    vault = Vault([key.get_secret_value() for key in settings.encryption_keys])
    with _refusals(), _migrated(settings.database_url) as database:
        try:
            if there:
                done = edit(database, vault, Passwords(), path, key=key, environ=_environ())
            else:
                done = write_all(database, vault, path, key=key, environ=_environ())
        except ExportError as error:
            raise click.ClickException("\n".join(error.problems)) from None
    for note in done.notes:
        click.echo(f"Note: {note}.", err=True)
    click.echo(f"{path}: {counted(len(done.files), 'file')} written.")


@command.command()
def schema() -> None:
    """Print the JSON Schema of a seed file, for editors."""
    from portal.seeding.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _applied(run: "SeedRun", plan: "Plan", *, by: str) -> "Outcome | None":
    from portal.flows.changes.registry_changes import PlanIsStaleError

    try:
        return run.apply(plan, now=datetime.now(UTC), by=by)
    except PlanIsStaleError:
        return None


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.ClickException("nobody is there to be asked: say --yes, or use a terminal")
    if not click.confirm("Apply this?", err=True):
        raise click.ClickException("nothing was changed")


@contextmanager
def _run(path: Path, *, prune: bool, lenient: bool = False) -> Iterator["SeedRun"]:
    from portal.cli.seed_output import Progress
    from portal.crypto import Passwords, Vault
    from portal.flows.changes.registry_changes import open_seed_run
    from portal.seeding.folder import read_folder
    from portal.settings import load_settings

    settings = load_settings()
    desired = read_folder(path, progress=Progress())
    vault = Vault([key.get_secret_value() for key in settings.encryption_keys])
    with (
        _migrated(settings.database_url) as database,
        open_seed_run(
            database,
            desired,
            vault=vault,
            passwords=Passwords(at_once=_hashes_at_once()),
            environ=_environ(),
            prune=prune,
            lenient=lenient,
            allow_local_issuers=settings.allow_local_issuers,
            progress=Progress(),
        ) as run,
    ):
        yield run


@contextmanager
def _migrated(url: str) -> Iterator["Database"]:
    """Open the database, refusing one whose tables are not today's."""
    from portal.store.engine import Database
    from portal.store.schema import check_migrated

    database = Database(url)
    try:
        check_migrated(database)
        yield database
    finally:
        database.close()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the seed files are refused for into lines on stderr and exit code 1."""
    from portal.seeding.problems import SeedError

    try:
        yield
    except SeedError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        count = len(error.problems) + error.unlisted
        more = f", {error.unlisted:,} of them not listed" if error.unlisted else ""
        found = counted(count, "problem")
        raise click.ClickException(f"{found}{more}; nothing was changed") from None


def _environ() -> dict[str, str]:
    """Give what `env:` may name: the environment, and `.env` beneath it as for the settings."""
    import os

    from portal.settings.loading import read_dotenv

    return {**read_dotenv(Path(".env")), **os.environ}


def _hashes_at_once() -> int:
    """Give how many passwords are hashed side by side: nobody signs in here, all cores are ours."""
    import os

    return min(_MOST_HASHES, max(2, os.cpu_count() or 1))


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"

"""`portal doctor`: looks at all that the portal stands on, one line a check, with its mend."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from portal.cli.examples import examples
from portal.core.counting import counted
from portal.core.finding import Finding, State, failure
from portal.flows.health.checkup import check_up
from portal.observe import configure_logging
from portal.services import build_services
from portal.settings import SettingsError, load_settings

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}


@click.command(
    "doctor",
    epilog=examples(
        "portal doctor",
        "portal doctor --json | jq '.checks[] | select(.state != \"ok\")'",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def command(*, as_json: bool) -> None:
    """Check settings, database, migrations, keys, Redis, mail, DNS and every issuer.

    One line a check, with how to mend it. Exit status 1 for what stops sign-ins, commands or the
    start; advice is a warning. Nothing is changed, and no secret is shown.
    """
    configure_logging(json_lines=False)  # on stderr: not among the findings
    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            _say(finding)
    if as_json:
        click.echo(json.dumps(_as_values(found), indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(found))
    sys.exit(1 if _worst(found) is State.FAILURE else 0)


def _findings() -> Iterator[Finding]:
    try:
        services = build_services(load_settings())
    except SettingsError as error:
        for problem in error.problems:
            yield failure("settings", problem, "correct the environment or .env")
        return
    try:
        yield from check_up(services, progress=_show_progress)
    finally:
        services.close()


def _show_progress(done: int, total: int) -> None:
    """Show how many issuers have answered, on a terminal alone and in a line that goes away."""
    if not sys.stderr.isatty():
        return
    text = f"Asking issuers: {done:,} of {total:,}" if done < total else ""
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _say(finding: Finding) -> None:
    mark = click.style(f"{finding.state:<8}", fg=_COLOURS[finding.state])
    mend = f" -> {finding.mend}" if finding.mend else ""
    colour = False if os.environ.get("NO_COLOR") else None
    click.echo(f"{mark} {finding.name}: {finding.detail}{mend}", color=colour)


def _summary(found: list[Finding]) -> str:
    states = [finding.state for finding in found]
    failures, warnings = states.count(State.FAILURE), states.count(State.WARNING)
    if not failures and not warnings:
        return "All is well."
    found_of = {"failure": failures, "warning": warnings}
    return f"{' and '.join(counted(number, word) for word, number in found_of.items() if number)}."


def _worst(found: list[Finding]) -> State:
    states = {finding.state for finding in found}
    return next(s for s in (State.FAILURE, State.WARNING, State.OK) if s in states)


def _as_values(found: list[Finding]) -> dict[str, Any]:
    return {
        "state": _worst(found).value,
        "checks": [
            {
                "name": finding.name,
                "state": finding.state.value,
                "detail": finding.detail,
                "mend": finding.mend or None,
            }
            for finding in found
        ],
    }

"""`portal explain`: why an address signs in the way it does."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from portal.cli.examples import examples
from portal.core.address import Address, AddressError
from portal.core.otherwise import otherwise
from portal.core.registry import Account
from portal.core.routing import (
    Asked,
    AskPassword,
    Choose,
    Refused,
    SsoNotSetUp,
    UsePassword,
    UseSso,
    Verdict,
)
from portal.flows.changes.seed_trial import judge_as_if_applied
from portal.flows.rollout.rollout_ahead import planned_words
from portal.flows.signing.sign_in import judge
from portal.observe import configure_logging
from portal.seeding.folder import read_folder
from portal.services import Services, build_services
from portal.settings import load_settings
from portal.store import accounts, schema
from portal.store.engine import DatabaseGoneError
from portal.store.near_misses import near_misses
from portal.store.schema import NotMigratedError

_WORDS = {
    "password": "signs in with a password",
    "sso": "signs in with SSO",
    "choose": "chooses between connections",
    "refused": "is refused",
}


@click.command(
    "explain",
    epilog=examples(
        "portal explain ann@acme.example",
        "portal explain ann@acme.example --sso           with 'Sign in with SSO' chosen",
        "portal explain ann@acme.example --seeds seeds/  had this folder been applied",
        "portal explain ann@acme.example --json | jq -r .method",
    ),
)
@click.argument("email")
@click.option("--sso", is_flag=True, help="As if 'Sign in with SSO' had been chosen.")
@click.option(
    "--seeds",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="As if this folder or file had been applied.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def command(email: str, *, sso: bool, seeds: Path | None, as_json: bool) -> None:
    """Tell why EMAIL signs in the way it does, rule by rule, and what would change it."""
    try:
        address = Address.parse(email)
    except AddressError as error:
        raise click.ClickException(f"{email!r} is no e-mail address: {error}") from None
    configure_logging(json_lines=False)  # on stderr: not in the answer
    services = build_services(load_settings())
    try:
        verdict, account = _judge(services, address, asked=Asked(wants_sso=sso), seeds=seeds)
        rule = verdict.route.rule
        planned = "" if seeds else planned_words(services, rule, address, account)
    finally:
        services.close()
    if as_json:
        values = as_values(address, verdict) | ({"planned": planned} if planned else {})
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        hints = otherwise(verdict, address, account=account, knows_passwords=seeds is None)
        hints = [f"Planned: {planned}", *hints] if planned else hints
        click.echo("\n".join(as_lines(address, verdict, hints=hints)))


def _judge(
    services: Services, address: Address, *, asked: Asked, seeds: Path | None
) -> tuple[Verdict, Account | None]:
    if seeds is None:
        schema.check_migrated(services.database)
        verdict, _ = judge(services, address, asked=asked)
        with services.database.read() as connection:
            return _with_near_misses(services, verdict), accounts.by_address(connection, address)
    desired = read_folder(seeds)
    has_registry = _has_registry(services)
    if not has_registry:
        click.echo("The database cannot be read: the files answer alone.", err=True)
    return judge_as_if_applied(services, desired, address, asked=asked, has_registry=has_registry)


def _has_registry(services: Services) -> bool:
    try:
        schema.check_migrated(services.database)
    except (DatabaseGoneError, NotMigratedError):
        return False
    return True


def _with_near_misses(services: Services, verdict: Verdict) -> Verdict:
    """Give the verdict with the domains that may have been meant, where there is no such one."""
    first = verdict.trace[0]
    if first.outcome != "not in the registry":
        return verdict
    with services.database.read() as connection:
        found = near_misses(connection, verdict.route.domain)
    if not found:
        return verdict
    verb = "is" if len(found) == 1 else "are"
    detail = f"{verdict.route.domain} is not in the registry; {' and '.join(found)} {verb}."
    return replace(verdict, trace=(replace(first, detail=detail), *verdict.trace[1:]))


def as_values(address: Address, verdict: Verdict) -> dict[str, Any]:
    """Give a verdict as JSON values; fields that do not apply are null."""
    rule = verdict.route.rule
    decision = verdict.decision
    return {
        "email": str(address),
        "domain": address.domain.name,
        "tenant": rule.tenant.slug if rule else None,
        "method": method_of(verdict),
        "connection": decision.connection.slug if isinstance(decision, UseSso) else None,
        "policy": rule.policy.value if rule else None,
        "reason": verdict.reason,
        "trace": [asdict(step) for step in verdict.trace],
    }


def method_of(verdict: Verdict) -> str:
    """Give the verdict in a word."""
    match verdict.decision:
        case UsePassword() | AskPassword():
            return "password"
        case UseSso():
            return "sso"
        case Choose():
            return "choose"
        case SsoNotSetUp() | Refused():
            return "refused"


def as_lines(address: Address, verdict: Verdict, *, hints: Sequence[str]) -> list[str]:
    """Give a verdict as a short tree for people: the rule that decided stands last."""
    method = method_of(verdict)
    through = verdict.decision
    way = f" through {through.connection.name}" if isinstance(through, UseSso) else ""
    lines = [f"{address} {_WORDS[method]}{way}."]
    lines += (f"├─ {step.rule}: {step.detail}" for step in verdict.trace[:-1])
    lines.append(f"└─ {verdict.trace[-1].rule}: {verdict.reason}")
    return [*lines, "", *hints] if hints else lines

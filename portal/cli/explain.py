"""`portal explain`: why an address signs in the way it does."""

import json
from dataclasses import asdict
from typing import Any

import click

from portal.core.address import Address, AddressError
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
from portal.flows.sign_in import judge
from portal.services import build_services
from portal.settings import load_settings
from portal.store import schema


@click.command("explain")
@click.argument("email")
@click.option("--sso", is_flag=True, help="As if 'Sign in with SSO' had been chosen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def command(email: str, *, sso: bool, as_json: bool) -> None:
    """Tell why EMAIL signs in the way it does, rule by rule.

    Example: portal explain someone@acme.example --sso
    """
    try:
        address = Address.parse(email)
    except AddressError as error:
        raise click.ClickException(f"{email!r} is no e-mail address: {error}") from None
    services = build_services(load_settings())
    schema.check_migrated(services.database)
    verdict, _ = judge(services, address, asked=Asked(wants_sso=sso))
    services.close()
    if as_json:
        click.echo(json.dumps(as_values(address, verdict), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(as_lines(address, verdict)))


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


def as_lines(address: Address, verdict: Verdict) -> list[str]:
    """Give a verdict as a short tree for people."""
    words = {
        "password": "signs in with a password",
        "sso": "signs in with SSO",
        "choose": "chooses between connections",
        "refused": "is refused",
    }
    lines = [f"{address} {words[method_of(verdict)]}"]
    for index, step in enumerate(verdict.trace):
        branch = "└─" if index == len(verdict.trace) - 1 else "├─"
        lines.append(f"{branch} {step.rule}: {step.outcome}. {step.detail}")
    return lines

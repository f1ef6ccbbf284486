"""Explain an address: the path that it takes through the rules, now and as it would be."""

from dataclasses import replace

from flask import render_template

from admin.access import blueprint, scope
from admin.forms import asked
from admin.frame_pages import Form, Option
from admin.framing import frame
from admin.overview_pages import Explained, ExplainPage, TraceLine
from portal.core.address import Address, AddressError
from portal.core.registry import Policy
from portal.core.routing import (
    Asked,
    AskPassword,
    Choose,
    Refused,
    SsoNotSetUp,
    Step,
    UsePassword,
    UseSso,
    Verdict,
)
from portal.flows.editing.explanation import Explanation, Supposed, SupposedWay, explain
from portal.flows.rollout.rollout_ahead import planned_words
from portal.web.context import services

_ASKED = (
    Option("", "types the address and nothing else"),
    Option("sso", "chooses “Sign in with SSO”"),
    Option("password", "types a password"),
)
_POLICIES = (
    Option("", "as it is"),
    Option("password", "Password"),
    Option("optional", "SSO optional"),
    Option("required", "SSO required"),
)
_RULES = {
    "domain": "The domain",
    "tenant": "The company",
    "policy": "The policy",
    "connection": "The connection",
    "rollout": "The rollout",
    "exemption": "The break-glass mark",
    "asked": "So",
}
_OUTCOMES = {
    ("domain", "not verified"): "Not proven yet",
    ("domain", "not in the registry"): "Not known here",
    ("policy", "password"): "Password",
    ("policy", "optional"): "SSO optional",
    ("policy", "required"): "SSO required",
    ("connection", "off"): "Switched off",
    ("tenant", "suspended"): "Suspended",
    ("rollout", "outside"): "Not reached yet",
    ("exemption", "exempt"): "Break-glass",
    ("asked", "password"): "The password is checked",
    ("asked", "neither"): "The password is asked for",
    ("asked", "refused"): "Refused",
    ("asked", "sso"): "Single sign-on",
    ("asked", "choose"): "The person chooses",
}
_DETAILS = {
    ("domain", "not in the registry"): "No company has set it up.",
    ("policy", "password"): "People of this domain sign in here.",
    ("policy", "optional"): "SSO by itself; a typed password works too.",
    ("policy", "required"): "SSO alone, but for break-glass people.",
    ("exemption", "exempt"): "May use the password although SSO is required.",
}
_NOTHING = Asked()
_PEOPLE = (
    Option("", "as they are"),
    Option("exempt", "break-glass"),
    Option("bound", "not break-glass"),
    Option("disabled", "switched off"),
    Option("enabled", "switched on"),
)
_COMPANY = (
    Option("", "as it is"),
    Option("suspended", "suspended"),
    Option("active", "active"),
)
_OF_DOMAIN = ("policy", "rollout", "connection")
_SUPPOSED = (*_OF_DOMAIN, "off", "person", "company")
_FIELDS = ("email", "asked", *_SUPPOSED)
_CHOICES = {"policy": _POLICIES, "person": _PEOPLE, "company": _COMPANY}


@blueprint.get("/tenants/<tenant>/explain")
def explain_address(tenant: str) -> str:
    """Answer why an address signs in the way it does; and what if."""
    del tenant
    at = scope()
    assert at.bundle is not None, "this is a page of a tenant"
    values = {name: asked(name, longest=300) for name in _FIELDS}
    form, now, supposed = Form(values), None, None
    if values["email"]:
        try:
            address = Address.parse(values["email"])
        except AddressError as error:
            form = Form(values, {"email": str(error)})
        else:
            now = _explained(address, values)
            if any(values[name] for name in _SUPPOSED):
                form = Form(values, _wrong(values))
                supposed = None if form.errors else _explained(address, values, _supposed(values))
    options = tuple(Option(c.slug, c.name) for c in at.bundle.connections.values())
    page = ExplainPage(
        frame=frame("explain"),
        form=form,
        asked=_ASKED,
        policies=_POLICIES,
        connections=(Option("", "as it is"), *options),
        switched=(Option("", "none"), *options),
        people=_PEOPLE,
        company=_COMPANY if at.is_operator else (),
        is_supposing=any(values[name] for name in _SUPPOSED),
        now=now,
        supposed=supposed,
    )
    return render_template("admin/explain.html", page=page)


def _wrong(values: dict[str, str]) -> dict[str, str]:
    raw = values["rollout"]
    if raw and not (raw.isascii() and raw.isdigit() and len(raw) < 4 and int(raw) <= 100):
        return {"rollout": "A rollout is a number from 0 to 100."}
    return {
        name: "Choose one of the list."
        for name, options in _CHOICES.items()
        if values[name] not in {option.value for option in options}
    }


def _supposed(values: dict[str, str]) -> Supposed:
    bundle = scope().bundle
    assert bundle is not None, "this is a page of a tenant"
    way = SupposedWay(
        policy=Policy(values["policy"]) if values["policy"] else None,
        connections=(values["connection"],) if values["connection"] else None,
        rollout=int(values["rollout"]) if values["rollout"] else None,
        verified=True,
    )
    is_of_domain = any(values[name] for name in _OF_DOMAIN)
    off = bundle.connection(values["off"])
    person, company = values["person"], values["company"]
    return Supposed(
        tenant=bundle,
        domains={Address.parse(values["email"]).domain: way} if is_of_domain else {},
        connections={off.slug: replace(off, enabled=False)} if off else {},
        suspended=company == "suspended" if company else None,
        exempt=person == "exempt" if person in {"exempt", "bound"} else None,
        disabled=person == "disabled" if person in {"disabled", "enabled"} else None,
    )


def _explained(address: Address, values: dict[str, str], *supposed: Supposed) -> Explained:
    how = Asked(password_typed=values["asked"] == "password", wants_sso=values["asked"] == "sso")
    return tried(address, *supposed, how=how)


def tried(address: Address, *supposed: Supposed, how: Asked = _NOTHING) -> Explained:
    """Give how an address signs in, with a change that is not saved; nothing of others' people."""
    at = scope()
    within = None if at.is_operator else at.tenant.id
    found = explain(services(), address, asked=how, supposed=supposed, within=within)
    if not at.is_operator and not found.is_of(at.tenant.id):
        words = "is not of a domain of your company."
        return Explained(str(address), "Not yours", "warning", words, ())
    if supposed:
        return answer(address, found)
    planned = planned_words(services(), found.verdict.route.rule, address, found.account)
    return replace(answer(address, found), planned=planned)


def answer(address: Address, found: Explanation) -> Explained:
    """Give an explanation as people read it."""
    badge, tone, words = _said(found.verdict)
    if found.is_shut_out:
        is_off = found.account is not None and found.account.disabled
        why = "the account is switched off" if is_off else "the company is suspended"
        badge, tone, words = "Refused", "error", f"does not get in, by any way: {why}."
    return Explained(
        str(address), badge, tone, words, tuple(_line(s, found) for s in found.verdict.trace)
    )


def _said(verdict: Verdict) -> tuple[str, str, str]:
    match verdict.decision:
        case UsePassword() | AskPassword():
            return "Password", "", "signs in with a password."
        case UseSso(connection):
            return "SSO", "success", f"is sent to {connection.name}."
        case Choose(connections):
            names = ", ".join(connection.name for connection in connections)
            return "SSO", "success", f"chooses between {names}."
        case SsoNotSetUp():
            return "No SSO", "warning", "is told that SSO is not set up."
        case Refused():
            return "Refused", "error", "is refused: SSO is needed, and not available now."


def _line(step: Step, found: Explanation) -> TraceLine:
    name = _RULES.get(step.rule, step.rule.capitalize())
    outcome = _OUTCOMES.get((step.rule, step.outcome), step.outcome)
    detail = _DETAILS.get((step.rule, step.outcome), step.detail)
    route = found.verdict.route
    names = {connection.slug: connection.name for connection in route.connections}
    if step.rule == "connection" and names:
        outcome = ", ".join(names.values())
        detail = "Where the domain leads." if len(names) == 1 else "Between these people choose."
    elif step.outcome == "sso" and route.connections:
        detail = "On to the identity provider."
    elif step.rule == "domain" and route.rule is not None and not scope().is_operator:
        detail = detail.replace(f"; tenant {route.rule.tenant.slug}.", ".")
    return TraceLine(name, outcome, detail)

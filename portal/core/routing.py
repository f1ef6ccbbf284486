"""Where an address goes: the domain's route, and the decision for one submit, with its trace."""

import hashlib
from collections.abc import Sequence

from portal.core.address import Address, Domain
from portal.core.errors import FailureCode
from portal.core.registry import Account, Connection, DomainRule, Policy, Role
from portal.core.values import quick_value


@quick_value
class Step:
    """One line of a trace: which rule was looked at, what it gave, and the facts."""

    rule: str
    outcome: str
    detail: str


@quick_value
class Route:
    """What a domain alone leads to.

    `rule` is the verified entry that covers the domain, None where there is none. `connections`
    are those that can be used now; `off` says why there are none although the policy wants some.
    """

    domain: Domain
    rule: DomainRule | None
    connections: tuple[Connection, ...]
    off: FailureCode | None
    trace: tuple[Step, ...]

    @property
    def has_sso(self) -> bool:
        """Whether SSO is set up for the domain, be it switched off just now."""
        return self.rule is not None and self.rule.policy is not Policy.PASSWORD


@quick_value
class Asked:
    """What the person asked for in the form; the password itself never comes here."""

    password_typed: bool = False
    wants_sso: bool = False
    connection: str = ""


@quick_value
class UsePassword:
    """Check the password that was typed."""


@quick_value
class AskPassword:
    """Show the password field.

    `off` says that SSO, though set up, is not available now, and `exempt_only` that only exempt
    people get in by password meanwhile.
    """

    off: FailureCode | None = None
    exempt_only: bool = False


@quick_value
class UseSso:
    """Send the person through this connection."""

    connection: Connection


@quick_value
class Choose:
    """Let the person pick one of several connections."""

    connections: tuple[Connection, ...]


@quick_value
class SsoNotSetUp:
    """SSO was asked for, and this domain has none."""


@quick_value
class Refused:
    """Nobody gets in this way now, and never by password instead."""

    code: FailureCode


Decision = UsePassword | AskPassword | UseSso | Choose | SsoNotSetUp | Refused


@quick_value
class Verdict:
    """A decision and how it came about."""

    decision: Decision
    route: Route
    trace: tuple[Step, ...]

    @property
    def reason(self) -> str:
        """The fact that decided, in one sentence."""
        return self.trace[-1].detail


def resolve(candidates: Sequence[DomainRule], domain: Domain) -> Route:
    """Give the route of `domain` from the registry's entries for it and its parents.

    Of the entries that cover the domain the longest wins. An entry that is not verified counts
    only against its own tenant: a claim must not change where another tenant's people go.
    """
    covering = [rule for rule in candidates if rule.applies_to(domain)]
    if len(covering) > 1:
        covering.sort(key=lambda rule: (len(rule.domain.name), rule.verified), reverse=True)
    proven = next((rule for rule in covering if rule.verified), None)
    if proven is None:
        return _without_rule(domain, claimed=bool(covering))
    closest = next(rule for rule in covering if rule.tenant.id == proven.tenant.id)
    if not closest.verified:
        detail = f"{closest.domain} is the closest entry and not verified."
        return Route(domain, None, (), None, (Step("domain", "not verified", detail),))
    return _with_rule(domain, closest)


def _without_rule(domain: Domain, *, claimed: bool) -> Route:
    if claimed:
        step = Step("domain", "not verified", f"{domain} is claimed, and nobody has proven it.")
    else:
        step = Step("domain", "not in the registry", f"{domain} is not in the registry.")
    return Route(domain, None, (), None, (step,))


def _with_rule(domain: Domain, rule: DomainRule) -> Route:
    name = rule.domain.name
    how = "matches" if name == domain.name else "matches as a parent with subdomains"
    steps = [
        Step("domain", name, f"{name} {how}; tenant {rule.tenant.slug}."),
        Step("policy", rule.policy.value, f"The policy of {name} is {rule.policy}."),
    ]
    if rule.policy is Policy.PASSWORD:
        return Route(domain, rule, (), None, tuple(steps))
    if rule.tenant.suspended:
        steps.append(Step("tenant", "suspended", f"The tenant {rule.tenant.slug} is suspended."))
        return Route(domain, rule, (), FailureCode.TENANT_SUSPENDED, tuple(steps))
    usable = tuple([connection for connection in rule.connections if connection.usable])
    if not usable:
        steps.append(Step("connection", "off", _why_off(rule.connections)))
        return Route(domain, rule, (), FailureCode.SSO_UNAVAILABLE, tuple(steps))
    names = ", ".join([connection.slug for connection in usable])
    steps.append(Step("connection", names, f"{name} leads to {names}."))
    return Route(domain, rule, usable, None, tuple(steps))


def _why_off(connections: Sequence[Connection]) -> str:
    if not connections:
        return "The domain leads to no connection."
    off = [connection.slug for connection in connections if not connection.enabled]
    if off:
        return f"Switched off: {', '.join(off)}."
    names = ", ".join(connection.slug for connection in connections)
    return f"No client for {names}: it names none and there is no default client."


def in_rollout(address: Address, rollout: int) -> bool:
    """Whether `required` applies to this address already.

    Stable by address and monotone: a bigger rollout only adds addresses.
    """
    if rollout >= 100:
        return True
    digest = hashlib.sha256(b"rollout:" + address.key.encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100 < rollout


def is_exempt(account: Account | None, rule: DomainRule) -> bool:
    """Whether the account may use its password although the domain requires SSO.

    An exemption holds in the account's own tenant; operators are of none and keep their password.
    """
    if account is None:
        return False
    if account.role is Role.OPERATOR:
        return True
    return account.sso_exempt and account.tenant is not None and account.tenant.id == rule.tenant.id


def decide(route: Route, address: Address, *, asked: Asked, account: Account | None) -> Verdict:
    """Decide how this address signs in now.

    `account` is the account of the address where there is one; only its exemption counts here.
    `required` ends at the password for nobody but the exempt.
    """
    trace = list(route.trace)
    if route.rule is None or not route.has_sso:
        return _by_password_alone(route, trace, asked=asked)
    required = route.rule.policy is Policy.REQUIRED
    if required and not in_rollout(address, route.rule.rollout):
        required = False
        detail = f"The address is outside the rollout of {route.rule.rollout} %."
        trace.append(Step("rollout", "outside", detail))
    exempt = required and is_exempt(account, route.rule)
    if exempt:
        trace.append(Step("exemption", "exempt", "The account may use its password."))
    may_use_password = not required or exempt
    if asked.password_typed and not asked.wants_sso and may_use_password:
        trace.append(Step("asked", "password", "A password was typed, and it may be used."))
        return Verdict(UsePassword(), route, tuple(trace))
    if route.off:
        return _switched_off(route, trace, asked=asked, may_use_password=may_use_password)
    if exempt and not asked.wants_sso:
        trace.append(Step("asked", "neither", "Exempt people are asked for their password."))
        return Verdict(AskPassword(), route, tuple(trace))
    return _by_sso(route, trace, asked=asked)


def _by_password_alone(route: Route, trace: list[Step], *, asked: Asked) -> Verdict:
    if asked.wants_sso:
        trace.append(Step("asked", "sso", f"SSO is not set up for {route.domain}."))
        return Verdict(SsoNotSetUp(), route, tuple(trace))
    if asked.password_typed:
        trace.append(Step("asked", "password", f"{route.domain} signs in with a password."))
        return Verdict(UsePassword(), route, tuple(trace))
    trace.append(Step("asked", "neither", f"{route.domain} signs in with a password."))
    return Verdict(AskPassword(), route, tuple(trace))


def _switched_off(
    route: Route, trace: list[Step], *, asked: Asked, may_use_password: bool
) -> Verdict:
    assert route.off is not None
    if asked.wants_sso or (asked.password_typed and not may_use_password):
        trace.append(Step("asked", "refused", "SSO is needed and not available now."))
        return Verdict(Refused(route.off), route, tuple(trace))
    trace.append(Step("asked", "neither", "SSO is not available now; the password is asked for."))
    asked_for = AskPassword(route.off, exempt_only=not may_use_password)
    return Verdict(asked_for, route, tuple(trace))


def _by_sso(route: Route, trace: list[Step], *, asked: Asked) -> Verdict:
    picked = [c for c in route.connections if c.slug == asked.connection]
    among = picked or list(route.connections)
    if len(among) == 1:
        trace.append(Step("asked", "sso", f"SSO through {among[0].slug}."))
        return Verdict(UseSso(among[0]), route, tuple(trace))
    trace.append(Step("asked", "choose", "Several connections: the person picks one."))
    return Verdict(Choose(route.connections), route, tuple(trace))

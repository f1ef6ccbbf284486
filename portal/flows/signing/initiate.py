"""A sign-in that the provider starts: an app tile, or a link in a mail."""

from dataclasses import dataclass

from portal.core.address import Address
from portal.core.attempt import Purpose
from portal.core.errors import FailureCode, SignInFailure
from portal.core.redirects import SafePath
from portal.core.registry import Connection, Tenant
from portal.core.routing import Asked, UseSso
from portal.flows.outcomes import Failed, GoToProvider, Visitor
from portal.flows.signing.refusal import write_down
from portal.flows.signing.sign_in import go_to_provider, judge, sending
from portal.services import Services


@dataclass(frozen=True, slots=True)
class Initiation:
    """What came with the request (OIDC Core, 4): `issuer`, or an address, or both."""

    issuer: str = ""
    address: Address | None = None
    next: SafePath | None = None


@dataclass(frozen=True, slots=True)
class RouteUnclear:
    """Nothing decides for one connection: the sign-in page, with what is known."""


def initiate(
    services: Services, asked: Initiation, visitor: Visitor
) -> GoToProvider | RouteUnclear | Failed:
    """Go to the provider at once where the route is clear (OIDC Core, 4).

    The issuer must be one of ours; together with an address it must be the issuer to which the
    address leads, so that a stranger's link cannot send people to another tenant's provider.
    """
    email = str(asked.address) if asked.address else ""
    tenant, connection = None, None
    try:
        found = _find(services, asked)
        if found is None:
            return RouteUnclear()
        tenant, connection = found
        return go_to_provider(
            services,
            tenant,
            connection,
            visitor,
            email=email,
            next_path=asked.next,
            purpose=Purpose.INITIATED,
        )
    except SignInFailure as failure:
        return write_down(
            services,
            failure,
            visitor,
            method="sso",
            tenant=tenant,
            connection=connection,
            email=email,
            next_path=asked.next,
            facts=sending(connection),
        )


def _find(services: Services, asked: Initiation) -> tuple[Tenant, Connection] | None:
    at_issuer = services.registry.by_issuer(asked.issuer) if asked.issuer else []
    if asked.issuer and not services.registry.clients_at(asked.issuer):
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the issuer is none of ours")
    if asked.address is None:
        return at_issuer[0] if len(at_issuer) == 1 else None
    verdict, _ = judge(services, asked.address, asked=Asked(wants_sso=True))
    rule = verdict.route.rule
    if rule is None or not asked.issuer:
        fits = verdict.route.connections
    else:
        fits = tuple(
            c for c in verdict.route.connections if c.client and c.client.issuer == asked.issuer
        )
    if rule is not None and len(fits) == 1 and (asked.issuer or _is_clear(verdict.decision)):
        return rule.tenant, fits[0]
    return None


def _is_clear(decision: object) -> bool:
    return isinstance(decision, UseSso)

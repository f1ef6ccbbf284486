"""What a set-up session may write: one rule, asked inside each transaction that would write.

It stands beside the routes, which show nothing else: should one of them ever open too far, this
still holds. Never `required`, never a role, never what people sign in through already.
"""

from enum import StrEnum

from sqlalchemy import Connection

from portal.core.changes import Item, Kind
from portal.flows.changes.tenant_edits import NotAllowed, Rule
from portal.flows.rollout.enforcement import Need, conditions
from portal.services import Services
from portal.store import setup_progress
from portal.store.links import Link
from portal.store.tenant_items import TenantRef, connection_items, domains_of_connection

MOST_UNPROVEN = 20
_IN_USE = "People sign in through it already: only an admin may change it."
_NOT_YOURS = "That is for an admin to do."
_ROLES = ("role_claim", "roles")


class May(StrEnum):
    """What a set-up link allows."""

    DOMAINS = "domains"
    CONNECTION = "connection"
    OPTIONAL = "optional"


def allowed(link: Link) -> frozenset[May]:
    """Give what a link allows."""
    return frozenset(may for may in May if may.value in link.allows)


def rule_for(services: Services, link: Link) -> Rule:
    """Give the rule for everything that is written by way of this link."""
    may = allowed(link)

    def rule(
        connection: Connection, tenant: TenantRef, before: Item | None, wanted: Item
    ) -> NotAllowed | None:
        if tenant.id != link.tenant_id:
            return NotAllowed(_NOT_YOURS)
        match wanted.kind:
            case Kind.DOMAIN:
                why = _domain(services, connection, tenant, before, wanted=wanted, may=may)
            case Kind.CLIENT | Kind.CONNECTION if May.CONNECTION in may:
                why = _way(connection, tenant, before, wanted, may=may)
            case _:
                why = _NOT_YOURS
        return NotAllowed(why) if why else None

    return rule


def _domain(
    services: Services,
    connection: Connection,
    tenant: TenantRef,
    before: Item | None,
    *,
    wanted: Item,
    may: frozenset[May],
) -> str:
    """Say what stands against a claim, a proof, or the first way to SSO; or nothing."""
    if before is None:
        if May.DOMAINS not in may or wanted.fields["policy"] != "password":
            return _NOT_YOURS
        found = setup_progress.of_tenant(connection, tenant.id)
        too_many = found.domains - found.proven >= MOST_UNPROVEN
        return "Prove the domains that are claimed already first." if too_many else ""
    if dict(wanted.fields) == {"verified": True}:  # by the TXT record: see domain_proof.check
        return "" if May.DOMAINS in may else _NOT_YOURS
    if May.OPTIONAL not in may or not may_lead(before):
        return _NOT_YOURS
    ways = wanted.fields.get("connections")
    if set(wanted.fields) != {"policy", "connections"} or wanted.fields["policy"] != "optional":
        return _NOT_YOURS
    keys = ways if isinstance(ways, tuple) else ()
    needed = {Need.PROVEN, Need.TESTED}
    found_so = conditions(services, tenant, before, keys)
    met = all(one.is_met for one in found_so if one.need in needed)
    return "" if met else "Run a test sign-in through it first: every check must pass."


def may_lead(domain: Item) -> bool:
    """Whether a domain is proven and leads nobody to SSO yet."""
    fields = domain.fields
    return bool(fields["verified"]) and fields["policy"] == "password" and not fields["connections"]


def _way(
    connection: Connection,
    tenant: TenantRef,
    before: Item | None,
    wanted: Item,
    *,
    may: frozenset[May],
) -> str:
    """Say what stands against a client or a connection as it is wanted, or nothing.

    A new connection stays off: each that is on has a button on the tenant's sign-in page, and
    whoever runs its provider vouches for the tenant's people.
    """
    if wanted.kind is Kind.CONNECTION:
        if dict(wanted.fields) == {"enabled": True}:  # once a domain leads to it: see `_domain`
            led = domains_of_connection(connection, tenant, wanted.key)
            return "" if May.OPTIONAL in may and led else _NOT_YOURS
        old = before.fields if before else {"enabled": False}
        if wanted.fields.get("enabled") != old["enabled"]:
            return "Switching it on is for an admin to do."
        if any((wanted.fields.get(name) or None) != (old.get(name) or None) for name in _ROLES):
            return "Who becomes an admin by a group is for an admin to say."
    return _IN_USE if before is not None and is_used(connection, tenant, before) else ""


def is_used(connection: Connection, tenant: TenantRef, item: Item) -> bool:
    """Whether people may come in through a connection, or through one that has this client."""
    ways = [
        way
        for way in connection_items(connection, tenant)
        if (way.key if item.kind is Kind.CONNECTION else way.fields["client"]) == item.key
    ]
    return any(
        way.fields["enabled"] or domains_of_connection(connection, tenant, way.key) for way in ways
    )

"""Requiring SSO without locking anybody out: what must be so before, and whom it touches.

Nothing here is about people who are let in: it is about a switch that an admin is about to turn,
and that must never be one that only the database could turn back.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection

from portal.core.address import Address, AddressError
from portal.core.changes import Item
from portal.core.routing import in_rollout
from portal.flows.changes.tenant_edits import Actor, NotAllowed, SaveOutcome, save
from portal.services import Services
from portal.store import enforcement_facts
from portal.store.tenant_items import TenantRef, client_items, connection_items

LATELY = timedelta(days=30)


class Need(StrEnum):
    """What must be so before a domain requires SSO."""

    PROVEN = "proven"
    CONNECTED = "connected"
    TESTED = "tested"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Condition:
    """A need, whether it is met, and whom or what it is about."""

    need: Need
    is_met: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a domain touches. `by_rollout` says how many known people each per cent does."""

    known: int
    exempt: int
    by_password: int
    with_identity: int
    left_out: int
    by_rollout: tuple[int, ...]


def tightens(before: Item, wanted: Item) -> bool:
    """Whether a change makes SSO required for more people, or leads them another way."""
    new = {**before.fields, **wanted.fields}
    if new["policy"] != "required":
        return False
    old = before.fields
    return (
        old["policy"] != "required"
        or int(str(new["rollout"])) > int(str(old["rollout"]))
        or new["connections"] != old["connections"]
        or (bool(new["subdomains"]) and not old["subdomains"])
    )


def conditions(
    services: Services, tenant: TenantRef, domain: Item, connections: Sequence[str]
) -> tuple[Condition, ...]:
    """Give what must be so before a domain requires SSO through these connections."""
    with services.database.read() as connection:
        return conditions_within(services, connection, tenant, domain, connections=connections)


def conditions_within(
    services: Services,
    connection: Connection,
    tenant: TenantRef,
    domain: Item,
    *,
    connections: Sequence[str],
) -> tuple[Condition, ...]:
    """Give the same inside the transaction that would change it."""
    ways = {item.key: item for item in connection_items(connection, tenant)}
    clients = {item.key for item in client_items(connection, tenant)}
    default = services.registry.default_client is not None
    chosen = [ways[key] for key in connections if key in ways]
    off = [w.key for w in chosen if not w.fields["enabled"] or not _has_client(w, clients, default)]
    untested = [w.key for w in chosen if not _is_tested(connection, tenant, w)]
    since = services.now() - LATELY
    glass = enforcement_facts.break_glass(connection, tenant.id)
    came = enforcement_facts.came_by_password(connection, tenant.id, since=since)
    ready = sorted(address for key, address in glass.items() if key in came)
    return (
        Condition(Need.PROVEN, bool(domain.fields["verified"])),
        Condition(Need.CONNECTED, bool(chosen) and not off, ", ".join(off)),
        Condition(Need.TESTED, bool(chosen) and not untested, ", ".join(untested)),
        Condition(Need.BREAK_GLASS, bool(ready), ", ".join(ready or sorted(glass.values()))),
    )


def _has_client(way: Item, clients: set[str], default: bool) -> bool:  # noqa: FBT001 - a fact
    client = way.fields["client"]
    return default if client is None else client in clients


def _is_tested(connection: Connection, tenant: TenantRef, way: Item) -> bool:
    """Whether somebody has come through since the connection or its client last changed."""
    abouts = [f"connection {tenant.slug}/{way.key}"]
    if way.fields["client"]:
        abouts.append(f"client {tenant.slug}/{way.fields['client']}")
    changed = enforcement_facts.last_changed(connection, tenant.id, abouts)
    return enforcement_facts.came_through(connection, tenant.id, way.key, after=changed)


def set_way(
    services: Services,
    actor: Actor,
    wanted: Item,
    *,
    seen: str | None,
    override: str = "",
) -> SaveOutcome:
    """Save how a domain signs in. Towards `required` every condition must be met.

    `override` is an operator's reason to go on in spite of them; it is kept in the trail.
    """

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        if before is None or not tightens(before, wanted) or (override and actor.is_operator):
            return None
        keys = {**before.fields, **wanted.fields}["connections"]
        chosen = keys if isinstance(keys, tuple) else ()
        found = conditions_within(services, connection, tenant, before, connections=chosen)
        if all(condition.is_met for condition in found):
            return None
        return NotAllowed("SSO cannot be required yet.", "policy")

    note = f"override: {override}" if override and actor.is_operator else ""
    return save(services, actor, wanted, seen=seen, guard=guard, note=note)


def reach(services: Services, tenant: TenantRef, domain: str, *, subdomains: bool) -> Reach:
    """Count the known people of a domain, and what a requirement would mean for them."""
    since = services.now() - LATELY
    with services.database.read() as connection:
        by_password = enforcement_facts.came_by_password(connection, tenant.id, since=since)
        people = enforcement_facts.people_of_domain(
            connection, tenant.id, domain, subdomains=subdomains
        )
    touched = [person for person in people if not person.is_exempt]
    buckets = [0] * 101
    for person in touched:
        buckets[_first_per_cent(person.key)] += 1
    return Reach(
        known=len(people),
        exempt=len(people) - len(touched),
        by_password=sum(person.key in by_password for person in touched),
        with_identity=sum(person.has_used_sso for person in touched),
        left_out=sum(not person.has_used_sso for person in touched),
        by_rollout=tuple(sum(buckets[: number + 1]) for number in range(101)),
    )


def _first_per_cent(key: str) -> int:
    """Give the smallest rollout that reaches an address; the rollout only ever adds."""
    try:
        address = Address.parse(key)
    except AddressError:
        return 100
    return bisect_left(range(101), True, key=lambda number: in_rollout(address, number))

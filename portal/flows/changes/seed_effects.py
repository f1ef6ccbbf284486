"""What a plan means for people, in numbers, and what in it is risky."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from portal.core.changes import Action, Change, Kind, Value
from portal.core.counting import counted
from portal.core.entries import ClientEntry, Place
from portal.flows.changes.seed_cautions import cautions
from portal.flows.changes.seed_plan import Plan
from portal.flows.changes.seed_reach import Reach, reach
from portal.flows.changes.seed_secrets import SeedSecrets
from portal.seeding.desired import Desired
from portal.store import impact, shared_clients
from portal.store.domain_plan import DomainPlan
from portal.store.shared_clients import Way


@dataclass(frozen=True, slots=True)
class Effect:
    """One consequence of a plan; `is_risky` where somebody should look twice."""

    tenant: str
    text: str
    is_risky: bool = False


def effects(
    connection: Connection,
    domains: DomainPlan,
    *,
    plan: Plan,
    desired: Desired,
    seed_secrets: SeedSecrets,
    allow_local_issuers: bool,
    now: datetime,
) -> list[Effect]:
    """Give what a plan means for people and what in it is risky, by tenant, risks first."""
    reached = reach(connection, domains, plan=plan, desired=desired, now=now)
    slugs = {number: slug for slug, number in plan.catalog.tenant_ids.items()}
    found = [
        *_of_people(reached, slugs),
        *_of_sessions(reached, plan, slugs),
        *_of_admins(reached, plan),
        *_of_operators(connection, plan),
        *_of_unused_connections(connection, domains),
        *(
            Effect(_owner(desired, found.place), str(found), is_risky=True)
            for found in cautions(desired, allow_local_issuers=allow_local_issuers)
        ),
        *_of_lacking_secrets(plan, desired),
        *_of_shared_clients(connection, desired),
        *(
            Effect(
                _owner(desired, problem.place),
                f"{problem}; an apply will be refused",
                is_risky=True,
            )
            for problem in seed_secrets.missing
        ),
    ]
    return sorted(found, key=lambda effect: (effect.tenant, not effect.is_risky))


def _of_people(reached: Reach, slugs: Mapping[int, str]) -> Iterator[Effect]:
    for (tenant_id, name), number in sorted(reached.need_sso.items()):
        used = reached.have_used_it[tenant_id, name]
        how = f"{used:,} of them have signed in by it" if used else "no one has signed in by it yet"
        text = f"{_addresses(number)} of {name} will need SSO: {how}"
        yield Effect(slugs[tenant_id], text, is_risky=not used)
    for (tenant_id, name), number in sorted(reached.freed.items()):
        yield Effect(slugs[tenant_id], f"{_addresses(number)} of {name} will not need SSO any more")


def _of_sessions(reached: Reach, plan: Plan, slugs: Mapping[int, str]) -> Iterator[Effect]:
    for (tenant_id, name), number in sorted(reached.sessions_of_removed.items()):
        text = f"{name} is removed while {_sessions(number)} of its people are active"
        yield Effect(slugs[tenant_id], text, is_risky=True)
    for change in plan.changes:
        if change.kind is not Kind.TENANT:
            continue
        number = reached.sessions_of_tenant[plan.catalog.tenant_ids.get(change.key, 0)]
        if number and change.action is Action.REMOVED:
            text = f"the tenant is removed with {_sessions(number)} active, which end"
            yield Effect(change.key, text, is_risky=True)
        elif number and _becomes(change, "status", "suspended"):
            text = f"the tenant is suspended with {_sessions(number)} active, which end"
            yield Effect(change.key, text, is_risky=True)


def _of_admins(reached: Reach, plan: Plan) -> Iterator[Effect]:
    """Tell which tenants are left without an admin."""
    leaving: defaultdict[str, set[str]] = defaultdict(set)
    coming: set[str] = set()
    for change in plan.changes:
        if change.kind is Kind.USER:
            demoted = change.action is Action.CHANGED and _becomes(change, "role", "member")
            if demoted or change.action is Action.DISABLED:
                leaving[change.tenant].add(change.key)
            elif _becomes(change, "role", "admin"):
                coming.add(change.tenant)
    for tenant, keys in sorted(leaving.items()):
        there = reached.admins.get(plan.catalog.tenant_ids[tenant], set())
        if there and there <= keys and tenant not in coming:
            text = f"{', '.join(sorted(there))}: the last admin of the tenant goes"
            yield Effect(tenant, text, is_risky=True)


def _of_operators(connection: Connection, plan: Plan) -> Iterator[Effect]:
    changes = [change for change in plan.changes if change.kind is Kind.OPERATOR]
    leaving = {change.key for change in changes if change.action is Action.DISABLED}
    coming = any(change.action is Action.CREATED for change in changes)
    if leaving and not coming and impact.operators(connection) <= leaving:
        yield Effect("", "the last operator goes: nobody will see all tenants", is_risky=True)


def _of_unused_connections(connection: Connection, domains: DomainPlan) -> Iterator[Effect]:
    """Tell where SSO begins to be required through what nobody has ever used."""
    required = domains.becoming_required()
    used = impact.used_connections(connection) if required else set()
    for tenant, way, number, name in required:
        if not any((tenant, key) in used for key in way.split()):
            more = counted(number - 1, "more domain")
            which = name if number == 1 else f"{name} and {more}"
            verb = "requires" if number == 1 else "require"
            keys = way.replace(" ", ", ")
            text = f"{which} {verb} SSO through {keys}, which nobody has ever used"
            yield Effect(tenant, text, is_risky=True)


def _of_lacking_secrets(plan: Plan, desired: Desired) -> Iterator[Effect]:
    """Tell which clients have no secret at all."""
    stored = {item.identity: item.fields for item in plan.catalog.items}
    for tenant in desired.tenants:
        for client in tenant.clients:
            before = stored.get((Kind.CLIENT, tenant.slug, client.key), {})
            if missing := _missing_secret(client, before):
                text = f"the client {client.key} has no {missing}, here or in the registry"
                yield Effect(tenant.slug, text, is_risky=True)


def _of_shared_clients(connection: Connection, desired: Desired) -> Iterator[Effect]:
    """Tell which connections nothing keeps apart from those of other tenants."""
    wanted = list(_ways(desired))
    if all(way.is_bound for way in wanted):
        return
    described = {tenant.slug for tenant in desired.tenants}
    others = (way for way in shared_clients.ways(connection) if way.tenant not in described)
    for way in shared_clients.unbound([*wanted, *others]):
        if way.tenant in described:
            text = (
                f"{way.key} shares its client with other tenants and requires no claim, so their "
                "providers may speak for it: set require_claims, or a client of its own"
            )
            yield Effect(way.tenant, text, is_risky=True)


def _ways(desired: Desired) -> Iterator[Way]:
    for tenant in desired.tenants:
        clients = {client.key: (client.issuer, client.client_id) for client in tenant.clients}
        for way in tenant.connections:
            if way.enabled and tenant.status == "active":
                through = clients.get(way.client) if way.client else None
                yield Way(tenant.slug, way.key, through, is_bound=bool(way.require_claims))


def _missing_secret(client: ClientEntry, before: Mapping[str, Value]) -> str | None:
    """Say which secret a client needs and has not, neither in its file nor in the registry."""
    if client.auth_method == "none":
        return None
    if client.auth_method == "private_key_jwt":
        return None if client.private_key or before.get("private_key") else "private_key"
    return None if client.secret or before.get("client_secret") else "client_secret"


def _owner(desired: Desired, place: Place) -> str:
    """Give the tenant whose file this is; nothing for the operators'."""
    return next((t.slug for t in desired.tenants if t.place.file == place.file), "")


def _becomes(change: Change, name: str, value: str) -> bool:
    if change.action not in {Action.CREATED, Action.CHANGED}:
        return False
    return any(field.name == name and field.new == value for field in change.fields)


def _addresses(number: int) -> str:
    return counted(number, "address", "addresses")


def _sessions(number: int) -> str:
    return counted(number, "session")

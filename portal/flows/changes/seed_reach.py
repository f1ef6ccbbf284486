"""Whom a plan's domains reach: people who need SSO from then on, or whose sessions lose ground."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from portal.core.address import Address, Domain
from portal.core.routing import in_rollout
from portal.flows.changes.seed_plan import Plan
from portal.seeding.desired import Desired
from portal.store import impact
from portal.store.domain_plan import DomainPlan
from portal.store.impact import Person, SeenSession, Way

Entry = tuple[int, str]
"""The id of a tenant and the name of a domain."""


@dataclass(slots=True)
class Reach:
    """Numbers of people by entry; of sessions by entry that goes, and by tenant."""

    need_sso: Counter[Entry] = field(default_factory=Counter)
    have_used_it: Counter[Entry] = field(default_factory=Counter)
    freed: Counter[Entry] = field(default_factory=Counter)
    sessions_of_removed: Counter[Entry] = field(default_factory=Counter)
    sessions_of_tenant: Counter[int] = field(default_factory=Counter)
    admins: dict[int, set[str]] = field(default_factory=dict)


def reach(
    connection: Connection,
    domains: DomainPlan,
    *,
    plan: Plan,
    desired: Desired,
    now: datetime,
) -> Reach:
    """Count the people and sessions of the tenants that a plan touches, before and after it."""
    ids = plan.catalog.tenant_ids
    touched = [ids[slug] for slug in sorted(plan.touched) if slug in ids]
    found = Reach()
    people: defaultdict[Entry, list[Person]] = defaultdict(list)
    for person in impact.people(connection, touched):
        people[person.tenant_id, person.key.rpartition("@")[2]].append(person)
        if person.is_admin:
            found.admins.setdefault(person.tenant_id, set()).add(person.key)
    ways = _Ways(connection, domains, list(people), plan=plan, desired=desired)
    for at, some in people.items():
        _count_people(found, some, ways.before.get(at), ways.after.get(at))
    for session in impact.sessions(connection, touched):
        if _is_live(session, now):
            found.sessions_of_tenant[session.tenant_id] += 1
            entry = ways.before.get((session.tenant_id, session.user_key.rpartition("@")[2]))
            if entry and (session.tenant_id, entry[0]) in ways.gone:
                found.sessions_of_removed[session.tenant_id, entry[0]] += 1
    return found


class _Ways:
    """For each domain that people have: the entry that decides for it, before and after."""

    def __init__(
        self,
        connection: Connection,
        domains: DomainPlan,
        people: list[Entry],
        *,
        plan: Plan,
        desired: Desired,
    ) -> None:
        names = sorted({name for _, at in people for name in Domain(at).lookup_names()})
        tenants = sorted({tenant_id for tenant_id, _ in people})
        before = impact.ways(connection, tenants, names)
        self.gone = domains.gone_among(tenants, names)
        after = {entry: way for entry, way in before.items() if entry not in self.gone}
        for wanted in desired.domains.named(names):
            tenant_id = plan.catalog.tenant_ids.get(wanted.tenant)
            if tenant_id is not None:
                after[tenant_id, wanted.name] = Way(
                    wanted.policy, wanted.subdomains, wanted.verified, wanted.rollout
                )
        self.before = _closest(before, people)
        self.after = _closest(after, people)


def _closest(ways: Mapping[Entry, Way], people: list[Entry]) -> dict[Entry, tuple[str, Way]]:
    """Give the entry that covers each domain, as routing does: the longest wins."""

    def covering(tenant_id: int, at: str) -> Iterator[tuple[str, Way]]:
        for name in Domain(at).lookup_names():
            way = ways.get((tenant_id, name))
            if way and way.verified and (name == at or way.subdomains):
                yield name, way

    found = {entry: next(covering(*entry), None) for entry in people}
    return {entry: way for entry, way in found.items() if way}


def _count_people(
    found: Reach,
    people: list[Person],
    before: tuple[str, Way] | None,
    after: tuple[str, Way] | None,
) -> None:
    for person in people:
        was, will = _needs_sso(person, before), _needs_sso(person, after)
        if will and not was and after:
            entry = (person.tenant_id, after[0])
            found.need_sso[entry] += 1
            found.have_used_it[entry] += person.has_used_sso
        elif was and not will and before:
            found.freed[person.tenant_id, before[0]] += 1


def _needs_sso(person: Person, entry: tuple[str, Way] | None) -> bool:
    if entry is None or entry[1].policy != "required" or person.is_exempt:
        return False
    local, _, domain = person.key.rpartition("@")
    return in_rollout(Address(local, Domain(domain)), entry[1].rollout)


def _is_live(session: SeenSession, now: datetime) -> bool:
    ends = session.created_at + timedelta(hours=session.absolute_hours)
    idle = session.last_seen_at + timedelta(minutes=session.idle_minutes)
    return now < min(ends, idle, session.ends_by or ends)

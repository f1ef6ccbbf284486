"""A CSV of domains that somebody uploads: checked, planned, looked at, applied.

    keep     the file waits an hour for whoever sent it
    look     the plan by the registry as it is now, or everything that is wrong with the file
    apply    writes the plan that was looked at; another one is shown first

It is the plan and the apply of the seed files, on other terms: for a tenant's admin nothing counts
as proven but what is, and SSO is required on the domain's own page; an operator vouches, and says
why where the conditions of a requirement are not met.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portal.core.changes import Action, Change, Item, Kind, shown
from portal.core.entries import Place
from portal.flows.changes.registry_changes import PlanIsStaleError, SeedRun, open_seed_run
from portal.flows.changes.registry_trail import Source
from portal.flows.changes.seed_effects import Effect
from portal.flows.changes.seed_plan import DomainCounts, Plan
from portal.flows.changes.seed_terms import BY_OPERATOR, BY_TENANT_ADMIN
from portal.flows.changes.tenant_edits import Actor
from portal.flows.rollout.enforcement import Condition, conditions
from portal.observe import log
from portal.seeding.csv_rows import Asker, Named
from portal.seeding.csv_upload import read_upload
from portal.seeding.desired import Desired
from portal.seeding.problems import Problem, SeedError
from portal.services import Services
from portal.store import uploads
from portal.store.pooler import PoolerError
from portal.store.tenant_items import TenantRef
from portal.store.uploads import Upload

LISTED = 100
_NOT_HERE = Problem(
    Place("", 1), "files cannot be taken here as the portal is set up; ask whoever runs it"
)


@dataclass(frozen=True, slots=True)
class Unmet:
    """Domains that would require SSO before everything is ready for it."""

    tenant: str
    connections: tuple[str, ...]
    count: int
    example: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What an apply would do; of each tenant the first domains. `digest` names this very plan."""

    digest: str
    rows: int
    counts: DomainCounts
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    unmet: tuple[Unmet, ...]

    @property
    def is_empty(self) -> bool:
        """Whether an apply would change nothing."""
        return not (self.counts.created or self.counts.changed)


@dataclass(frozen=True, slots=True)
class Refused:
    """The file is refused; everything that is wrong, as far as it is listed."""

    problems: tuple[Problem, ...]
    unlisted: int


@dataclass(frozen=True, slots=True)
class Applied:
    """It was written, as one change set (None: there was nothing to write)."""

    counts: DomainCounts
    change_set: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """The registry is not what it was when the plan was looked at: this is the plan now."""

    planned: Planned


@dataclass(frozen=True, slots=True)
class ReasonMissing:
    """SSO would be required before everything is ready, and nobody said why."""

    planned: Planned


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and whose domains the file may name: one tenant's, or (None) any."""

    actor: Actor
    tenant: TenantRef | None


def keep(services: Services, asked: Asked, upload: Upload) -> None:
    """Keep a file until its plan is confirmed."""
    tenant_id = asked.tenant.id if asked.tenant else None
    with services.database.transaction() as connection:
        uploads.keep(connection, asked.actor.account.id, tenant_id, upload, now=services.now())


def kept(services: Services, asked: Asked) -> Upload | None:
    """Give the file that waits, None where there is none (any more)."""
    tenant_id = asked.tenant.id if asked.tenant else None
    with services.database.read() as connection:
        return uploads.of_person(connection, asked.actor.account.id, tenant_id, now=services.now())


def discard(services: Services, asked: Asked) -> None:
    """Forget the file."""
    with services.database.transaction() as connection:
        uploads.discard(connection, asked.actor.account.id)


def look(services: Services, asked: Asked, content: bytes) -> Planned | Refused:
    """Make the plan of a file, by the registry as it is now."""
    try:
        with _run(services, asked, content) as (run, desired):
            return _planned(services, run, run.plan(), rows=len(desired.domains))
    except SeedError as error:
        return Refused(tuple(error.problems), error.unlisted)
    except PoolerError as error:
        log.error("domains.no_files", cause=str(error))
        return Refused((_NOT_HERE,), 0)


def apply(
    services: Services, asked: Asked, content: bytes, *, digest: str, reason: str
) -> Applied | Changed | ReasonMissing | Refused:
    """Write the plan of this digest, all of it or nothing.

    `reason` is an operator's, for requiring SSO where not everything is ready; the trail keeps it.
    """
    try:
        with _run(services, asked, content) as (run, desired):
            plan = run.plan()
            planned = _planned(services, run, plan, rows=len(desired.domains))
            if planned.digest != digest:
                return Changed(planned)
            if planned.unmet and not reason:
                return ReasonMissing(planned)
            visitor = asked.actor.visitor
            note = f"override: {reason}" if planned.unmet else ""
            source = Source(visitor.network, visitor.reference, note)
            by = asked.actor.account.email
            outcome = run.apply(plan, now=services.now(), by=by, source=source)
    except SeedError as error:
        return Refused(tuple(error.problems), error.unlisted)
    except (PlanIsStaleError, PoolerError):
        found = look(services, asked, content)
        return found if isinstance(found, Refused) else Changed(found)
    discard(services, asked)
    return Applied(planned.counts, outcome.change_set)


def read(services: Services, asked: Asked, content: bytes) -> Desired:
    """Read a file by the rules for whoever sent it. Raises SeedError with what is wrong."""
    own = asked.tenant.slug if asked.tenant else ""
    bundle = services.registry.tenant(own) if own else None
    known = {own: frozenset(c.slug for c in bundle.connections.values())} if bundle else {}
    return read_upload(
        content,
        named=Named(known, in_registry=frozenset(known)),
        asker=Asker(own=own, vouches=asked.actor.is_operator),
    )


@contextmanager
def _run(services: Services, asked: Asked, content: bytes) -> Iterator[tuple[SeedRun, Desired]]:
    desired = read(services, asked, content)
    with open_seed_run(
        services.database,
        desired,
        vault=services.vault,
        passwords=services.passwords,
        environ={},
        terms=BY_OPERATOR if asked.actor.is_operator else BY_TENANT_ADMIN,
    ) as run:
        yield run, desired


def _planned(services: Services, run: SeedRun, plan: Plan, *, rows: int) -> Planned:
    return Planned(
        digest=_digest(run.domain_changes()),
        rows=rows,
        counts=DomainCounts(
            created=sum(counts.created for counts in plan.domains.values()),
            changed=sum(counts.changed for counts in plan.domains.values()),
        ),
        changes=tuple(c for c in run.domain_changes(limit=LISTED) if c.is_pending),
        effects=tuple(run.effects(plan, now=services.now())),
        unmet=tuple(_unmet(services, run, plan)),
    )


def _digest(changes: Iterable[Change]) -> str:
    digest = hashlib.sha256()
    for change in changes:
        if change.action is not Action.KEPT:
            fields = [(field.name, shown(field.old), shown(field.new)) for field in change.fields]
            digest.update(repr((change.action.value, change.tenant, change.key, fields)).encode())
    return digest.hexdigest()


def _unmet(services: Services, run: SeedRun, plan: Plan) -> Iterator[Unmet]:
    for slug, way, count, example in run.requiring():
        tenant = TenantRef(plan.catalog.tenant_ids[slug], slug)
        domain = Item(Kind.DOMAIN, slug, example, {"verified": True})
        found = conditions(services, tenant, domain, way.split())
        if not all(condition.is_met for condition in found):
            lacking = tuple(condition for condition in found if not condition.is_met)
            yield Unmet(slug, tuple(way.split()), count, example, lacking)

"""The one write path of the registry, for seed files and for the admin pages alike.

    apply        seed files -> plan -> written, again while the registry changes in between
    SeedRun      the same in two steps, for somebody who looks at the plan first
    write        changes that a form made

Each is one transaction: everything is written, the versions of the tenants touched are moved (so
that every running portal reads them afresh), and the trail holds it as one change set; or nothing.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from portal.core.changes import Action, Change, Kind
from portal.crypto import Passwords, Vault
from portal.flows.changes.registry_trail import NOWHERE, Author, Source, Trail
from portal.flows.changes.seed_effects import Effect, effects
from portal.flows.changes.seed_plan import Plan, Planner
from portal.flows.changes.seed_secrets import SeedSecrets
from portal.flows.changes.seed_terms import SEED, Terms
from portal.seeding.desired import Desired
from portal.seeding.progress import Progress, quiet
from portal.store import domain_proofs, pooler
from portal.store.domain_plan import DomainPlan
from portal.store.engine import Database, IntegrityError
from portal.store.registry_writes import RegistryWriter, bump, lock_tenants
from portal.store.workbench import Workbench, open_workbench

_ATTEMPTS = 5


class PlanIsStaleError(Exception):
    """The registry is not what it was when the plan was made; nothing was written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was written: the plan, and the name of its change set in the audit trail.

    `change_set` is None where there was nothing to write.
    """

    plan: Plan
    change_set: str | None


class SeedRun:
    """Seed files on their way into the registry. Made by `open_seed_run`."""

    def __init__(
        self,
        bench: Workbench,
        domains: DomainPlan,
        *,
        planner: Planner,
        desired: Desired,
        seed_secrets: SeedSecrets,
        terms: Terms,
        allow_local_issuers: bool,
    ) -> None:
        self._bench = bench
        self._desired = desired
        self._domains = domains
        self._planner = planner
        self._secrets = seed_secrets
        self._terms = terms
        self._allow_local_issuers = allow_local_issuers

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read beside the plan, all of it as of one moment."""
        with self._bench.reading():
            yield self._bench.connection

    def plan(self) -> Plan:
        """Make the plan, by the registry as it is now. Raises SeedError for what it refuses."""
        return self._planner.plan()

    def domain_changes(self, *, limit: int | None = None) -> Iterator[Change]:
        """Give what the last plan does to each domain, by tenant.

        `limit` bounds how many of each tenant are created, changed, removed and kept here.
        """
        return self._planner.domain_changes(limit=limit)

    def effects(self, plan: Plan, *, now: datetime) -> list[Effect]:
        """Give what the last plan means for people, and what in it is risky."""
        with self.reading() as connection:
            return effects(
                connection,
                self._domains,
                plan=plan,
                desired=self._desired,
                seed_secrets=self._secrets,
                allow_local_issuers=self._allow_local_issuers,
                now=now,
            )

    def requiring(self) -> list[tuple[str, str, int, str]]:
        """Give the ways of the last plan's domains that require SSO then.

        Each is a tenant, connection keys, how many domains, and one of them.
        """
        return self._domains.becoming_required(anew=False)

    def apply(self, plan: Plan, *, now: datetime, by: str, source: Source = NOWHERE) -> Outcome:
        """Write a plan. Raises PlanIsStaleError where the registry changed since it was made."""
        if plan.is_empty:
            return Outcome(plan, None)
        changes = self._secrets.at_rest([c for c in plan.changes if c.is_pending])
        change_set = secrets.token_hex(8)
        try:
            with self._bench.transaction() as connection:
                lock_tenants(connection, plan.touched)
                if not self._planner.is_still_so(plan):
                    raise PlanIsStaleError
                self._write(connection, plan, changes, by=Author(by, change_set, now, source))
                bump(connection, plan.touched)
        except IntegrityError:
            # Somebody's first sign-in made the very account that the plan creates, or the like.
            raise PlanIsStaleError from None
        return Outcome(plan, change_set)

    def _write(
        self,
        connection: Connection,
        plan: Plan,
        changes: list[Change],
        *,
        by: Author,
    ) -> None:
        """Write in the order that foreign keys, names and the trail's tenant ids ask for."""
        origin = self._terms.origin
        writer = RegistryWriter(connection, origin=origin, now=by.at)
        leaving = [c for c in changes if c.action is Action.REMOVED]
        writer.remove(c for c in leaving if c.kind is Kind.TENANT)
        writer.put(changes)
        trail = Trail(connection, writer.tenant_id, by)
        trail.record(changes)
        self._planner.record_domains(trail, plan.domains)
        self._domains.remove()
        self._domains.write(origin=origin)
        domain_proofs.issue_all(connection, self._domains.unverified(), now=by.at)
        writer.remove(c for c in leaving if c.kind is not Kind.TENANT)


@contextmanager
def open_seed_run(
    database: Database,
    desired: Desired,
    *,
    vault: Vault,
    passwords: Passwords,
    environ: Mapping[str, str],
    prune: bool = False,
    terms: Terms = SEED,
    lenient: bool = False,
    allow_local_issuers: bool = False,
    progress: Progress = quiet,
) -> Iterator[SeedRun]:
    """Open what plans and applies seed files.

    Raises SeedError where a reference holds nothing; with `lenient` (for a plan alone) the plan's
    effects tell of it, as of issuers that are not fit unless `allow_local_issuers`. Raises
    PoolerError where the plan's temporary tables would get lost, or mixed up with another's.
    """
    pooler.check_connections_stay(database)
    known = SeedSecrets(
        desired,
        vault=vault,
        passwords=passwords,
        environ=environ,
        lenient=lenient,
        progress=progress,
    )
    with open_workbench(database, patience=terms.patience) as bench, DomainPlan(bench) as domains:
        planner = Planner(
            bench,
            domains,
            desired=desired,
            secrets=known,
            prune=prune,
            terms=terms,
            progress=progress,
        )
        yield SeedRun(
            bench,
            domains,
            planner=planner,
            desired=desired,
            seed_secrets=known,
            terms=terms,
            allow_local_issuers=allow_local_issuers,
        )


def apply(
    database: Database,
    vault: Vault,
    passwords: Passwords,
    desired: Desired,
    *,
    now: datetime,
    by: str,
    environ: Mapping[str, str],
    prune: bool = False,
) -> Outcome:
    """Make the registry what seed files want. Raises SeedError where they are refused.

    Where somebody else writes in between, the plan is made anew.
    """
    with open_seed_run(
        database, desired, vault=vault, passwords=passwords, environ=environ, prune=prune
    ) as run:
        for _ in range(_ATTEMPTS):
            try:
                return run.apply(run.plan(), now=now, by=by)
            except PlanIsStaleError:
                continue
    raise PlanIsStaleError


def write(
    connection: Connection,
    changes: Iterable[Change],
    *,
    now: datetime,
    by: str,
    source: Source = NOWHERE,
    keep: int | None = None,
) -> str:
    """Write changes that a form made, in the caller's transaction; give their change set.

    `keep` is a session that outlives the new password of its account.
    """
    pending = [change for change in changes if change.is_pending]
    change_set = secrets.token_hex(8)
    writer = RegistryWriter(connection, origin="admin", now=now, keep=keep)
    writer.put(pending)
    author = Author(by, change_set, now, source)
    Trail(connection, writer.tenant_id, author).record(pending)
    writer.remove(pending)
    bump(connection, {change.tenant for change in pending if change.tenant})
    return change_set

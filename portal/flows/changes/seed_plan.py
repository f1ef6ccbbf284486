"""What applying seed files would do: made and checked beside the registry, nothing written."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import merge

from portal.core.changes import Action, Change, Item, Kind, created, diff, field_changes
from portal.flows.changes.registry_trail import Trail
from portal.flows.changes.seed_items import wanted_items
from portal.flows.changes.seed_secrets import SeedSecrets
from portal.flows.changes.seed_terms import PROVEN_ELSEWHERE, Terms
from portal.seeding.desired import Desired
from portal.seeding.problems import MOST_HINTS, Problems, suggestion
from portal.seeding.progress import Progress
from portal.store.catalog import Catalog, read_catalog
from portal.store.domain_plan import DomainPlan, Held
from portal.store.workbench import Workbench

_SEPARATE_ENTRIES = 50
_REQUIRED_ELSEWHERE = (
    "SSO is required on the domain's own page, which shows first whether everything is ready; "
    "upload it as optional"
)


@dataclass(slots=True)
class DomainCounts:
    """How many domains of a tenant are created, changed, removed, kept without being wanted."""

    created: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do. The domains' changes are on the workbench, their counts here."""

    changes: tuple[Change, ...]
    domains: Mapping[str, DomainCounts]
    catalog: Catalog = field(repr=False)
    domain_state: tuple[object, ...] = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether an apply would change nothing."""
        moving = (c.created or c.changed or c.removed for c in self.domains.values())
        return not any(change.is_pending for change in self.changes) and not any(moving)

    @property
    def touched(self) -> set[str]:
        """The tenants that something happens to."""
        slugs = {change.tenant for change in self.changes if change.is_pending and change.tenant}
        moving = {s for s, c in self.domains.items() if c.created or c.changed or c.removed}
        return slugs | moving


class Planner:
    """Compares seed files with the registry, as often as it takes, and checks what it finds."""

    def __init__(
        self,
        bench: Workbench,
        domains: DomainPlan,
        *,
        desired: Desired,
        secrets: SeedSecrets,
        prune: bool,
        terms: Terms,
        progress: Progress,
    ) -> None:
        self._bench = bench
        self._domains = domains
        self._desired = desired
        self._secrets = secrets
        self._prune = prune
        self._terms = terms
        self._progress = progress
        self._scope: list[int] = []
        self._is_loaded = False

    def plan(self) -> Plan:
        """Make the plan, by the registry as it is now. Raises SeedError for what it refuses."""
        catalog = self.catalog()
        state = self._domains.state()
        problems = Problems()
        self._check_elsewhere(catalog, problems)
        problems.refuse_if_any()
        self._secrets.compare_passwords((u for _, u in self._desired.people()), catalog.accounts)
        wanted = list(wanted_items(self._desired, catalog, self._secrets))
        changes = diff(self._in_reach(catalog), wanted, prune=self._prune)
        self._compare_domains(catalog)
        changes = self._keep_what_is_used(changes, catalog)
        self._check_accounts(changes, catalog, problems)
        self._check_domains(changes, problems)
        problems.refuse_if_any()
        return Plan(changes, self._counts(), catalog, state)

    def catalog(self) -> Catalog:
        """Read the registry, as far as these files are about it."""
        people = [user.key for _, user in self._desired.people()]
        return read_catalog(self._bench.connection, people=people)

    def is_still_so(self, plan: Plan) -> bool:
        """Whether the registry is what it was when the plan was made."""
        return self.catalog() == plan.catalog and self._domains.state() == plan.domain_state

    def domain_changes(self, *, limit: int | None = None) -> Iterator[Change]:
        """Give what happens to each domain by tenant, the kept ones last.

        `limit` bounds how many of each tenant are created, changed, removed and kept here.
        """
        streams = (
            map(created, self._domains.created(limit=limit)),
            self._changed(limit),
            self._absent(Action.REMOVED, limit),
            self._absent(Action.KEPT, limit),
        )
        with self._bench.reading():  # one block for all streams: they end at different times
            yield from merge(*streams, key=lambda change: change.tenant)

    def record_domains(self, trail: Trail, counts: Mapping[str, DomainCounts]) -> None:
        """Append what happens to the domains to the trail: few one by one, many together."""
        few = (c for c in self.domain_changes(limit=_SEPARATE_ENTRIES) if c.is_pending)
        trail.record(c for c in few if not _are_many(counts[c.tenant], c.action))
        streams: dict[Action, Callable[[], Iterator[tuple[str, str]]]] = {
            Action.CREATED: self._domains.created_names,
            Action.CHANGED: self._domains.changed_names,
            Action.REMOVED: lambda: self._domains.removed_names(self._scope),
        }
        for action, stream in streams.items():
            many = {tenant for tenant, c in counts.items() if _are_many(c, action)}
            if many:
                trail.record_names(action, (pair for pair in stream() if pair[0] in many))

    def _changed(self, limit: int | None) -> Iterator[Change]:
        for before, after in self._domains.changed(limit=limit):
            fields = field_changes(before, after)
            yield Change(Action.CHANGED, after.kind, after.tenant, after.key, fields)

    def _absent(self, action: Action, limit: int | None) -> Iterator[Change]:
        removed = action is Action.REMOVED
        for item in self._domains.absent(self._scope, removed=removed, limit=limit):
            note = "made in the admin pages" if not removed and item.origin == "admin" else ""
            yield Change(action, item.kind, item.tenant, item.key, note=note)

    def _in_reach(self, catalog: Catalog) -> Iterator[Item]:
        """Give the items that these files are about.

        What hangs on a tenant without a file stays out: it stays, or goes, with its tenant.
        """
        described = {tenant.slug for tenant in self._desired.tenants}
        named = described | {tenant for tenant, _ in self._desired.elsewhere}
        for item in (*catalog.items, *catalog.accounts.values()):
            if item.kind is Kind.OPERATOR:
                if self._desired.whole or self._desired.operators is not None:
                    yield item
            elif item.tenant in described or (
                item.kind is Kind.TENANT and self._desired.whole and item.key not in named
            ):
                yield item

    def _compare_domains(self, catalog: Catalog) -> None:
        total = len(self._desired.domains)
        if not self._is_loaded:
            self._domains.load(
                (row[:7] for row in self._desired.domains.rows()),
                progress=lambda done: self._progress("comparing domains", done, total),
            )
            self._is_loaded = True
        named = {tenant.slug for tenant in self._desired.tenants}
        named |= {tenant for tenant, _ in self._desired.elsewhere}
        ids = catalog.tenant_ids
        self._scope = [ids[slug] for slug in sorted(named) if slug in ids]
        self._domains.compare(
            self._desired.domains.ways(),
            tenant_ids=ids,
            connections=catalog.connections,
            scope=self._scope,
            prune=self._prune,
            keeps_unnamed=self._terms.keeps_unnamed,
        )

    def _keep_what_is_used(
        self, changes: tuple[Change, ...], catalog: Catalog
    ) -> tuple[Change, ...]:
        """Keep what a prune would remove and something that stays still needs."""
        going = {
            catalog.connections[change.tenant, change.key]: (change.tenant, change.key)
            for change in changes
            if change.kind is Kind.CONNECTION and change.action is Action.REMOVED
        }
        used = self._domains.leading_to(list(going)) if going else {}
        notes = {
            (Kind.CONNECTION, *going[number]): f"the domain {name} leads to it"
            for number, name in used.items()
        }
        removed = {identity for number, identity in going.items() if number not in used}
        wanted = {
            (tenant.slug, connection.key): connection.client
            for tenant in self._desired.tenants
            for connection in tenant.connections
        }
        for item in catalog.items:
            identity = (item.tenant, item.key)
            if item.kind is Kind.CONNECTION and identity not in removed | wanted.keys():
                wanted[identity] = str(item.fields["client"])
        for (tenant, key), client in wanted.items():
            if client is not None:
                notes[Kind.CLIENT, tenant, client] = f"the connection {key} goes through it"
        return tuple(_kept_for(change, notes) for change in changes)

    def _check_elsewhere(self, catalog: Catalog, problems: Problems) -> None:
        """Check what only a CSV names: the registry must have it."""
        known = [*catalog.tenant_ids, *(t.slug for t in self._desired.tenants)]
        unknown: set[str] = set()
        for (tenant, key), place in self._desired.elsewhere.items():
            if tenant not in catalog.tenant_ids:
                if tenant not in unknown:
                    hint = suggestion(tenant, known) if len(unknown) < MOST_HINTS else ""
                    message = f'no file and no registry has a tenant "{tenant}"'
                    mend = f"describe it in a file, or mend the row{hint}"
                    problems.add(place, f"{message}; {mend}")
                    unknown.add(tenant)
            elif key and (tenant, key) not in catalog.connections:
                its_own = [name for slug, name in catalog.connections if slug == tenant]
                hint = suggestion(key, its_own)
                at = replace(place, key="connection")
                problems.add(at, f'tenant {tenant} has no connection "{key}"{hint}')

    def _check_accounts(
        self, changes: tuple[Change, ...], catalog: Catalog, problems: Problems
    ) -> None:
        """Check that an address is not somebody else's account already."""
        going = _removed_tenants(changes)
        for slug, user in self._desired.people():
            account = catalog.accounts.get(user.key)
            if account is None or account.tenant == (slug or "") or account.tenant in going:
                continue
            whose = f"a user of tenant {account.tenant}" if account.tenant else "an operator"
            problems.add(user.place, f"{user.key} is {whose} in the registry; an address is one")

    def _check_domains(self, changes: tuple[Change, ...], problems: Problems) -> None:
        """Check that no other tenant has proven a domain."""
        going = sorted(_removed_tenants(changes))
        for held in self._domains.held_elsewhere(going=going):
            entry = self._desired.domains.named([held.name])[0]
            problems.add(entry.place, f"{held.name} {self._whose(held)}")
        if not self._terms.may_require:
            for name in self._domains.asking_for_sso():
                place = self._desired.domains.named([name])[0].place
                problems.add(replace(place, key="policy"), _REQUIRED_ELSEWHERE)

    def _whose(self, held: Held) -> str:
        """Say that a domain is taken; by whom, to those who may know."""
        if not self._terms.sees_all:
            return PROVEN_ELSEWHERE
        is_seed = held.holder_origin == "seed" and self._terms.origin == "seed"
        mend = "; --prune would free it" if is_seed else ""
        return f"is held by tenant {held.held_by} in the registry{mend}"

    def _counts(self) -> dict[str, DomainCounts]:
        counts: defaultdict[str, DomainCounts] = defaultdict(DomainCounts)
        for tenant, number in self._domains.created_counts().items():
            counts[tenant].created = number
        for tenant, number in self._domains.changed_counts().items():
            counts[tenant].changed = number
        for tenant, number in self._domains.absent_counts(self._scope, removed=True).items():
            counts[tenant].removed = number
        for tenant, number in self._domains.absent_counts(self._scope, removed=False).items():
            counts[tenant].kept = number
        return dict(counts)


def _are_many(counts: DomainCounts, action: Action) -> bool:
    number = {
        Action.CREATED: counts.created,
        Action.CHANGED: counts.changed,
        Action.REMOVED: counts.removed,
    }
    return number.get(action, 0) > _SEPARATE_ENTRIES


def _kept_for(change: Change, notes: Mapping[tuple[Kind, str, str], str]) -> Change:
    note = notes.get((change.kind, change.tenant, change.key))
    if change.action is Action.REMOVED and note is not None:
        return replace(change, action=Action.KEPT, note=note)
    return change


def _removed_tenants(changes: tuple[Change, ...]) -> set[str]:
    return {c.key for c in changes if c.kind is Kind.TENANT and c.action is Action.REMOVED}

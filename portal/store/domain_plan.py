"""Domains by the million: what is wanted beside what is there, compared and written as sets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from sqlalchemy import Delete, Select, and_, delete, func, insert, literal, select, update

from portal.core.changes import Item, Kind
from portal.store import domain_staging as staging
from portal.store.domain_queries import (
    SETTINGS,
    absent,
    becoming_required,
    differing,
    held_elsewhere,
    is_gone,
    state_of_all,
    to_change,
    to_create,
    unverified,
)
from portal.store.domain_staging import Wanted, gone, pending, routes, wanted
from portal.store.engine import AnyRow
from portal.store.tables import CONNECTIONS, DOMAIN_CONNECTIONS, DOMAINS, TENANTS
from portal.store.workbench import Workbench

_STREAMED = 10_000
_READ_BATCH = 500


@dataclass(frozen=True, slots=True)
class Held:
    """A domain that another tenant has verified."""

    name: str
    held_by: str
    holder_origin: str


class DomainPlan:
    """The wanted domains beside those of the registry, on one workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._connection = bench.connection
        self._are_all_wanted = False

    def __enter__(self) -> Self:
        staging.create(self._bench)
        return self

    def __exit__(self, *_: object) -> None:
        staging.drop(self._bench)

    def load(self, rows: Iterable[Wanted], *, progress: Callable[[int], None]) -> None:
        """Stage the wanted domains, once. `progress` hears how many are staged."""
        staging.load(self._bench, rows, progress=progress)

    def compare(
        self,
        ways: Iterable[tuple[str, str]],
        *,
        tenant_ids: Mapping[str, int],
        connections: Mapping[tuple[str, str], int],
        scope: Sequence[int],
        prune: bool,
        keeps_unnamed: bool = False,
    ) -> None:
        """Find what is to be created, changed or removed, by the registry as it is now.

        `ways` are the pairs of tenant and connection keys of the wanted domains. Removed are, with
        `prune`, domains of the tenants in `scope` that a seed made and nobody wants any more. With
        `keeps_unnamed` a domain keeps its proof, its rollout and whether it is for subdomains.
        """
        staging.set_routes(self._bench, ways, tenant_ids=tenant_ids, connections=connections)
        self._connection.execute(delete(pending))
        columns = [column.name for column in pending.c]
        self._connection.execute(
            insert(pending).from_select(columns, differing(keeps_unnamed=keeps_unnamed))
        )
        self._drop_equal_ones()
        self._connection.execute(delete(gone))
        self._are_all_wanted = self._has_no_other(scope)
        if prune and not self._are_all_wanted:
            unwanted = absent(scope).where(DOMAINS.c.origin == "seed")
            self._connection.execute(
                insert(gone).from_select(["domain_id"], unwanted.with_only_columns(DOMAINS.c.id))
            )
        staging.analyze(self._bench, pending, gone)

    def created(self, *, limit: int | None = None) -> Iterator[Item]:
        """Give the domains that are to be created, by tenant and name; of each tenant `limit`."""
        for row in self._stream(self._ordered(to_create(), limit)):
            yield _item(row, tuple(row.way.split()), "")

    def changed(self, *, limit: int | None = None) -> Iterator[tuple[Item, Item]]:
        """Give the domains that are to be changed: as they are, as they are wanted."""
        rows = self._stream(self._ordered(to_change(), limit))
        while some := list(islice(rows, _READ_BATCH)):
            yield from self._beside_current(some)

    def absent(
        self, scope: Sequence[int], *, removed: bool, limit: int | None = None
    ) -> Iterator[Item]:
        """Give the domains of these tenants that are not wanted: the removed ones, or the kept."""
        if self._are_all_wanted:
            return
        query = absent(scope).where(is_gone() if removed else ~is_gone())
        for row in self._stream(self._ordered(query, limit)):
            yield _item(row, (), row.origin)

    def created_names(self) -> Iterator[tuple[str, str]]:
        """Give tenant and name of what is to be created, in no order."""
        return self._names(to_create().with_only_columns(pending.c.tenant, pending.c.name))

    def changed_names(self) -> Iterator[tuple[str, str]]:
        """Give tenant and name of what is to be changed, in no order."""
        return self._names(to_change().with_only_columns(pending.c.tenant, pending.c.name))

    def removed_names(self, scope: Sequence[int]) -> Iterator[tuple[str, str]]:
        """Give tenant and name of what is to be removed, in no order."""
        query = absent(scope).where(is_gone())
        return self._names(query.with_only_columns(TENANTS.c.slug, DOMAINS.c.name))

    def created_counts(self) -> dict[str, int]:
        """Give how many domains are to be created for each tenant."""
        return self._counted(to_create(), pending.c.tenant)

    def changed_counts(self) -> dict[str, int]:
        """Give how many domains are to be changed for each tenant."""
        return self._counted(to_change(), pending.c.tenant)

    def absent_counts(self, scope: Sequence[int], *, removed: bool) -> dict[str, int]:
        """Give how many domains of each tenant are not wanted: the removed ones, or the kept."""
        if self._are_all_wanted:
            return {}
        query = absent(scope).where(is_gone() if removed else ~is_gone())
        return self._counted(query, TENANTS.c.slug)

    def leading_to(self, connection_ids: Sequence[int]) -> dict[int, str]:
        """Give connections that a domain still leads to after the write, each with one domain."""
        query = (
            select(DOMAIN_CONNECTIONS.c.connection_id, func.min(DOMAINS.c.name))
            .join(DOMAINS, DOMAINS.c.id == DOMAIN_CONNECTIONS.c.domain_id)
            .where(
                DOMAIN_CONNECTIONS.c.connection_id.in_(connection_ids),
                ~is_gone(),
                DOMAINS.c.id.not_in(to_change().with_only_columns(pending.c.domain_id)),
            )
            .group_by(DOMAIN_CONNECTIONS.c.connection_id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def gone_among(self, tenant_ids: Sequence[int], names: Sequence[str]) -> set[tuple[int, str]]:
        """Give which of these domains of these tenants are to be removed."""
        found: set[tuple[int, str]] = set()
        for start in range(0, len(names), _READ_BATCH):
            query = select(DOMAINS.c.tenant_id, DOMAINS.c.name).where(
                is_gone(),
                DOMAINS.c.tenant_id.in_(tenant_ids),
                DOMAINS.c.name.in_(names[start : start + _READ_BATCH]),
            )
            found.update((row[0], row[1]) for row in self._connection.execute(query))
        return found

    def becoming_required(self, *, anew: bool = True) -> list[tuple[str, str, int, str]]:
        """Give the ways of domains that begin to require SSO: tenant, keys, how many, and one.

        Without `anew` also of those that go on to require it and change otherwise.
        """
        found = self._connection.execute(becoming_required(anew=anew))
        return sorted((row[0], row[1], row[2], row[3]) for row in found)

    def held_elsewhere(self, *, going: Sequence[str]) -> list[Held]:
        """Give the wanted domains that another tenant has verified, and will go on to have.

        `going` are tenants that are removed in the same write.
        """
        return [Held(*row) for row in self._connection.execute(held_elsewhere(going))]

    def remove(self) -> None:
        """Remove the domains that are to go."""
        ids = select(gone.c.domain_id)
        self._connection.execute(_unlinking(ids))
        self._connection.execute(delete(DOMAINS).where(DOMAINS.c.id.in_(ids)))

    def write(self, *, origin: str) -> None:
        """Create and change what is pending; tenants and connections must be there by now."""
        self._fill_links()
        settings = [pending.c[name] for name in SETTINGS]
        tenant = TENANTS.c.slug == pending.c.tenant
        self._connection.execute(
            insert(DOMAINS).from_select(
                ["name", "tenant_id", *SETTINGS, "origin"],
                select(pending.c.name, TENANTS.c.id, *settings, literal(origin))
                .join(TENANTS, tenant)
                .where(pending.c.domain_id.is_(None))
                .order_by(pending.c.name),
            )
        )
        changed = to_change().with_only_columns(pending.c.domain_id)
        self._connection.execute(_unlinking(changed))
        self._connection.execute(
            update(DOMAINS)
            .where(DOMAINS.c.id == pending.c.domain_id)
            .values({name: pending.c[name] for name in SETTINGS})
        )
        here = and_(DOMAINS.c.name == pending.c.name, DOMAINS.c.tenant_id == TENANTS.c.id)
        ways = staging.links
        way = and_(ways.c.tenant == pending.c.tenant, ways.c.way == pending.c.way)
        self._connection.execute(
            insert(DOMAIN_CONNECTIONS).from_select(
                ["domain_id", "position", "connection_id"],
                select(DOMAINS.c.id, ways.c.position, ways.c.connection_id)
                .select_from(pending)
                .join(TENANTS, tenant)
                .join(DOMAINS, here)
                .join(ways, way)
                .order_by(pending.c.name),
            )
        )

    def state(self) -> tuple[Any, ...]:
        """Give sums over all domains that nearly any change to one of them moves."""
        domains, links = state_of_all()
        return (*self._connection.execute(domains).one(), *self._connection.execute(links).one())

    def unverified(self) -> list[int]:
        """Give the ids of what is created or changed, and waits for its proof."""
        return list(self._connection.execute(unverified()).scalars())

    def asking_for_sso(self) -> list[str]:
        """Give the domains that are created or changed and require SSO then."""
        query = select(pending.c.name).where(pending.c.policy == "required")
        return list(self._connection.execute(query.order_by(pending.c.name)).scalars())

    def _has_no_other(self, scope: Sequence[int]) -> bool:
        """Whether these tenants have no domain but wanted ones: as many as are wanted and there."""

        def number(query: Select[Any]) -> int:
            return int(self._connection.execute(query).scalar_one())

        there = select(func.count()).select_from(DOMAINS).where(DOMAINS.c.tenant_id.in_(scope))
        all_wanted = number(select(func.count()).select_from(wanted))
        to_make = number(to_create().with_only_columns(func.count()))
        return number(there) == all_wanted - to_make

    def _fill_links(self) -> None:
        ids = {
            (row.slug, row.key): row.id
            for row in self._connection.execute(
                select(TENANTS.c.slug, CONNECTIONS.c.key, CONNECTIONS.c.id).join(
                    TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id
                )
            )
        }
        values = [
            {"tenant": tenant, "way": way, "position": place, "connection_id": ids[tenant, key]}
            for tenant, way in self._connection.execute(select(routes.c.tenant, routes.c.way))
            for place, key in enumerate(way.split())
        ]
        self._connection.execute(delete(staging.links))
        if values:
            self._connection.execute(insert(staging.links), values)

    def _drop_equal_ones(self) -> None:
        """Take back what only might differ: the order of several connections is compared here."""
        several = (pending.c.tenant == routes.c.tenant) & (pending.c.way == routes.c.way)
        query = to_change().join(routes, several).where(routes.c.several)
        equal: list[str] = []
        rows = self._stream(query)
        while some := list(islice(rows, _READ_BATCH)):
            beside = self._beside_current(some)
            equal.extend(after.key for before, after in beside if before.fields == after.fields)
        for start in range(0, len(equal), _READ_BATCH):
            names = equal[start : start + _READ_BATCH]
            self._connection.execute(delete(pending).where(pending.c.name.in_(names)))

    def _beside_current(self, rows: Sequence[AnyRow]) -> Iterator[tuple[Item, Item]]:
        ids = [row.domain_id for row in rows]
        current = {
            row.id: row
            for row in self._connection.execute(select(DOMAINS).where(DOMAINS.c.id.in_(ids)))
        }
        keys: dict[int, list[str]] = {}
        for domain_id, key in self._connection.execute(
            select(DOMAIN_CONNECTIONS.c.domain_id, CONNECTIONS.c.key)
            .join(CONNECTIONS, CONNECTIONS.c.id == DOMAIN_CONNECTIONS.c.connection_id)
            .where(DOMAIN_CONNECTIONS.c.domain_id.in_(ids))
            .order_by(DOMAIN_CONNECTIONS.c.domain_id, DOMAIN_CONNECTIONS.c.position)
        ):
            keys.setdefault(domain_id, []).append(key)
        for row in rows:
            before = current[row.domain_id]
            yield (
                _item(before, tuple(keys.get(row.domain_id, ())), before.origin, row.tenant),
                _item(row, tuple(row.way.split()), before.origin),
            )

    def _ordered(self, query: Select[Any], limit: int | None) -> Select[Any]:
        """Order by tenant and name, byte by byte as Python does; take `limit` of each tenant."""
        found = query.subquery()
        collation = "BINARY" if self._bench.is_sqlite else "C"
        order = (found.c.tenant.collate(collation), found.c.name.collate(collation))
        if limit is None:
            return select(found).order_by(*order)
        rank = func.row_number().over(partition_by=found.c.tenant, order_by=order[1])
        ranked = select(found, rank.label("rank")).subquery()
        return (
            select(ranked)
            .where(ranked.c.rank <= limit)
            .order_by(ranked.c.tenant.collate(collation), ranked.c.rank)
        )

    def _stream(self, query: Select[*tuple[Any, ...]]) -> Iterator[AnyRow]:
        with self._bench.reading():
            yield from self._connection.execute(query, execution_options={"yield_per": _STREAMED})

    def _names(self, query: Select[*tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
        return ((row[0], row[1]) for row in self._stream(query))

    def _counted(self, query: Select[Any], tenant: Any) -> dict[str, int]:
        counted = query.with_only_columns(tenant, func.count()).group_by(tenant)
        return {row[0]: row[1] for row in self._connection.execute(counted)}


def _unlinking(domain_ids: Select[int]) -> Delete:
    return delete(DOMAIN_CONNECTIONS).where(DOMAIN_CONNECTIONS.c.domain_id.in_(domain_ids))


def _item(row: AnyRow, connections: tuple[str, ...], origin: str, tenant: str = "") -> Item:
    fields = {
        "policy": row.policy,
        "connections": connections,
        "subdomains": row.subdomains,
        "verified": row.verified,
        "rollout": row.rollout,
    }
    return Item(Kind.DOMAIN, tenant or row.tenant, row.name, fields, origin)

"""Domains by the million: staged in temporary tables, compared and written by the database.

load    the wanted domains -> wanted
compare wanted against domains -> pending (what is to be created or changed)
write   pending -> domains, domain_connections
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import cast as cast_column

from portal.core.changes import Item, Kind
from portal.store.engine import AnyRow
from portal.store.tables import ConnectionRow, DomainConnectionRow, DomainRow, TenantRow
from portal.store.workbench import Workbench

_LOAD_BATCH = 10_000
_READ_BATCH = 500
_NO_CONNECTION = 0
_NEW_CONNECTION = -1

_temporary = MetaData()


def _columns() -> tuple[Column[Any], ...]:
    return (
        Column("name", Text, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("tenant_id", Integer),
        Column("policy", Text, nullable=False),
        Column("way", Text, nullable=False),
        Column("lead", Integer, nullable=False),
        Column("several", Boolean, nullable=False),
        Column("subdomains", Boolean, nullable=False),
        Column("verified", Boolean, nullable=False),
        Column("rollout", Integer, nullable=False),
    )


# `lead` is the id of the first connection; `way` are the keys of all, joined by spaces.
_wanted = Table("seed_wanted", _temporary, *_columns(), prefixes=["TEMPORARY"])
_pending = Table(
    "seed_pending",
    _temporary,
    *_columns(),
    Column("domain_id", Integer),
    prefixes=["TEMPORARY"],
)
_ways = Table(
    "seed_ways",
    _temporary,
    Column("tenant", Text, primary_key=True),
    Column("way", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("connection_id", Integer, nullable=False),
    prefixes=["TEMPORARY"],
)

_gone = Table(
    "seed_gone",
    _temporary,
    Column("domain_id", Integer, primary_key=True),
    prefixes=["TEMPORARY"],
)

_domains = cast("Table", DomainRow.__table__)
_links = cast("Table", DomainConnectionRow.__table__)
_SETTINGS = ("policy", "subdomains", "verified", "rollout")

Wanted = tuple[str, str, str, str, int, int, int]
"""name, tenant, policy, connection keys joined by spaces, subdomains, verified, rollout"""


@dataclass(frozen=True, slots=True)
class Held:
    """A domain that another tenant has verified."""

    name: str
    wanted_by: str
    held_by: str
    holder_origin: str


class DomainPlan:
    """The wanted domains beside those of the registry, on one workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._connection = bench.connection

    def __enter__(self) -> Self:
        self.__exit__()
        _temporary.create_all(self._connection, checkfirst=False)
        return self

    def __exit__(self, *_: object) -> None:
        for table in (_wanted, _pending, _ways, _gone):
            self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")

    def load(
        self,
        rows: Iterable[Wanted],
        *,
        tenant_ids: Mapping[str, int],
        connections: Mapping[tuple[str, str], int],
        progress: Callable[[int], None],
    ) -> None:
        """Stage the wanted domains. `progress` hears how many are staged."""
        known: dict[tuple[str, str], tuple[int | None, int, bool]] = {}

        def resolved(row: Wanted) -> tuple[Any, ...]:
            name, tenant, policy, keys, subdomains, verified, rollout = row
            way = known.get((tenant, keys))
            if way is None:
                way = known[tenant, keys] = _way(tenant, keys, tenant_ids, connections)
            flags = (way[2], bool(subdomains), bool(verified))
            return (name, tenant, way[0], policy, keys, way[1], *flags, rollout)

        with self._bench.reading():
            self._connection.execute(delete(_wanted))
            self._fill(map(resolved, rows), progress)
        if not self._bench.is_sqlite:
            self._connection.exec_driver_sql("ANALYZE seed_wanted")

    def compare(self, *, scope: Sequence[int], prune: bool) -> None:
        """Find what is to be created, changed or removed, by the registry as it is now.

        Removed are, with `prune`, domains of the tenants in `scope` that a seed made and that are
        not wanted any more.
        """
        self._connection.execute(delete(_pending))
        self._connection.execute(delete(_gone))
        lead, second = _links.alias(), _links.alias()
        here = and_(_domains.c.name == _wanted.c.name, _domains.c.tenant_id == _wanted.c.tenant_id)
        differs = or_(
            _domains.c.id.is_(None),
            *(_domains.c[name] != _wanted.c[name] for name in _SETTINGS),
            func.coalesce(lead.c.connection_id, _NO_CONNECTION) != _wanted.c.lead,
            second.c.connection_id.is_not(None) != _wanted.c.several,
            _wanted.c.several,
        )
        query = (
            select(*_wanted.c, _domains.c.id)
            .select_from(
                _wanted.outerjoin(_domains, here)
                .outerjoin(lead, and_(lead.c.domain_id == _domains.c.id, lead.c.position == 0))
                .outerjoin(
                    second, and_(second.c.domain_id == _domains.c.id, second.c.position == 1)
                )
            )
            .where(differs)
            .order_by(_wanted.c.name)
        )
        columns = [column.name for column in _pending.c]
        self._connection.execute(insert(_pending).from_select(columns, query))
        self._drop_equal_ones()
        if prune:
            absent = _absent(scope).where(_domains.c.origin == "seed")
            self._connection.execute(
                insert(_gone).from_select(["domain_id"], absent.with_only_columns(_domains.c.id))
            )
        if not self._bench.is_sqlite:
            self._connection.exec_driver_sql("ANALYZE seed_pending")
            self._connection.exec_driver_sql("ANALYZE seed_gone")

    def created(self, *, limit: int | None = None) -> Iterator[Item]:
        """Give the domains that are to be created, by tenant and name; of each tenant `limit`."""
        query = select(*_pending.c).where(_pending.c.domain_id.is_(None))
        for row in self._stream(self._ordered(query, limit)):
            yield _item(row, tuple(row.way.split()), "")

    def changed(self, *, limit: int | None = None) -> Iterator[tuple[Item, Item]]:
        """Give the domains that are to be changed: as they are, as they are wanted."""
        query = select(*_pending.c).where(_pending.c.domain_id.is_not(None))
        rows = self._stream(self._ordered(query, limit))
        while some := list(islice(rows, _READ_BATCH)):
            yield from self._beside_current(some)

    def created_counts(self) -> dict[str, int]:
        """Give how many domains are to be created for each tenant."""
        query = select(_pending.c.tenant, func.count()).where(_pending.c.domain_id.is_(None))
        return {row[0]: row[1] for row in self._connection.execute(query.group_by("tenant"))}

    def changed_counts(self) -> dict[str, int]:
        """Give how many domains are to be changed for each tenant."""
        query = select(_pending.c.tenant, func.count()).where(_pending.c.domain_id.is_not(None))
        return {row[0]: row[1] for row in self._connection.execute(query.group_by("tenant"))}

    def absent(
        self, scope: Sequence[int], *, removed: bool, limit: int | None = None
    ) -> Iterator[Item]:
        """Give the domains of these tenants that are not wanted: the removed ones, or the kept."""
        is_gone = _domains.c.id.in_(select(_gone.c.domain_id))
        query = _absent(scope).where(is_gone if removed else ~is_gone)
        for row in self._stream(self._ordered(query, limit)):
            yield _item(row, (), row.origin)

    def absent_counts(self, scope: Sequence[int], *, removed: bool) -> dict[str, int]:
        """Give how many domains of each tenant are not wanted: the removed ones, or the kept."""
        is_gone = _domains.c.id.in_(select(_gone.c.domain_id))
        query = _absent(scope).where(is_gone if removed else ~is_gone)
        counted = query.with_only_columns(TenantRow.slug, func.count()).group_by(TenantRow.slug)
        return {row[0]: row[1] for row in self._connection.execute(counted)}

    def leading_to(self, connection_ids: Sequence[int]) -> dict[int, str]:
        """Give connections that a domain still leads to after the write, each with one domain."""
        query = (
            select(_links.c.connection_id, func.min(_domains.c.name))
            .join(_domains, _domains.c.id == _links.c.domain_id)
            .where(
                _links.c.connection_id.in_(connection_ids),
                _domains.c.id.not_in(select(_gone.c.domain_id)),
                _domains.c.id.not_in(
                    select(_pending.c.domain_id).where(_pending.c.domain_id.is_not(None))
                ),
            )
            .group_by(_links.c.connection_id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def held_elsewhere(self, *, going: Sequence[str]) -> list[Held]:
        """Give the wanted domains that another tenant has verified, and will go on to have.

        `going` are tenants that are removed in the same write.
        """
        query = (
            select(_pending.c.name, _pending.c.tenant, TenantRow.slug, _domains.c.origin)
            .join(_domains, and_(_domains.c.name == _pending.c.name, _domains.c.verified))
            .join(TenantRow, TenantRow.id == _domains.c.tenant_id)
            .where(
                TenantRow.slug != _pending.c.tenant,
                TenantRow.slug.not_in(going),
                _domains.c.id.not_in(select(_gone.c.domain_id)),
            )
            .order_by(_pending.c.name)
        )
        return [Held(*row) for row in self._connection.execute(query)]

    def write(self, *, origin: str) -> None:
        """Create and change what is pending; tenants and connections must be there by now."""
        self._fill_ways()
        self._connection.execute(
            insert(_domains).from_select(
                ["name", "tenant_id", *_SETTINGS, "origin"],
                select(
                    _pending.c.name,
                    TenantRow.id,
                    *(_pending.c[name] for name in _SETTINGS),
                    literal(origin),
                )
                .join(TenantRow, TenantRow.slug == _pending.c.tenant)
                .where(_pending.c.domain_id.is_(None))
                .order_by(_pending.c.name),
            )
        )
        changed = select(_pending.c.domain_id).where(_pending.c.domain_id.is_not(None))
        self._connection.execute(delete(_links).where(_links.c.domain_id.in_(changed)))
        self._connection.execute(
            update(_domains)
            .where(_domains.c.id == _pending.c.domain_id)
            .values({name: _pending.c[name] for name in _SETTINGS})
        )
        self._connection.execute(
            insert(_links).from_select(
                ["domain_id", "position", "connection_id"],
                select(_domains.c.id, _ways.c.position, _ways.c.connection_id)
                .select_from(_pending)
                .join(TenantRow, TenantRow.slug == _pending.c.tenant)
                .join(
                    _domains,
                    and_(_domains.c.name == _pending.c.name, _domains.c.tenant_id == TenantRow.id),
                )
                .join(
                    _ways,
                    and_(_ways.c.tenant == _pending.c.tenant, _ways.c.way == _pending.c.way),
                )
                .order_by(_pending.c.name),
            )
        )

    def remove(self) -> None:
        """Remove the domains that are to go."""
        gone = select(_gone.c.domain_id)
        self._connection.execute(delete(_links).where(_links.c.domain_id.in_(gone)))
        self._connection.execute(delete(_domains).where(_domains.c.id.in_(gone)))

    def state(self) -> tuple[Any, ...]:
        """Give sums over all domains that nearly any change to one of them moves."""
        domains = self._connection.execute(
            select(
                func.count(),
                func.max(_domains.c.id),
                func.sum(_wide(_domains.c.id) * _domains.c.rollout),
                func.sum(_domains.c.id).filter(_domains.c.verified),
                func.sum(_domains.c.id).filter(_domains.c.subdomains),
                func.sum(_domains.c.id).filter(_domains.c.policy == "required"),
                func.sum(_domains.c.id).filter(_domains.c.policy == "optional"),
            )
        ).one()
        links = self._connection.execute(
            select(
                func.count(),
                func.sum(_wide(_links.c.domain_id) * (_links.c.position + 1)),
                func.sum(_wide(_links.c.connection_id) * (_links.c.position + 1)),
            )
        ).one()
        return (*domains, *links)

    def _fill(self, rows: Iterator[tuple[Any, ...]], progress: Callable[[int], None]) -> None:
        done = 0
        if self._bench.is_sqlite:
            marks = ",".join("?" * len(_wanted.c))
            statement = f"INSERT INTO {_wanted.name} VALUES ({marks})"  # noqa: S608 - own names
            while some := _take(rows, _LOAD_BATCH):
                self._connection.exec_driver_sql(statement, some)
                done += len(some)
                progress(done)
            return
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {_wanted.name} FROM STDIN") as copy:
            while some := _take(rows, _LOAD_BATCH):
                for row in some:
                    copy.write_row(row)
                done += len(some)
                progress(done)

    def _fill_ways(self) -> None:
        self._connection.execute(delete(_ways))
        ids = {
            (row.slug, row.key): row.id
            for row in self._connection.execute(
                select(TenantRow.slug, ConnectionRow.key, ConnectionRow.id).join(
                    TenantRow, TenantRow.id == ConnectionRow.tenant_id
                )
            )
        }
        used = select(_pending.c.tenant, _pending.c.way).where(_pending.c.way != "")
        ways = [
            {
                "tenant": tenant,
                "way": keys,
                "position": position,
                "connection_id": ids[tenant, key],
            }
            for tenant, keys in self._connection.execute(used.distinct()).all()
            for position, key in enumerate(keys.split())
        ]
        if ways:
            self._connection.execute(insert(_ways), ways)

    def _drop_equal_ones(self) -> None:
        """Take back what only might differ: the order of several connections is compared here."""
        query = select(*_pending.c).where(_pending.c.domain_id.is_not(None), _pending.c.several)
        rows = self._connection.execute(query).all()
        equal: list[str] = []
        for start in range(0, len(rows), _READ_BATCH):
            for before, after in self._beside_current(rows[start : start + _READ_BATCH]):
                if before.fields == after.fields:
                    equal.append(after.key)
        for start in range(0, len(equal), _READ_BATCH):
            some = equal[start : start + _READ_BATCH]
            self._connection.execute(delete(_pending).where(_pending.c.name.in_(some)))

    def _beside_current(self, rows: Sequence[AnyRow]) -> Iterator[tuple[Item, Item]]:
        ids = [row.domain_id for row in rows]
        current = {
            row.id: row
            for row in self._connection.execute(select(_domains).where(_domains.c.id.in_(ids)))
        }
        keys: dict[int, list[str]] = {}
        for domain_id, key in self._connection.execute(
            select(_links.c.domain_id, ConnectionRow.key)
            .join(ConnectionRow, ConnectionRow.id == _links.c.connection_id)
            .where(_links.c.domain_id.in_(ids))
            .order_by(_links.c.domain_id, _links.c.position)
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

    def _stream(self, query: Any) -> Iterator[AnyRow]:
        with self._bench.reading():
            yield from self._connection.execute(query, execution_options={"yield_per": _LOAD_BATCH})


def _wide(column: Any) -> Any:
    return cast_column(column, BigInteger)


def _absent(scope: Sequence[int]) -> Select[Any]:
    wanted = and_(_wanted.c.name == _domains.c.name, _wanted.c.tenant_id == _domains.c.tenant_id)
    return (
        select(*_domains.c, TenantRow.slug.label("tenant"))
        .join(TenantRow, TenantRow.id == _domains.c.tenant_id)
        .outerjoin(_wanted, wanted)
        .where(_wanted.c.name.is_(None), _domains.c.tenant_id.in_(scope))
    )


def _way(
    tenant: str,
    keys: str,
    tenant_ids: Mapping[str, int],
    connections: Mapping[tuple[str, str], int],
) -> tuple[int | None, int, bool]:
    names = keys.split()
    lead = connections.get((tenant, names[0]), _NEW_CONNECTION) if names else _NO_CONNECTION
    return tenant_ids.get(tenant), lead, len(names) > 1


def _take(rows: Iterator[tuple[Any, ...]], most: int) -> list[tuple[Any, ...]]:
    return list(islice(rows, most))


def _item(row: AnyRow, connections: tuple[str, ...], origin: str, tenant: str = "") -> Item:
    fields = {
        "policy": row.policy,
        "connections": connections,
        "subdomains": row.subdomains,
        "verified": row.verified,
        "rollout": row.rollout,
    }
    return Item(Kind.DOMAIN, tenant or row.tenant, row.name, fields, origin)

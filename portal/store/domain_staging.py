"""Wanted domains in temporary tables: loaded once, compared and written by the database.

seed_wanted   every wanted domain
seed_routes   each way that wanted domains lead (a tenant, connection keys), with its ids
seed_pending  what is to be created or changed
seed_gone     what is to be removed
seed_links    the connections of each way once all of them are written
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, delete, insert

from portal.store.workbench import Workbench

_BATCH = 10_000
NO_CONNECTION = 0
NEW_CONNECTION = -1

Wanted = tuple[str, str, str, str, int, int, int]
"""name, tenant, policy, way (connection keys joined by spaces), subdomains, verified, rollout"""

_temporary = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _temporary, *columns, prefixes=["TEMPORARY"])


def _wanted_columns() -> tuple[Column[Any], ...]:
    return (
        Column("name", Text, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("policy", Text, nullable=False),
        Column("way", Text, nullable=False),
        Column("subdomains", Boolean, nullable=False),
        Column("verified", Boolean, nullable=False),
        Column("rollout", Integer, nullable=False),
    )


wanted = _table("seed_wanted", *_wanted_columns())
pending = _table("seed_pending", *_wanted_columns(), Column("domain_id", Integer))
gone = _table("seed_gone", Column("domain_id", Integer, primary_key=True))
routes = _table(
    "seed_routes",
    Column("tenant", Text, primary_key=True),
    Column("way", Text, primary_key=True),
    Column("tenant_id", Integer),
    Column("lead", Integer, nullable=False),  # the id of the first connection
    Column("several", Boolean, nullable=False),
)
links = _table(
    "seed_links",
    Column("tenant", Text, primary_key=True),
    Column("way", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("connection_id", Integer, nullable=False),
)


def create(bench: Workbench) -> None:
    """Make the temporary tables of this connection, empty."""
    drop(bench)
    if bench.is_sqlite:  # said here, as it loads all that SQLAlchemy has for SQLite
        for table in _temporary.tables.values():
            table.kwargs["sqlite_with_rowid"] = False
    _temporary.create_all(bench.connection, checkfirst=False)


def drop(bench: Workbench) -> None:
    """Leave nothing behind on a connection that goes back to the pool."""
    if bench.is_gone:
        return
    for table in _temporary.sorted_tables:
        bench.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")


def load(bench: Workbench, rows: Iterable[Wanted], *, progress: Callable[[int], None]) -> None:
    """Fill `seed_wanted`. `progress` hears how many rows are there."""
    with bench.reading():
        bench.connection.execute(delete(wanted))
        fill = _fill_sqlite if bench.is_sqlite else _fill_postgresql
        done = 0
        for number in fill(bench, iter(rows)):
            done += number
            progress(done)
    analyze(bench, wanted)


def set_routes(
    bench: Workbench,
    ways: Iterable[tuple[str, str]],
    *,
    tenant_ids: Mapping[str, int],
    connections: Mapping[tuple[str, str], int],
) -> None:
    """Say which ids the ways of the wanted domains have in the registry as it is now."""
    bench.connection.execute(delete(routes))
    values = [
        {
            "tenant": tenant,
            "way": way,
            "tenant_id": tenant_ids.get(tenant),
            "lead": connections.get((tenant, way.split()[0]), NEW_CONNECTION)
            if way
            else NO_CONNECTION,
            "several": " " in way,
        }
        for tenant, way in ways
    ]
    if values:
        bench.connection.execute(insert(routes), values)
    analyze(bench, routes)


def analyze(bench: Workbench, *tables: Table) -> None:
    """Tell PostgreSQL how full temporary tables are; it never looks by itself."""
    if not bench.is_sqlite:
        for table in tables:
            bench.connection.exec_driver_sql(f"ANALYZE {table.name}")


def _fill_sqlite(bench: Workbench, rows: Iterator[Wanted]) -> Iterator[int]:
    marks = ",".join("?" * len(wanted.c))
    statement = f"INSERT INTO {wanted.name} VALUES ({marks})"  # noqa: S608 - names of our own
    driver: Any = bench.connection.connection.driver_connection
    while some := list(islice(rows, _BATCH)):
        driver.executemany(statement, some)
        yield len(some)


def _fill_postgresql(bench: Workbench, rows: Iterator[Wanted]) -> Iterator[int]:
    driver: Any = bench.connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {wanted.name} FROM STDIN") as copy:
        while some := list(islice(rows, _BATCH)):
            # Checked names, slugs and numbers: nothing in them is special to COPY.
            copy.write("".join("\t".join(map(str, row)) + "\n" for row in some))
            yield len(some)

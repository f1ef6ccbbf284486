"""Every sealed value of the database, table by table, to be sealed anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select, update

from portal.core.registry import Sealed
from portal.store.columns import METADATA, SealedText
from portal.store.tables import CLIENTS, TENANTS


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column that holds sealed values."""

    table: Table
    column: Column[Any]


def sealed_columns() -> Iterator[SealedColumn]:
    """Give every column that holds sealed values: a new one is found by its type."""
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedText):
                yield SealedColumn(table, column)


def count(connection: Connection) -> int:
    """Give how many sealed values there are."""
    return sum(
        connection.execute(
            select(func.count()).select_from(sealed.table).where(sealed.column.is_not(None))
        ).scalar_one()
        for sealed in sealed_columns()
    )


def after(
    connection: Connection, sealed: SealedColumn, last: int, *, most: int
) -> list[tuple[int, Sealed]]:
    """Give the next values of a column by the ids of their rows."""
    key = sealed.table.c.id
    query = (
        select(key, sealed.column)
        .where(key > last, sealed.column.is_not(None))
        .order_by(key)
        .limit(most)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def exchange(
    connection: Connection, sealed: SealedColumn, key: int, *, old: Sealed, new: Sealed
) -> None:
    """Put the same secret under another key, unless somebody has written another meanwhile."""
    here = update(sealed.table).where(sealed.table.c.id == key, sealed.column == old)
    connection.execute(here.values({sealed.column: new}))


def name_of(connection: Connection, sealed: SealedColumn, key: int) -> str:
    """Give the name of a row as people know it: `tenant/client`, or its table and id."""
    if sealed.table is CLIENTS:
        query = (
            select(TENANTS.c.slug, CLIENTS.c.key)
            .join(CLIENTS, CLIENTS.c.tenant_id == TENANTS.c.id)
            .where(CLIENTS.c.id == key)
        )
        row = connection.execute(query).first()
        if row:
            return f"{row.slug}/{row.key}"
    return f"{sealed.table.name} {key}"

"""The statements of the sign-in path, compiled once and handed to the driver as they are.

SQLAlchemy writes them and knows how each value is kept; its machinery for running them would cost
five to twenty times as much as the database's own work.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    Delete,
    Dialect,
    Insert,
    PoolProxiedConnection,
    Select,
    Table,
    Update,
    bindparam,
    insert,
)
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.types import TypeEngine

Converter = Callable[[Any], Any]


class Place(Protocol):
    """Where a statement runs: a connection of SQLAlchemy, or one that is held ready."""

    @property
    def connection(self) -> PoolProxiedConnection:
        """Give the pooled connection."""

    @property
    def dialect(self) -> Dialect:
        """Give the dialect that the database speaks."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one dialect: the positional order of its values, and what converts them."""

    sql: str
    order: tuple[str, ...] | None
    values: tuple[tuple[str, Converter], ...]
    columns: tuple[tuple[int, Converter], ...]
    make_row: Converter


class Statement:
    """A statement whose values are all named by `bindparam`; every one must be given."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, place: Place, values: Mapping[str, Any]) -> int:
        """Run it; give how many rows it touched. Raises SQLAlchemy's errors."""
        count: int = self._execute(place, self._for(place.dialect), values).rowcount
        return count

    def first(self, place: Place, values: Mapping[str, Any]) -> Any | None:
        """Give its first row, None where there is none."""
        found = self.rows(place, values)
        return found[0] if found else None

    def one(self, place: Place, values: Mapping[str, Any]) -> Any:
        """Give its first row. Raises NoResultFound where there is none."""
        row = self.first(place, values)
        if row is None:
            raise NoResultFound
        return row

    def rows(self, place: Place, values: Mapping[str, Any]) -> list[Any]:
        """Give its rows, by the names of their columns. Raises SQLAlchemy's errors."""
        compiled = self._for(place.dialect)
        found = self._execute(place, compiled, values).fetchall()
        return [_row(compiled, raw) for raw in found]

    def _execute(self, place: Place, compiled: _Compiled, values: Mapping[str, Any]) -> Any:
        given: Any = dict(values)
        for name, convert in compiled.values:
            given[name] = convert(given[name])
        if compiled.order is not None:
            given = [given[name] for name in compiled.order]
        driver: Any = place.connection.dbapi_connection
        try:
            return driver.execute(compiled.sql, given)
        except place.dialect.loaded_dbapi.Error as error:
            if place.dialect.is_disconnect(error, driver, None):
                place.connection.invalidate(error)
            raise DBAPIError.instance(
                compiled.sql, None, error, place.dialect.loaded_dbapi.Error, dialect=place.dialect
            ) from error

    def _for(self, dialect: Dialect) -> _Compiled:
        known = self._compiled.get(dialect.name)
        if known is None:
            known = self._compiled[dialect.name] = self._compile(dialect)
        return known

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled: Any = self._statement.compile(dialect=dialect)
        order, columns = compiled.positiontup, self._statement.exported_columns
        row: Any = namedtuple("Row", map(str, columns.keys()))  # type: ignore[misc] # noqa: PYI024
        into = [(n, _impl(bind.type, dialect)) for n, bind in compiled.binds.items()]
        out = [(n, _impl(column.type, dialect)) for n, column in enumerate(columns)]
        values = [(name, kind.bind_processor(dialect)) for name, kind in into]
        shown = [(place, kind.result_processor(dialect, None)) for place, kind in out]
        return _Compiled(
            compiled.string,
            tuple(order) if order is not None else None,
            tuple((name, convert) for name, convert in values if convert),
            tuple((place, convert) for place, convert in shown if convert),
            row._make,
        )


def insert_into(table: Table, *names: str) -> Insert:
    """Give the insert of a row with these columns; all but `id` where none is named."""
    named = names or tuple(column.name for column in table.c if column.name != "id")
    return insert(table).values({name: bindparam(name) for name in named})


def _row(compiled: _Compiled, raw: tuple[Any, ...]) -> Any:
    cells = list(raw)
    for place, convert in compiled.columns:
        cells[place] = convert(cells[place])
    return compiled.make_row(cells)


def _impl(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)

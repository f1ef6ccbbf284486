"""The statements of the sign-in path, compiled once and handed to the driver as they are.

SQLAlchemy writes them and knows how each value is kept; its machinery for running them would cost
five to twenty times as much as the database's own work.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    insert,
)
from sqlalchemy.exc import NoResultFound
from sqlalchemy.types import TypeEngine

from portal.store.held import HeldPlace
from portal.store.lanes import Answer, Arrange, DriverLane, Lane, in_order, named

T = TypeVar("T")
Converter = Callable[[Any], Any]


Place = Connection | HeldPlace
"""Where a statement runs: a connection of SQLAlchemy, or one that is held ready."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one dialect: what puts its values in their places, and what converts them."""

    sql: str
    arrange: Arrange
    values: tuple[tuple[str, Converter], ...]
    columns: tuple[tuple[int, Converter], ...]
    make_row: Converter


class Asked:
    """The answer to a statement, once it is wanted. Raises SQLAlchemy's errors."""

    __slots__ = ("_answer", "_compiled", "_place")

    def __init__(self, place: Place, compiled: _Compiled, answer: Answer) -> None:
        self._place = place
        self._compiled = compiled
        self._answer = answer

    def rows(self) -> list[Any]:
        """Give its rows, by the names of their columns."""
        return [_row(self._compiled, raw) for raw in self._wait_for(self._answer.rows)]

    def first(self) -> Any | None:
        """Give its first row, None where there is none."""
        found = self.rows()
        return found[0] if found else None

    def count(self) -> int:
        """Give how many rows it touched."""
        return self._wait_for(self._answer.count)

    def _wait_for(self, what: Callable[[], T]) -> T:
        place = self._place
        try:
            return what()
        except place.dialect.loaded_dbapi.Error as error:
            raise named(error, place.connection, place.dialect, self._compiled.sql) from error


class Statement:
    """A statement whose values are all named by `bindparam`; every one must be given."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def first(self, place: Place, values: Mapping[str, Any]) -> Any | None:
        """Give its first row, None where there is none."""
        return self.ask(place, values).first()

    def one(self, place: Place, values: Mapping[str, Any]) -> Any:
        """Give its first row. Raises NoResultFound where there is none."""
        row = self.first(place, values)
        if row is None:
            raise NoResultFound
        return row

    def rows(self, place: Place, values: Mapping[str, Any]) -> list[Any]:
        """Give its rows, by the names of their columns. Raises SQLAlchemy's errors."""
        return self.ask(place, values).rows()

    def ask(self, place: Place, values: Mapping[str, Any]) -> "Asked":
        """Hand it over without waiting for its answer, which may never be asked for.

        What is wrong with it may come up as late as the end of the transaction.
        """
        compiled = self._for(place.dialect)
        if compiled.values:
            values = dict(values)
            for name, convert in compiled.values:
                values[name] = convert(values[name])
        try:
            given = compiled.arrange(values)
            return Asked(place, compiled, _lane(place).ask(compiled.sql, given))
        except place.dialect.loaded_dbapi.Error as error:
            raise named(error, place.connection, place.dialect, compiled.sql) from error

    def _for(self, dialect: Dialect) -> _Compiled:
        spoken = (dialect.name, dialect.paramstyle)
        known = self._compiled.get(spoken)
        if known is None:
            known = self._compiled[spoken] = self._compile(dialect)
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
            in_order(order),
            tuple((name, convert) for name, convert in values if convert),
            tuple((place, convert) for place, convert in shown if convert),
            row._make,
        )


def insert_into(table: Table, *names: str) -> Insert:
    """Give the insert of a row with these columns; all but `id` where none is named."""
    named = names or tuple(column.name for column in table.c if column.name != "id")
    return insert(table).values({name: bindparam(name) for name in named})


def _lane(place: Place) -> Lane:
    if isinstance(place, HeldPlace):
        return place.lane
    return DriverLane(place.connection.dbapi_connection)


def _row(compiled: _Compiled, raw: tuple[Any, ...]) -> Any:
    cells = list(raw)
    for place, convert in compiled.columns:
        cells[place] = convert(cells[place])
    return compiled.make_row(cells)


def _impl(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)

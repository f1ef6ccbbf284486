"""How prepared statements get to a database over one connection of its driver, and answers back."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Dialect, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

Rows = Sequence[tuple[Any, ...]]
Values = Sequence[Any] | Mapping[str, Any]
"""What a statement is given, as its lane's dialect marks the places: in order, or by name."""

Arrange = Callable[[Mapping[str, Any]], Values]


def in_order(names: Sequence[str] | None) -> Arrange:
    """Give what puts values into the order of these names; without, they go by name."""
    if names is None:
        return dict
    if len(names) < 2:
        return lambda values: [values[name] for name in names]
    return itemgetter(*names)


class Answer(Protocol):
    """What a statement comes to. Asking for it raises the driver's errors."""

    def rows(self) -> Rows:
        """Give its rows, without type conversion beyond the driver's."""

    def count(self) -> int:
        """Give how many rows it touched."""


class Lane(Protocol):
    """Takes statements, and runs them in their order. Each method raises the driver's errors."""

    def ask(self, sql: str, values: Values) -> Answer:
        """Take a statement.

        It runs at the latest when its answer, or a later one's, is asked for, or the end comes:
        what is wrong with it may come up as late as then.
        """

    def settle(self) -> None:
        """Run what has not been run."""

    def commit(self) -> None:
        """End the transaction; everything in it counts."""

    def roll_back(self) -> None:
        """End the transaction, where one is open; nothing in it counts."""


class DriverAnswer:
    """What a driver's cursor holds."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self) -> Rows:
        """Fetch the rows."""
        found: Rows = self._cursor.fetchall()
        return found

    def count(self) -> int:
        """Give the driver's number."""
        count: int = self._cursor.rowcount
        return count


class DriverLane:
    """A driver's own way: each statement is run when it comes."""

    __slots__ = ("_driver",)

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def ask(self, sql: str, values: Values) -> DriverAnswer:
        """Run it."""
        return DriverAnswer(self._driver.execute(sql, values))

    def settle(self) -> None:
        """Do nothing: all has been run."""

    def commit(self) -> None:
        """Commit."""
        self._driver.commit()

    def roll_back(self) -> None:
        """Roll back."""
        self._driver.rollback()


def named(error: Any, connection: PoolProxiedConnection, dialect: Dialect, sql: str) -> Any:
    """Give a driver's error as SQLAlchemy's; a connection that was lost is given up."""
    driver: Any = connection.dbapi_connection
    if dialect.is_disconnect(error, driver, None):
        connection.invalidate(error)
    return DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error, dialect=dialect)

"""Connections held ready: the pool's check-out costs as much as a look-up itself."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection

MOST_HELD = 4  # each is one of the pool's; more at a time come and go through the pool
HELD_SINCE = "held_since"  # in a connection's `info`: it has rested for longer than in the pool
REST_SECONDS = 1.0  # a connection that rested longer goes home, to be asked whether it still lives

Values = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """A held connection, where prepared statements run."""

    connection: PoolProxiedConnection
    dialect: Dialect


class HeldConnections:
    """Runs prepared statements, in autocommit, over connections that it keeps checked out.

    The last one put back is taken first, so that those that a rush needed go home after it.
    `is_doubtful` says of a driver's connection that it should be asked whether it still lives.
    """

    def __init__(
        self, engine: Engine, *, is_doubtful: Callable[[Any], bool] = lambda _: False
    ) -> None:
        self._engine = engine
        self._is_doubtful = is_doubtful
        self._held: deque[tuple[PoolProxiedConnection, float]] = deque()

    def fetch(self, sql: str, values: Values) -> Sequence[tuple[Any, ...]]:
        """Give the rows as the driver does. Raises its errors, and those of the pool."""
        pooled = self._take()
        try:
            driver: Any = pooled.dbapi_connection
            rows: Sequence[tuple[Any, ...]] = driver.execute(sql, values).fetchall()
        except BaseException as error:
            pooled.invalidate(error)
            raise
        self._put(pooled)
        return rows

    @contextmanager
    def place(self) -> Iterator[HeldPlace]:
        """Lend a connection to prepared statements; what an error leaves open is rolled back."""
        pooled = self._take()
        try:
            yield HeldPlace(pooled, self._engine.dialect)
        except BaseException as error:
            self._recover(pooled, error)
            raise
        self._put(pooled)

    @contextmanager
    def transaction(self, begin: Callable[[Any], object]) -> Iterator[HeldPlace]:
        """Lend a connection and commit at the end what was done in it."""
        with self.place() as place:
            driver: Any = place.connection.dbapi_connection
            begin(driver)
            yield place
            driver.commit()

    def _recover(self, pooled: PoolProxiedConnection, error: BaseException) -> None:
        driver: Any = pooled.dbapi_connection
        if driver is None:
            return  # the statement that failed has let it go
        if isinstance(error, Exception):
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                driver.rollback()
                self._put(pooled)
                return
        pooled.invalidate(error)

    def _put(self, pooled: PoolProxiedConnection) -> None:
        if len(self._held) < MOST_HELD:
            self._held.append((pooled, time.monotonic()))
        else:
            pooled.close()

    def _take(self) -> PoolProxiedConnection:
        try:
            pooled, since = self._held.pop()
        except IndexError:
            return self._engine.raw_connection()
        has_rested = time.monotonic() - since >= REST_SECONDS
        if not has_rested and not self._is_doubtful(pooled.dbapi_connection):
            return pooled
        _send_home(pooled, since)
        self.close()  # the others have rested even longer
        return self._engine.raw_connection()

    def close(self) -> None:
        """Give every held connection back to the pool."""
        with suppress(IndexError):
            while True:
                _send_home(*self._held.pop())


def _send_home(pooled: PoolProxiedConnection, since: float) -> None:
    pooled.info[HELD_SINCE] = since
    pooled.close()

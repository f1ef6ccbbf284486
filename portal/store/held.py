"""Connections held ready: the pool's check-out costs as much as a look-up itself."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection

from portal.core.values import quick_value
from portal.core.waits import Aside, nobody_waits
from portal.store.lanes import DriverLane, Lane, Rows, Values, named

MOST_HELD = 4  # each is one of the pool's; more at a time come and go through the pool
HELD_SINCE = "held_since"  # in a connection's `info`: it has rested for longer than in the pool
REST_SECONDS = 1.0  # a connection that rested longer goes home, to be asked whether it still lives


@quick_value
class HeldPlace:
    """A held connection, where prepared statements run; its dialect is that of its lane."""

    connection: PoolProxiedConnection
    dialect: Dialect
    lane: Lane


class HeldConnections:
    """Runs prepared statements, in autocommit, over connections that it keeps checked out.

    The last one put back is taken first, so that those that a rush needed go home after it.
    `lane_of` gives the lane of a driver's connection, and `dialect` is what it speaks.
    `is_doubtful` says of a driver's connection that it should be asked whether it still lives.
    `is_exhausted` says that the pool has no more to give: who waits for one hears of those that
    come back to the pool, not of those that are held.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        dialect: Dialect,
        lane_of: Callable[[Any], Lane] = DriverLane,
        is_doubtful: Callable[[Any], bool] | None = None,
        is_exhausted: Callable[[], bool] | None = None,
        aside: Aside = nobody_waits,
    ) -> None:
        self._aside = aside
        self._engine = engine
        self.dialect = dialect
        self._lane_of = lane_of
        self._is_doubtful = is_doubtful
        self._is_exhausted = is_exhausted
        self._held: deque[tuple[PoolProxiedConnection, float]] = deque()

    def fetch(self, sql: str, values: Values) -> Rows:
        """Give the rows as the driver does. Raises its errors, and those of the pool."""
        pooled = self._take()
        try:
            rows = self._lane_of(pooled.dbapi_connection).ask(sql, values).rows()
        except BaseException as error:
            pooled.invalidate(error)
            raise
        self._put(pooled)
        return rows

    def place(self) -> "Loan":
        """Lend a connection to prepared statements; what an error leaves open is rolled back."""
        return Loan(self)

    def transaction(self, begin: Callable[[Any], object]) -> "Loan":
        """Lend a connection and commit at the end what was done in it.

        `begin` is given the driver's connection.
        """
        return Loan(self, begin)

    def lend(self, begin: Callable[[Any], object] | None) -> HeldPlace:
        """Take a connection for a loan."""
        pooled = self._take()
        try:
            driver: Any = pooled.dbapi_connection
            place = HeldPlace(pooled, self.dialect, self._lane_of(driver))
            if begin is not None:
                begin(driver)
        except BaseException as error:
            self._recover(pooled, error)
            raise
        return place

    def take_back(self, place: HeldPlace, *, committed: bool) -> None:
        """End a loan that went well: run what has not been run, and commit if that is asked for."""
        try:
            try:
                if committed:
                    place.lane.commit()
                else:
                    place.lane.settle()
            except self.dialect.loaded_dbapi.Error as error:
                raise named(error, place.connection, self.dialect, "") from error
        except BaseException as error:
            self._recover(place.connection, error)
            raise
        self._put(place.connection)

    def undo(self, place: HeldPlace, error: BaseException) -> None:
        """End a loan that an error cut short."""
        self._recover(place.connection, error)

    def _recover(self, pooled: PoolProxiedConnection, error: BaseException) -> None:
        driver: Any = pooled.dbapi_connection
        if driver is None:
            return  # the statement that failed has let it go
        is_in_order = False
        try:
            if isinstance(error, Exception):
                with suppress(self._engine.dialect.loaded_dbapi.Error):
                    self._lane_of(driver).roll_back()
                    is_in_order = True
        finally:
            if is_in_order:
                self._put(pooled)
            else:  # also where this was cut off: the pool would take it back as it is
                pooled.invalidate(error)

    def _put(self, pooled: PoolProxiedConnection) -> None:
        is_wanted = self._is_exhausted is not None and self._is_exhausted()
        if len(self._held) < MOST_HELD and not is_wanted:
            self._held.append((pooled, time.monotonic()))
        else:
            pooled.close()

    def _take(self) -> PoolProxiedConnection:
        try:
            pooled, since = self._held.pop()
        except IndexError:
            return self._from_pool()
        if time.monotonic() - since < REST_SECONDS and not (
            self._is_doubtful and self._is_doubtful(pooled.dbapi_connection)
        ):
            return pooled
        _send_home(pooled, since)
        self.close()  # the others have rested even longer
        return self._from_pool()

    def _from_pool(self) -> PoolProxiedConnection:
        if self._is_exhausted is None or not self._is_exhausted():
            return self._engine.raw_connection()
        with self._aside():  # who has one may be waiting for the turn to give it back
            return self._engine.raw_connection()

    def close(self) -> None:
        """Give every held connection back to the pool."""
        with suppress(IndexError):
            while True:
                _send_home(*self._held.pop())


class Loan:
    """A connection lent for a block; as a generator it would cost as much as what runs in it."""

    __slots__ = ("_begin", "_held", "_place")

    def __init__(self, held: HeldConnections, begin: Callable[[Any], object] | None = None) -> None:
        self._held = held
        self._begin = begin

    def __enter__(self) -> HeldPlace:
        self._place = place = self._held.lend(self._begin)
        return place

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self._held.take_back(self._place, committed=self._begin is not None)
        else:
            self._held.undo(self._place, error)


def _send_home(pooled: PoolProxiedConnection, since: float) -> None:
    pooled.info[HELD_SINCE] = since
    pooled.close()

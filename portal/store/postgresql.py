"""PostgreSQL: pooled connections that live, and a server that answers.

A connection that dies while it rests is found out before its next use. A server that hangs, its
connections open, is found out once: then everybody who waits for it is told, and nobody else waits.
Where only one connection hangs, whoever signs in over it is told after a while, and it is given up.
"""

import select
import threading
import time
from collections.abc import Callable, Generator
from functools import cached_property
from operator import attrgetter
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from portal.core.waits import NOBODY_WAITS, Aside, Waits
from portal.store.exchange import Exchange
from portal.store.held import HELD_SINCE, REST_SECONDS, HeldConnections

_CONNECT_SECONDS = 3
_OVERFLOW = 2  # in a rush, for each connection that the pool keeps
_PATIENCE = 1.0  # seconds that a statement takes before anybody wonders
_LOOK_SECONDS = 2  # for a new connection then, or one that has rested; the least of libpq
_LOOK_APART = 0.5
_WONDER_MS = 100  # that a statement waits before it looks at the time, as the driver's do
ANSWER_SECONDS = 10  # that a sign-in waits for an answer, as for the turn to write to a SQLite file
_KEEPALIVE = {  # a machine that vanished says no goodbye: half a minute, not two hours
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class Server:
    """Whether a server answers, as the process last saw it.

    A statement that takes long has a new connection asked for beside it. A server at work, or one
    whose locks are held, gives one; one that hangs does not. `note` hears when it goes and when it
    is back.
    """

    def __init__(self, url: URL, *, note: Callable[[str], object]) -> None:
        self.is_silent = False
        self._url = url
        self._note = note
        self._looking = threading.Lock()
        self._answered_at = 0.0
        self._closed = threading.Event()

    def look(self) -> None:
        """See whether it gives a connection; by one thread at a time, and once a second."""
        if self.is_silent or not self._looking.acquire(blocking=False):
            return
        try:
            if time.monotonic() - self._answered_at >= _PATIENCE and not self._answers():
                self._fall_silent()
        finally:
            self._looking.release()

    def note_no_connection(self) -> None:
        """Hear from whoever waited for a connection in vain."""
        with self._looking:
            if not self.is_silent:
                self._fall_silent()

    def note_no_answer(self) -> None:
        """Hear from whoever waited for a statement's answer in vain, whatever others get."""
        self._note("database.no_answer")

    def close(self) -> None:
        """Ask no longer."""
        self._closed.set()

    def _fall_silent(self) -> None:
        self.is_silent = True
        self._note("database.silent")
        threading.Thread(target=self._wait_for_it, name="silent database", daemon=True).start()

    def _wait_for_it(self) -> None:
        while not self._closed.wait(_LOOK_APART):
            if self._answers():
                self.is_silent = False
                self._note("database.back")
                return

    def _answers(self) -> bool:
        dialect: Any = PGDialect_psycopg
        given, options = dialect().create_connect_args(self._url)
        try:
            psycopg.connect(*given, **{**options, "connect_timeout": _LOOK_SECONDS}).close()
        except ConnectionTimeout:
            return False
        except psycopg.Error:
            pass  # it refuses, which is an answer
        self._answered_at = time.monotonic()
        return True


class Watched(psycopg.Connection[Any]):
    """A connection whose statements fail once its server is silent.

    `longest` bounds the wait for each answer, in seconds; without it a statement may take as long
    as it will. The statements of the sign-in path are bounded always.
    """

    server: Server
    waits: Waits = NOBODY_WAITS
    longest: float | None = None

    @cached_property
    def exchange(self) -> Exchange:
        """Give the way for prepared statements, with what this connection has prepared."""
        return Exchange(self, wait=self._wait_for_line, aside=self.waits.briefly)

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """Run what the driver waits for; it comes by every tenth of a second while nothing does."""
        with self.waits.briefly():
            return super().wait(self._watch(gen), *args, **options)

    def _wait_for_line(self, wanted: int, began: float) -> int:
        """Wait as an exchange does: the driver's own way would take a third of a look-up."""
        poll = self.to_read
        if wanted != select.POLLIN:
            poll = select.poll()
            poll.register(self.pgconn.socket, wanted)
        while True:
            ready = poll.poll(_WONDER_MS)
            if not ready or time.monotonic() - began >= _PATIENCE:  # notices may drip in
                self._wonder(began, ANSWER_SECONDS)
            if ready:
                return ready[0][1]

    @cached_property
    def to_read(self) -> select.poll:
        """Give what tells whether there is something to read, or the line is cut."""
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return poll

    def _watch(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        began = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready:
                    self._wonder(began, self.longest)
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _wonder(self, began: float, longest: float | None) -> None:
        if time.monotonic() - began >= _PATIENCE:
            self.server.look()
        if self.server.is_silent:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server does not answer")
        if longest is not None and time.monotonic() - began >= longest:
            self.pgconn.finish()
            self.server.note_no_answer()
            raise psycopg.OperationalError(f"no answer came within {longest:g} s")


def open_engine(
    url: URL, pool_size: int, *, server: Server, waits: Waits, autocommit: bool
) -> Engine:
    """Give an engine over a pool of watched connections."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * _OVERFLOW,
        pool_timeout=5,
        isolation_level="AUTOCOMMIT" if autocommit else None,
        # Outside a transaction there is nothing to roll back when a connection comes home.
        pool_reset_on_return=None if autocommit else "rollback",
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "portal",
            "autocommit": autocommit,
            **_KEEPALIVE,
        },
    )

    def connect(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> Watched:
        if server.is_silent:
            raise psycopg.OperationalError("the server does not answer")
        try:
            made = Watched.connect(**options)
        except ConnectionTimeout:
            server.note_no_connection()
            raise
        made.server, made.waits = server, waits
        return made

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _ask_after_rest)
    return engine


def bound(connection: Connection) -> None:
    """Bound the wait for each answer, until this connection is given back."""
    driver: Any = connection.connection.dbapi_connection
    driver.longest = ANSWER_SECONDS


def hold(engine: Engine, *, aside: Aside) -> HeldConnections:
    """Hold connections of an engine in autocommit, with the quick way for prepared statements."""
    dialect: Any = PGDialect_psycopg  # no types for its arguments

    def is_exhausted() -> bool:
        pool: Any = engine.pool
        return bool(pool.checkedout() >= pool.size() * (1 + _OVERFLOW))

    return HeldConnections(
        engine,
        dialect=dialect(paramstyle="numeric_dollar", dbapi=psycopg),
        lane_of=attrgetter("exchange"),
        is_doubtful=has_news,
        is_exhausted=is_exhausted,
        aside=aside,
    )


def has_news(connection: Any) -> bool:
    """Whether a resting connection has something to read: mostly that it was ended."""
    return connection.closed or bool(connection.to_read.poll(0))


def _note_rest(connection: Any, record: Any) -> None:
    record.info["rests_since"] = record.info.pop(HELD_SINCE, None) or time.monotonic()
    if connection is not None:  # it was not lost
        connection.longest = None


def _ask_after_rest(connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that has rested whether it still lives; the pool replaces a dead one.

    As SQLAlchemy's pre-ping, without a round trip for new connections and those in steady use.
    """
    rests_since = record.info.get("rests_since")
    if rests_since is None:
        return
    try:
        rested = time.monotonic() - rests_since
        if rested < REST_SECONDS and not has_news(connection):
            return
        connection.longest = _LOOK_SECONDS
        connection.execute("SELECT 1")
        if not connection.autocommit:
            connection.rollback()
        connection.longest = None
    except Exception as error:
        raise DisconnectionError from error

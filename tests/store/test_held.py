"""Look-ups over held connections: few, given back, and never a dead one."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from unittest.mock import Mock

import pytest
from sqlalchemy import bindparam, literal_column, select

from portal.core.waits import Waits
from portal.store import held
from portal.store.engine import Database, DatabaseGoneError, Prepared
from portal.store.prepared import Statement
from portal.store.tables import TENANTS

BY_SLUG = select(TENANTS.c.id).where(TENANTS.c.slug == bindparam("slug"))


@pytest.fixture
def prepared(database: Database) -> Prepared:
    return database.prepare(BY_SLUG)


def look_up(database: Database, prepared: Prepared):
    return database.fetch(prepared, {"slug": "nobody"})


def test_next_look_up_takes_the_same_connection(database, prepared):
    look_up(database, prepared)
    pool = database._reader.pool
    assert pool.checkedout() == 1
    look_up(database, prepared)
    assert (pool.checkedout(), pool.checkedin()) == (1, 0)


def test_rush_leaves_few_connections_held(database, prepared):
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: look_up(database, prepared), range(400)))
    assert database._reader.pool.checkedout() <= held.MOST_HELD


def test_held_connections_leave_room_in_the_pool(database, prepared):
    look_up(database, prepared)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(database.read())
        assert look_up(database, prepared) == []


def test_rested_connection_that_has_died_is_replaced_unseen(database, prepared, monkeypatch):
    if database.is_sqlite:
        monkeypatch.setattr(held, "REST_SECONDS", 0.0)
        look_up(database, prepared)
        assert look_up(database, prepared) == []
        return
    look_up(database, prepared)
    database._held._held[0][0].dbapi_connection.close()
    monkeypatch.setattr(held, "REST_SECONDS", 0.0)
    monkeypatch.setattr("portal.store.postgresql.REST_SECONDS", 0.0)
    assert look_up(database, prepared) == []


def test_connection_that_fails_is_not_held(database, prepared):
    with pytest.raises(DatabaseGoneError):
        database.fetch(Prepared("SELECT nothing FROM nowhere", prepared.arrange), {"slug": ""})
    assert database._reader.pool.checkedout() == 0
    assert look_up(database, prepared) == []


@pytest.fixture
def small(postgresql_url, asides) -> Iterator[Database]:
    """A database over a pool that gives three connections."""
    database = Database(f"{postgresql_url}/postgres", pool_size=1, waits=Waits(aside=asides))
    yield database
    database.close()


@pytest.fixture
def asides() -> Mock:
    return Mock(side_effect=nullcontext)


def test_who_waits_for_a_connection_is_aside_and_gets_the_next_that_is_put_back(small, asides):
    one = Statement(select(literal_column("1").label("n")))

    def look() -> int:
        with small.quick_read() as place:
            return int(one.one(place, {}).n)

    with ThreadPoolExecutor(1) as threads, small.quick_read(), small.quick_read():
        with small.quick_read():
            waiting = threads.submit(look)
            for _ in range(100):
                if not asides.called:
                    time.sleep(0.01)
            assert asides.called
        assert waiting.result(timeout=2) == 1


def test_close_gives_every_connection_back(database, prepared):
    look_up(database, prepared)
    database.close()
    assert database._reader.pool.checkedout() == 0

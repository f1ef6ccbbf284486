"""Open connections: given to who asks the same origin, while they are of use, and not too many."""

import time

import pytest

from portal.oidc import idle
from portal.oidc.idle import IdleConnections
from portal.oidc.messages import Origin

ONE, TWO = Origin("https", "one.example", 443), Origin("https", "two.example", 443)


class Connection:
    is_connected = True
    idle_since = 0.0
    is_closed = False

    def close(self):
        self.is_closed = True


@pytest.fixture
def pool():
    return IdleConnections()


def _aged(connection, seconds):
    connection.idle_since = time.monotonic() - seconds


def test_newest_connection_to_the_origin_is_given_and_only_once(pool):
    old, new, other = Connection(), Connection(), Connection()
    for origin, connection in ((ONE, old), (ONE, new), (TWO, other)):
        pool.put(origin, connection)
    taken = [pool.take(ONE, fresh=False) for _ in range(3)]
    assert taken == [new, old, None]


def test_connection_that_the_server_closed_is_not_given(pool):
    dropped, sound = Connection(), Connection()
    pool.put(ONE, sound)
    pool.put(ONE, dropped)
    dropped.is_connected = False
    assert pool.take(ONE, fresh=False) is sound
    assert dropped.is_closed


@pytest.mark.parametrize(
    ("age", "fresh", "given"),
    [(3, True, True), (5, True, False), (59, False, True), (61, False, False)],
)
def test_connection_is_given_only_while_it_is_young_enough(pool, age, fresh, given):
    connection = Connection()
    pool.put(ONE, connection)
    _aged(connection, age)
    assert (pool.take(ONE, fresh=fresh) is connection) is given
    assert connection.is_closed is not given


def test_oldest_are_closed_when_there_are_too_many(pool, monkeypatch):
    monkeypatch.setattr(idle, "_MOST_IDLE", 2)
    connections = [Connection() for _ in range(3)]
    for connection in connections:
        pool.put(ONE, connection)
    assert [connection.is_closed for connection in connections] == [True, False, False]


def test_those_that_nobody_came_back_for_are_closed(pool):
    forgotten, other = Connection(), Connection()
    pool.put(ONE, forgotten)
    _aged(forgotten, 61)
    pool.put(TWO, other)
    assert forgotten.is_closed
    assert not other.is_closed


def test_all_are_closed_in_the_end(pool):
    connections = [Connection() for _ in range(3)]
    for connection in connections:
        pool.put(ONE, connection)
    pool.close()
    assert all(connection.is_closed for connection in connections)

"""What counts once counts once: eight takers, one winner, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from portal.store import spent
from portal.store.attempts_log import Exhausted, Reserved, count_wrong, release, reserve
from portal.store.engine import Database, DatabaseGoneError
from portal.store.tables import SPENT
from portal.throttle import Limit, PasswordLimits, Reached
from tests.builders import NOW

LIMIT = PasswordLimits(Limit(Reached.ADDRESS, "a" * 64, 10))


def race(take, takers: int = 8) -> list:
    barrier = Barrier(takers)

    def run(_: int):
        barrier.wait()
        return take()

    with ThreadPoolExecutor(takers) as pool:
        return list(pool.map(run, range(takers)))


def take(database: Database) -> bool:
    with database.transaction() as connection:
        return spent.spend(connection, "state", expires_at=NOW)


def test_eight_takers_of_a_state_have_one_winner(database: Database):
    assert race(lambda: take(database)).count(True) == 1


def test_token_is_spent_only_with_its_transaction(database: Database):
    def fail_later() -> None:
        with database.transaction() as connection:
            assert spent.spend(connection, "jti", expires_at=NOW)
            connection.execute(text("SELECT no_such_column FROM spent"))

    with pytest.raises((DatabaseGoneError, ProgrammingError)):
        fail_later()
    with database.transaction() as connection:
        assert spent.spend(connection, "jti", expires_at=NOW)


def test_only_the_hash_is_kept(database: Database):
    take(database)
    with database.read() as connection:
        assert "state" not in str(connection.execute(select(SPENT)).all())


def test_limit_holds_against_racing_tries(database: Database):
    outcomes = race(lambda: reserve(database, LIMIT, now=NOW), takers=16)
    assert sum(isinstance(outcome, Reserved) for outcome in outcomes) == 10


def test_limit_says_when_to_try_again(database: Database):
    for minute in range(10):
        assert isinstance(reserve(database, LIMIT, now=NOW + timedelta(minutes=minute)), Reserved)
    refused = reserve(database, LIMIT, now=NOW + timedelta(minutes=10))
    assert refused == Exhausted(timedelta(minutes=5), Reached.ADDRESS)
    assert isinstance(reserve(database, LIMIT, now=NOW + timedelta(minutes=15)), Reserved)
    assert isinstance(reserve(database, LIMIT, now=NOW + timedelta(minutes=15)), Exhausted)


def test_place_given_back_counts_no_more(database: Database):
    for _ in range(20):
        reserved = reserve(database, LIMIT, now=NOW)
        assert isinstance(reserved, Reserved)
        release(database, reserved)


def test_shared_limit_counts_wrong_ones_and_then_takes_no_place_under_the_own(database: Database):
    shared = Limit(Reached.NETWORK, "b" * 64, 3)
    both = PasswordLimits(LIMIT.own, (shared,))
    for minute in range(3):
        reserved = reserve(database, both, now=NOW)
        assert isinstance(reserved, Reserved)
        with database.transaction() as connection:
            count_wrong(connection, reserved, now=NOW + timedelta(minutes=minute))
        release(database, reserved)
    for _ in range(15):
        refused = reserve(database, both, now=NOW + timedelta(minutes=5))
        assert refused == Exhausted(timedelta(minutes=10), Reached.NETWORK)
    assert isinstance(reserve(database, LIMIT, now=NOW), Reserved)
    assert isinstance(reserve(database, both, now=NOW + timedelta(minutes=16)), Reserved)


def test_limits_of_others_are_untouched(database: Database):
    for _ in range(10):
        reserve(database, LIMIT, now=NOW)
    other = PasswordLimits(Limit(Reached.ADDRESS, "c" * 64, 10))
    assert isinstance(reserve(database, other, now=NOW), Reserved)

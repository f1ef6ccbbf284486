"""PostgreSQL is seldom waited for: what nobody asks about travels with what follows."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import literal_column, make_url, select

from portal.core.waits import Waits
from portal.store import postgresql
from portal.store.engine import Database, DatabaseGoneError
from portal.store.exchange import Exchange
from portal.store.postgresql import Server, Watched
from portal.store.prepared import Statement


class Counting(Watched):
    """Counts how often something was waited for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waited = 0
        self.waits = Waits(briefly=self._count)

    def _count(self) -> AbstractContextManager[None]:
        self.waited += 1
        return nullcontext()


@pytest.fixture
def driver(postgresql_url: str) -> Iterator[Counting]:
    with Counting.connect(f"{postgresql_url}/postgres", autocommit=True) as connection:
        connection.server = Server(make_url(postgresql_url), note=str)
        connection.execute("CREATE TEMPORARY TABLE notes (id int PRIMARY KEY, text text)")
        connection.waited = 0
        yield connection


WRITE = "INSERT INTO notes VALUES ($1, $2)"
READ = "SELECT text FROM notes WHERE id = $1"


def prepared(driver: Counting) -> int:
    [[number]] = driver.execute("SELECT count(*) FROM pg_prepared_statements").fetchall()
    return int(number)


def test_transaction_that_asks_nothing_is_waited_for_once(driver):
    exchange = driver.exchange
    exchange.begin()
    for number in range(20):
        exchange.ask(WRITE, (number, "hello"))
    exchange.commit()
    assert driver.waited == 1
    assert driver.execute("SELECT count(*) FROM notes").fetchall() == [(20,)]


def test_answer_that_is_asked_for_brings_those_before_it(driver):
    exchange = driver.exchange
    exchange.begin()
    written = exchange.ask(WRITE, (1, "one"))
    assert exchange.ask(READ, (1,)).rows() == [("one",)]
    assert written.count() == 1
    assert driver.waited == 1
    exchange.commit()
    assert driver.waited == 2


def test_statement_is_prepared_once_whatever_became_of_its_transaction(driver):
    exchange = driver.exchange
    for _ in range(3):
        exchange.begin()
        for number in (1, 1):
            exchange.ask(WRITE, (number, ""))
        with pytest.raises(UniqueViolation):
            exchange.commit()
        exchange.roll_back()
    exchange.ask(WRITE, (1, "after all")).count()
    assert exchange.ask(READ, (1,)).rows() == [("after all",)]
    assert prepared(driver) == 4  # BEGIN, the two and ROLLBACK; the server never came to COMMIT


def test_statement_that_is_wrong_leaves_the_line_in_order(driver):
    exchange = driver.exchange
    with pytest.raises(psycopg.errors.UndefinedTable):
        exchange.ask("SELECT 1 FROM nowhere", ()).rows()
    assert exchange.ask("SELECT 1", ()).rows() == [(1,)]
    assert driver.execute("SELECT 2").fetchall() == [(2,)]


def test_statements_stay_prepared_when_the_driver_has_some_of_its_own(driver):
    """The driver drops all there are, not only its own, where it rolls back."""
    exchange = driver.exchange
    for _ in range(driver.prepare_threshold + 1):
        driver.execute("SELECT 1")
    exchange.begin()
    assert exchange.ask(READ, (1,)).rows() == []
    exchange.roll_back()
    assert exchange.ask(READ, (1,)).rows() == []


def exchange_over(driver: Counting) -> Exchange:
    """Give another over the same connection, which knows nothing of the first."""
    driver.__dict__.pop("exchange", None)
    return driver.exchange


def test_name_never_stands_for_another_statement_on_a_connection_that_others_have_used(driver):
    """A pooler may hand over whatever the one before prepared."""
    before, after = exchange_over(driver), exchange_over(driver)
    assert before.ask("SELECT 'theirs' WHERE $1::int = 1", (1,)).rows() == [("theirs",)]
    assert after.ask("SELECT 'ours' WHERE $1::int = 1", (1,)).rows() == [("ours",)]
    assert before.ask("SELECT 'theirs' WHERE $1::int = 1", (1,)).rows() == [("theirs",)]


def test_statement_that_a_pooler_left_there_is_in_the_way_once(driver):
    exchange_over(driver).ask(READ, (1,)).rows()
    exchange = exchange_over(driver)
    with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
        exchange.ask(READ, (1,)).rows()
    assert exchange.ask(READ, (1,)).rows() == []


@pytest.mark.parametrize(
    "change", ["ALTER TABLE notes ALTER text TYPE varchar(9)", "DEALLOCATE ALL"]
)
def test_statement_that_does_not_hold_any_more_is_prepared_anew(driver, change):
    exchange = driver.exchange
    assert exchange.ask(READ, (1,)).rows() == []
    driver.execute(change)
    with pytest.raises(psycopg.Error):
        exchange.ask(READ, (1,)).rows()
    assert exchange.ask(READ, (1,)).rows() == []


def test_commit_of_a_failed_transaction_is_an_error(driver):
    """PostgreSQL undoes it and says ROLLBACK."""
    exchange = driver.exchange
    exchange.begin()
    for number in (1, 1):
        exchange.ask(WRITE, (number, ""))
    with pytest.raises(UniqueViolation):
        exchange.settle()
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        exchange.commit()


def test_statement_that_was_passed_over_has_no_answer(driver):
    exchange = driver.exchange
    exchange.begin()
    [_, wrong, passed_over] = [exchange.ask(WRITE, (number, "")) for number in (1, 1, 2)]
    with pytest.raises(UniqueViolation):
        wrong.count()
    with pytest.raises(AssertionError):
        passed_over.count()


def test_more_than_the_line_holds_goes_through_both_ways(driver):
    """Neither side may wait for the other to read first."""
    exchange, long = driver.exchange, "x" * 50_000
    exchange.begin()
    asked = [exchange.ask("SELECT $1::text", (long,)) for _ in range(400)]
    exchange.commit()
    assert all(one.rows() == [(long,)] for one in asked)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31 - 1),
        ("bigint", -(2**63)),
        ("boolean", False),
        ("text", "100 % 'quoted' \\ $1 %(name)s"),
        ("bytea", bytes(range(256))),
        ("timestamptz", datetime(2026, 11, 27, 10, 30, 0, 123456, UTC)),
        ("text", None),
        ("bytea", None),
    ],
)
def test_value_comes_back_as_it_went(driver, kind, value):
    assert driver.exchange.ask(f"SELECT $1::{kind}", (value,)).rows() == [(value,)]


def test_notices_that_drip_in_make_no_wait_endless(driver, monkeypatch):
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.5)
    drip = "FOR n IN 1..200 LOOP RAISE NOTICE 'on it'; PERFORM pg_sleep(0.05); END LOOP"
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="no answer came"):
        driver.exchange.ask(f"DO $$ BEGIN {drip}; END $$", ()).rows()
    assert time.monotonic() - began < 5


def test_value_that_cannot_go_is_refused_before_anything_does(driver):
    exchange = driver.exchange
    exchange.begin()
    with pytest.raises(psycopg.DataError, match="NUL"):
        exchange.ask(WRITE, (1, "a\0b"))
    exchange.roll_back()
    assert exchange.ask("SELECT count(*) FROM notes", ()).rows() == [(0,)]


def test_connection_that_the_server_ended_says_so_and_is_closed(driver, postgresql_url):
    exchange: Exchange = driver.exchange
    with psycopg.connect(f"{postgresql_url}/postgres", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (driver.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        exchange.ask("SELECT 1", ()).rows()
    assert driver.closed


def test_lost_connection_is_told_as_a_gone_database_and_replaced(postgresql_url):
    database, one = (
        Database(f"{postgresql_url}/postgres"),
        Statement(select(literal_column("1").label("n"))),
    )
    with pytest.raises(DatabaseGoneError), database.quick_transaction() as place:
        [one.ask(place, {}), place.connection.dbapi_connection.pgconn.finish()]
    with database.quick_read() as place:
        assert one.one(place, {}).n == 1
    database.close()


class Steps:
    """Passes calls on to libpq, and keeps the names of those of its pipeline."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if "pipeline" in name:
            self.seen.append(name)
        return getattr(self._line, name)


def test_statement_that_is_prepared_and_alone_needs_no_pipeline(driver):
    exchange = driver.exchange
    exchange._line = steps = Steps(driver.pgconn)
    exchange.ask(WRITE, (1, "one")).count()
    assert exchange.ask(READ, (1,)).rows() == [("one",)]
    assert "enter_pipeline_mode" in steps.seen
    steps.seen.clear()
    driver.waited = 0
    assert exchange.ask(READ, (1,)).rows() == [("one",)]
    assert exchange.ask(READ, (2,)).rows() == []
    assert driver.waited == 2
    exchange.begin()
    exchange.settle()
    steps.seen.clear()
    assert exchange.ask(WRITE, (2, "two")).count() == 1  # in a transaction, too
    assert steps.seen == []
    exchange.roll_back()
    assert exchange.ask(READ, (2,)).rows() == []


def test_answer_takes_along_what_waits(driver):
    exchange = driver.exchange
    assert exchange.ask(READ, (1,)).rows() == []
    exchange.begin()
    written = exchange.ask(WRITE, (1, "one"))
    assert exchange.ask(READ, (1,)).rows() == [("one",)]
    assert written.count() == 1
    exchange.roll_back()
    assert exchange.ask(READ, (1,)).rows() == []


def test_statement_alone_that_is_wrong_leaves_the_line_in_order(driver):
    exchange = driver.exchange
    odd = "SELECT 1 / $1::int"
    assert exchange.ask(odd, (1,)).rows() == [(1,)]
    with pytest.raises(psycopg.errors.DivisionByZero):
        exchange.ask(odd, (0,)).rows()
    assert exchange.ask(odd, (1,)).rows() == [(1,)]


@pytest.mark.parametrize("is_prepared", [True, False])
def test_wait_that_is_cut_off_leaves_no_line_to_others(driver, is_prepared):
    @contextmanager
    def cut_off() -> Iterator[None]:
        raise KeyboardInterrupt
        yield

    if is_prepared:
        driver.exchange.ask(READ, (1,)).rows()
    driver.exchange._aside = cut_off
    with pytest.raises(KeyboardInterrupt):
        driver.exchange.ask(READ, (1,)).rows()
    assert driver.closed

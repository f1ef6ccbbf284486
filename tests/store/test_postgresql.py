"""A PostgreSQL that hangs, or works for long, or was restarted, as its connections see it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from unittest.mock import Mock

import pytest
from sqlalchemy import literal_column, select, text

from portal.core.waits import Waits
from portal.store import postgresql
from portal.store.domain_plan import DomainPlan
from portal.store.domain_staging import Wanted
from portal.store.engine import Database, DatabaseGoneError
from portal.store.prepared import Statement
from portal.store.workbench import open_workbench
from tests.databases import Server, postgresql_handle


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql_handle() as server:
        yield server


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def database(server: Server, noted: list[str]) -> Iterator[Database]:
    server.start()
    database = Database(f"{server.url}/postgres", note=noted.append)
    yield database
    server.go_on()
    database.close()


def ask(database: Database, statement: str = "SELECT 1") -> object:
    with database.read() as connection:
        return connection.scalar(text(statement))


def test_statement_under_way_ends_when_the_server_hangs(server, database, noted):
    ask(database)
    server.hang()
    began = time.monotonic()
    with pytest.raises(DatabaseGoneError), database.transaction() as connection:
        connection.execute(text("SELECT 1"))
    assert time.monotonic() - began < 5
    assert noted == ["database.silent"]


def test_hanging_server_is_waited_for_once(server, database):
    server.hang()
    with pytest.raises(DatabaseGoneError):
        ask(database)
    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(DatabaseGoneError):
            ask(database)
    assert time.monotonic() - began < 1


def test_server_that_goes_on_is_used_again_within_seconds(server, database, noted):
    server.hang()
    with pytest.raises(DatabaseGoneError):
        ask(database)
    server.go_on()
    until = time.monotonic() + 5
    while "database.back" not in noted:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert ask(database) == 1


def test_long_statement_of_a_server_that_answers_is_waited_for(database, noted):
    assert ask(database, "SELECT 7 FROM pg_sleep(2.5)") == 7
    assert noted == []


def test_statement_that_waits_for_a_lock_is_waited_for(database):
    held = threading.Event()

    def hold() -> None:
        with database.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
            held.set()
            time.sleep(2.5)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    began = time.monotonic()
    with database.transaction() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
    assert time.monotonic() - began > 2
    holder.join()


@pytest.mark.parametrize("way", ["quick_read", "quick_write", "quick_transaction"])
def test_held_connection_does_not_wait_for_a_server_that_hangs(server, database, way):
    one = Statement(select(literal_column("1").label("one")))

    def ask_held() -> int:
        with getattr(database, way)() as place:
            return one.one(place, {}).one

    assert ask_held() == 1
    server.hang()
    began = time.monotonic()
    with pytest.raises(DatabaseGoneError):
        ask_held()
    assert time.monotonic() - began < 5


@contextmanager
def hanging(backend: int) -> Iterator[None]:
    """Let the server's side of one connection do nothing; all others are served."""
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(backend, signal.SIGCONT)


BACKEND = "SELECT pg_backend_pid()"
BRIEFLY = {
    "quick_read": {},
    "quick_write": {},
    "quick_transaction": {},
    "read": {"brief": True},
    "transaction": {"brief": True},
}


@pytest.mark.parametrize("way", BRIEFLY)
def test_a_sign_in_gives_up_a_connection_that_hangs_alone(database, noted, monkeypatch, way):
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.5)
    backend = Statement(select(literal_column("pg_backend_pid()").label("pid")))

    def ask_briefly(*, then_hang: bool) -> int:
        with getattr(database, way)(**BRIEFLY[way]) as place:
            pid = backend.one(place, {}).pid
            if then_hang:
                with hanging(pid):
                    backend.one(place, {})
        return pid

    asked = ask_briefly(then_hang=False)
    began = time.monotonic()
    with pytest.raises(DatabaseGoneError):
        ask_briefly(then_hang=True)
    assert 1.4 < time.monotonic() - began < 4
    assert noted == ["database.no_answer"]
    assert ask_briefly(then_hang=False) != asked


def test_the_end_of_a_brief_transaction_is_bounded_too(database, monkeypatch):
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.5)

    def change() -> None:
        with database.transaction(brief=True) as connection:
            stopped.append(connection.scalar(text(BACKEND)))
            os.kill(stopped[0], signal.SIGSTOP)

    stopped: list[int] = []
    try:
        with pytest.raises(DatabaseGoneError):
            change()
    finally:
        os.kill(stopped[0], signal.SIGCONT)


def test_a_connection_that_hangs_while_it_rests_is_replaced_unseen(database, monkeypatch):
    monkeypatch.setattr(postgresql, "REST_SECONDS", 0)
    backend = ask(database, BACKEND)
    assert ask(database, BACKEND) == backend
    began = time.monotonic()
    with hanging(backend):
        assert ask(database, BACKEND) != backend
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("way", ["read", "transaction"])
def test_what_is_not_brief_takes_its_time_also_after_what_was(database, noted, monkeypatch, way):
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 0.3)
    with getattr(database, way)(brief=True) as connection:
        backend = connection.scalar(text(BACKEND))
    with getattr(database, way)() as connection:
        assert connection.scalar(text(f"{BACKEND} FROM pg_sleep(1.5)")) == backend
    assert noted == []


@pytest.mark.parametrize("way", ["quick_read", "quick_write", "quick_transaction"])
def test_held_connection_is_replaced_unseen_after_a_restart(server, database, way):
    one = Statement(select(literal_column("1").label("one")))
    for _ in range(2):
        with getattr(database, way)() as place:
            assert one.one(place, {}).one == 1
        server.stop()
        server.start()
    with getattr(database, way)() as place:
        assert one.one(place, {}).one == 1


def test_connections_used_a_moment_before_a_restart_are_replaced_unseen(server, database):
    look_up = database.prepare(text("SELECT 1").columns())  # a held connection of its own
    assert database.fetch(look_up, {}) == [(1,)]
    assert ask(database) == 1
    with database.transaction() as connection:
        connection.execute(text("SELECT 1"))
    server.stop()
    server.start()
    assert database.fetch(look_up, {}) == [(1,)]
    assert ask(database) == 1
    with database.transaction() as connection:
        connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("is_writing", [False, True])
def test_long_work_that_loses_its_database_ends_as_any_other_does(server, database, is_writing):
    def work() -> None:
        with (
            open_workbench(database) as bench,
            DomainPlan(bench),
            bench.transaction() if is_writing else bench.reading(),
        ):
            server.stop()
            bench.connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseGoneError):
        work()


def test_file_of_domains_that_loses_its_database_ends_as_any_other_does(server, database):
    def rows() -> Iterator[Wanted]:
        for number in range(20_000):
            yield ("acme", f"d{number}.example", "okta", "required", 0, 1, 100)
            if number == 10_000:
                server.stop()

    def work() -> None:
        with open_workbench(database) as bench, DomainPlan(bench) as domains:
            domains.load(rows(), progress=lambda _: None)

    with pytest.raises(DatabaseGoneError):
        work()


def test_others_go_on_while_a_server_answers(postgresql_url):
    waits = {name: Mock(side_effect=nullcontext) for name in ("aside", "briefly")}
    database = Database(f"{postgresql_url}/postgres", waits=Waits(**waits))

    def waited() -> dict[str, int]:
        counts = {name: mock.call_count for name, mock in waits.items() if mock.called}
        for mock in waits.values():
            mock.reset_mock()
        return counts

    one = select(literal_column("1").label("n"))
    prepared, statement = database.prepare(one), Statement(one)
    database.fetch(prepared, {})
    waited()
    assert database.fetch(prepared, {}) == [(1,)]
    assert waited() == {"briefly": 1}
    with database.quick_read() as place:
        assert statement.one(place, {}).n == 1
    assert waited() == {"briefly": 1}
    with database.quick_transaction() as place:
        assert statement.one(place, {}).n == 1
        assert waited() == {"briefly": 1}
    assert waited() == {"briefly": 1}
    with database.read() as connection:
        waited()
        connection.execute(one)
        assert waited() == {"briefly": 1}
    database.close()

"""Writers of one SQLite file in one process: one after the other, and nobody for ever."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.core.waits import Waits
from portal.store.engine import Database, DatabaseGoneError


@pytest.fixture
def file(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'counted.db'}")
    database.make_file()
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (number INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (0)"))
    yield database
    database.close()


def add_one(database: Database) -> int:
    with database.transaction() as connection:
        found = connection.scalar(text("SELECT number FROM counted"))
        connection.execute(text("UPDATE counted SET number = :new"), {"new": found + 1})
        return found


def test_writers_lose_nothing(file):
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda _: add_one(file), range(80)))
    assert sorted(seen) == list(range(80))


def test_writer_behind_one_that_does_not_end_is_told_so(file, monkeypatch):
    monkeypatch.setattr("portal.store.engine.BUSY_SECONDS", 0.05)
    with file.transaction(), pytest.raises(DatabaseGoneError), file.transaction():
        pass
    assert add_one(file) == 0


def test_writer_that_fails_leaves_the_turn_to_the_next(file):
    with pytest.raises(ZeroDivisionError), file.transaction():
        raise ZeroDivisionError
    assert add_one(file) == 0


def test_quick_writer_steps_aside_for_another_writer_alone_and_others_always(tmp_path, monkeypatch):
    monkeypatch.setattr("portal.store.engine.BUSY_SECONDS", 0.05)
    stepped = []

    @contextmanager
    def aside():
        stepped.append("aside")
        yield

    database = Database(f"sqlite:///{tmp_path / 'aside.db'}", waits=Waits(aside=aside))
    database.make_file()
    with database.quick_transaction():
        assert stepped == []
        with pytest.raises(DatabaseGoneError), database.quick_write():
            pass
    assert stepped == ["aside"]
    with database.transaction():
        assert stepped == ["aside"] * 2
    database.close()


@pytest.mark.parametrize("quick", ["quick_transaction", "quick_write"])
def test_quick_writer_takes_its_turn_too(file, monkeypatch, quick):
    monkeypatch.setattr("portal.store.engine.BUSY_SECONDS", 0.05)
    told = pytest.raises(DatabaseGoneError, match="another writer does not end")
    with getattr(file, quick)(), told, getattr(file, quick)():
        pass
    assert add_one(file) == 0

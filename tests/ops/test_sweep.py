"""Housekeeping removes what is stale and nothing else; a backup is whole or not there."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from portal.core.address import Address
from portal.core.session import SignedInBy
from portal.flows.sweep import EVERY, sweep
from portal.services import Services, build_services
from portal.store import accounts, audit, housekeeping, sessions, spent
from portal.store.engine import Database
from portal.store.tables import AUDIT, SPENT, THROTTLE
from tests.builders import NOW, add_tenant, add_user
from tests.ops.stand import environment, run


@pytest.fixture
def services(database: Database, make_settings) -> Iterator[Services]:
    url = database.url.render_as_string(hide_password=False)
    built = build_services(make_settings(PORTAL_DATABASE_URL=url), now=lambda: NOW)
    yield built
    built.close()


def open_at(database: Database, email: str, *, ago: timedelta, seen: timedelta, **more) -> str:
    with database.transaction() as connection:
        account = accounts.by_address(connection, Address.parse(email))
        token = sessions.open_session(
            connection, account.id, SignedInBy("password"), now=NOW - ago, **more
        )
        session = sessions.load(connection, token)
        sessions.touch(connection, session, NOW - seen)
    return token


def test_ended_sessions_go_by_the_limits_of_their_tenant_and_live_ones_stay(services: Services):
    database = services.database
    with database.transaction() as connection:
        short = add_tenant(connection, "short", idle_minutes=5, absolute_hours=1)
        long = add_tenant(connection, "long", idle_minutes=600, absolute_hours=100)
        add_user(connection, "a@short.example", short)
        add_user(connection, "a@long.example", long)
        add_user(connection, "ops@portal.example")
    minute = timedelta(minutes=1)
    cases = [
        ("a@short.example", 59, 4, {}),
        ("a@short.example", 59, 6, {}),
        ("a@short.example", 61, 1, {}),
        ("a@long.example", 5900, 590, {}),
        ("a@long.example", 5900, 601, {}),
        ("a@long.example", 10, 1, {"ends_by": NOW - minute}),
        ("a@long.example", 10, 1, {"ends_by": NOW + minute}),
        ("ops@portal.example", 3, 2, {}),
        ("ops@portal.example", 60 * 24 * 9, 1, {}),
    ]
    tokens = [
        open_at(database, email, ago=ago * minute, seen=seen * minute, **more)
        for email, ago, seen, more in cases
    ]
    with database.read() as connection:
        live = [
            token for token in tokens if sessions.load(connection, token).is_live(services.now())
        ]
    swept = sweep(services)
    assert swept is not None
    assert swept["sessions"] == len(tokens) - len(live)
    with database.read() as connection:
        kept = [token for token in tokens if sessions.load(connection, token)]
    assert kept == live
    assert 0 < len(live) < len(tokens)


def test_spent_marks_throttle_rows_and_old_entries_go_in_batches(services: Services, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    monkeypatch.setattr("portal.flows.sweep._REST", 0)
    old = audit.Entry(NOW - timedelta(days=401), audit.Event.SIGN_OUT, "success", "a@b.example")
    with services.database.transaction() as connection:
        audit.record(connection, *[old] * 7, replace(old, at=NOW - timedelta(days=399)))
        for n in range(7):
            spent.spend(connection, f"old{n}", expires_at=NOW - timedelta(seconds=1))
        spent.spend(connection, "new", expires_at=NOW + timedelta(minutes=10))
        rows = [{"key_hash": "a" * 64, "at": NOW - timedelta(hours=n)} for n in (0, 2, 3)]
        connection.execute(insert(THROTTLE), rows)
    assert sweep(services) == {
        "sessions": 0,
        "spent": 7,
        "uploads": 0,
        "throttle": 2,
        "started": 0,
        "links": 0,
        "audit": 7,
    }
    with services.database.read() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar()
            for table in (SPENT, THROTTLE, AUDIT)
        ]
    assert counts == [2, 1, 1]  # the mark of this turn is spent too


def test_one_process_sweeps_in_each_slot_of_time(services: Services):
    other = replace(services)
    assert sweep(services) is not None
    assert sweep(other) is None
    later = replace(services, now=lambda: NOW + EVERY)
    assert sweep(later) is not None


def test_run_is_bounded_and_the_next_goes_on(services: Services, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    monkeypatch.setattr(housekeeping, "MOST_BATCHES", 2)
    with services.database.transaction() as connection:
        for n in range(6):
            spent.spend(connection, f"old{n}", expires_at=NOW - timedelta(seconds=1))
    assert sweep(services)["spent"] == 4
    assert sweep(replace(services, now=lambda: NOW + EVERY))["spent"] == 2


def test_backup_is_whole_while_others_write_and_never_overwrites(
    sqlite_database: Database, tmp_path: Path
):
    url = sqlite_database.url.render_as_string(hide_password=False)
    env = environment(tmp_path, PORTAL_DATABASE_URL=url)
    with sqlite_database.transaction() as connection:
        add_tenant(connection, "acme")
    copy = tmp_path / "copy.db"
    done = run("backup", str(copy), env=env, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT slug FROM tenants").fetchall() == [("acme",)]
    opened.close()
    assert copy.stat().st_mode & 0o777 == 0o600
    again = run("backup", str(copy), env=env, folder=tmp_path)
    assert (again.returncode, "never overwrites" in again.stderr) == (1, True)
    assert [file.name for file in tmp_path.glob(".copy*")] == []


def test_backup_of_postgresql_says_what_to_use(tmp_path: Path):
    env = environment(tmp_path, PORTAL_DATABASE_URL="postgresql://portal@127.0.0.1:1/portal")
    done = run("backup", str(tmp_path / "copy"), env=env, folder=tmp_path)
    assert (done.returncode, "pg_dump" in done.stderr) == (1, True)


def test_backup_of_an_empty_file_is_no_backup(tmp_path: Path):
    """SQLite itself leaves one behind where somebody opened a name that does not exist."""
    env = environment(tmp_path, PORTAL_DATABASE_URL=f"sqlite:///{tmp_path / 'mistyped.db'}")
    (tmp_path / "mistyped.db").touch()
    done = run("backup", str(tmp_path / "copy"), env=env, folder=tmp_path)
    assert (done.returncode, "mistyped.db is empty" in done.stderr) == (1, True)
    assert not (tmp_path / "copy").exists()

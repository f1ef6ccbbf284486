"""`portal db`: migrations, from the command line."""

import sqlite3
import threading

import pytest

from portal.store import schema
from portal.store.engine import Database
from tests.cli.running_portal import run_portal


def test_upgrade_migrates_and_says_so_and_a_second_one_changes_nothing(portal):
    head = schema.head()
    assert portal("db", "upgrade").out == f"Migrated to {head}.\n"
    assert portal("db", "upgrade").out == f"The schema is at {head}.\n"
    assert portal("db", "current").out == f"{head} (up to date)\n"


def test_current_ends_in_1_where_an_upgrade_is_due(portal):
    ended = portal("db", "current")
    assert ended.status == 1
    assert "portal db upgrade" in ended.err
    assert ended.out == ""


def test_upgrades_at_once_wait_for_each_other(tmp_path, database_url):
    ended = []
    threads = [
        threading.Thread(
            target=lambda: ended.append(
                run_portal(tmp_path, "db", "upgrade", PORTAL_DATABASE_URL=database_url)
            )
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in ended] == [0, 0], [r.stderr for r in ended]
    database = Database(database_url)
    schema.check_migrated(database)
    database.close()


def test_a_database_of_a_newer_portal_is_named(portal, tmp_path, registry):
    with sqlite3.connect(tmp_path / "instance" / "portal.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("INSERT INTO schema_supports (revision) VALUES ('9999')")
    assert portal("db", "current").out == "9999 (newer, and still fits)\n"
    assert portal("db", "upgrade").out == "The schema is at 9999.\n"
    with connection:
        connection.execute("DELETE FROM schema_supports")
    connection.close()
    for words in (("db", "upgrade"), ("db", "current"), ("serve",), ("explain", "a@b.example")):
        ended = portal(*words)
        assert ended.status == 1
        assert "9999" in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "current")])
def test_a_database_that_cannot_be_reached_is_one_line(portal, command):
    ended = portal(*command, PORTAL_DATABASE_URL="sqlite:////no/such/folder/x.db")
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "cannot be reached" in ended.err


def test_a_folder_that_may_not_be_written_is_one_line(portal, tmp_path):
    (tmp_path / "instance").write_text("in the way")
    ended = portal("db", "upgrade")
    assert ended.status == 1
    assert ended.err.startswith("portal: PORTAL_INSTANCE_DIR: ")

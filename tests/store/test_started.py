"""Sign-ins that began and came back, on every database."""

from dataclasses import replace
from datetime import timedelta

from portal.store import housekeeping, started
from portal.store.attempt_facts import came_back_since, came_in_later
from portal.store.audit import Entry, Event, record
from portal.store.engine import Database
from portal.store.started import Started
from tests.builders import NOW

ONE = Started("one", NOW, 1, 7, "Ann@acme.example", "203.0.113.7", "4F7K-92QX")


def test_what_was_written_is_read_until_it_comes_back(database: Database):
    other = replace(ONE, key="other", tenant_id=2)
    with database.transaction() as connection:
        started.save(connection, [ONE, other], came_back={})
        started.save(connection, [ONE], came_back={})
    with database.read() as connection:
        assert started.not_back(connection, 1).lines == (ONE,)
        assert started.not_back(connection, 1, person="ANN@").total == 1
        assert started.not_back(connection, 1, person="bob@").total == 0
        assert started.by_reference(connection, 1, ONE.reference) == ONE
        assert started.by_reference(connection, 3, ONE.reference) is None
        later = NOW + timedelta(minutes=10)
        counted = started.timed_out_by_connection(connection, 1, since=NOW, now=later)
        assert counted == {7: 1}
    with database.transaction() as connection:
        started.save(connection, [], came_back={"one": NOW + timedelta(seconds=9)})
    with database.read() as connection:
        assert started.not_back(connection, 1).total == 0
        assert started.not_back(connection, 2).total == 1


def test_who_came_in_later_is_found_by_the_address_without_case(database: Database):
    at = NOW + timedelta(minutes=1)
    came = Entry(at, Event.SIGN_IN_SSO, "success", "ann@ACME.example", 1, object="connection okta")
    with database.transaction() as connection:
        record(connection, came)
    with database.read() as connection:
        assert came_in_later(connection, 1, [ONE]) == {"one": at}
        assert came_in_later(connection, 2, [ONE]) == {}
        assert came_in_later(connection, 1, [replace(ONE, at=at)]) == {}
        assert came_back_since(connection, 1, "okta", since=NOW)
        assert not came_back_since(connection, 1, "okta", since=NOW + timedelta(hours=1))
        assert not came_back_since(connection, 1, "entra", since=NOW)


def test_what_is_over_is_swept(database: Database):
    rows = [
        replace(ONE, key="old", at=NOW - timedelta(days=8)),
        replace(ONE, key="back", back_at=NOW - timedelta(hours=2)),
    ]
    with database.transaction() as connection:
        started.save(connection, [ONE, *rows], came_back={})
    (broom,) = (broom for broom in housekeeping.BROOMS if broom.name == "started")
    assert housekeeping.sweep_batch(database, broom, NOW) == 2


def test_who_came_back_is_the_same_but_for_that():
    later = NOW + timedelta(seconds=9)
    assert ONE.returned(later) == replace(ONE, back_at=later)

"""The health of issuers, on every database."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.store import audit, connection_tallies, issuer_health, troubles
from portal.store.connection_tallies import Tallies, Tally
from portal.store.engine import Database
from portal.store.issuer_health import Look
from portal.store.tables import CONNECTIONS
from tests.builders import NOW, add_client, add_connection, add_tenant

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def two(database: Database):
    """Two tenants at one issuer, a connection that is off, and one that goes the default way."""
    with database.transaction() as connection:
        for slug in ("acme", "globex"):
            tenant = add_tenant(connection, slug)
            client = add_client(connection, tenant, issuer="https://one.example")
            add_connection(connection, tenant, client_id=client)
        other = add_client(connection, tenant, key="off", issuer="https://off.example")
        add_connection(connection, tenant, key="off", client_id=other, enabled=False)
        add_connection(connection, tenant, key="default")
    return database


def taken(database: Database, *, default: str, now=NOW, most: int = 10) -> list[str]:
    with database.transaction() as connection:
        issuer_health.enrol(connection, default=default, now=now)
        return issuer_health.take_due(connection, default=default, now=now, until=LATER, most=most)


def test_each_issuer_in_use_is_taken_once_in_its_time(two: Database):
    assert sorted(taken(two, default="https://d.example")) == [
        "https://d.example",
        "https://one.example",
    ]
    assert taken(two, default="https://d.example") == []
    assert len(taken(two, default="https://d.example", now=LATER, most=1)) == 1


def test_without_a_default_client_there_is_none_to_look_at(two: Database):
    assert taken(two, default="") == ["https://one.example"]


def test_an_issuer_of_no_connection_any_more_is_left_alone(two: Database):
    taken(two, default="")
    with two.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(enabled=False))
    assert taken(two, default="", now=LATER) == []


def test_looks_that_fail_are_counted_until_one_succeeds(database: Database):
    def note(minutes: int, **values):
        at = NOW + timedelta(minutes=minutes)
        with database.transaction() as connection:
            issuer_health.note(connection, Look("https://i", **values), now=at, next_at=at)
            return issuer_health.of_issuers(connection, ["https://i"])["https://i"]

    good = note(0, keys=2, algorithms=3, ahead=timedelta(seconds=-7))
    assert (good.failures, good.failing_since, good.look.ahead) == (0, None, timedelta(seconds=-7))
    note(1, problem="no answer in time", is_down=True)
    bad = note(2, problem="no answer in time", is_down=True)
    assert (bad.failures, bad.failing_since) == (2, NOW + timedelta(minutes=1))
    assert bad.good_at == NOW
    with database.read() as connection:
        assert issuer_health.failing(connection, failures=2, since=NOW) == ["https://i"]
        assert issuer_health.failing(connection, failures=3, since=NOW) == []
        assert issuer_health.failing(connection, failures=2, since=LATER) == []
    assert note(3, keys=1).failures == 0


def entry(outcome: str, *, tenant: int = 1, minutes: int = 1, **detail) -> audit.Entry:
    return audit.Entry(
        at=NOW - timedelta(minutes=minutes),
        event=audit.Event.SIGN_IN_SSO,
        outcome=outcome,
        actor="",
        tenant_id=tenant,
        object="connection okta",
        detail={"connection_id": 7, **detail},
    )


def test_sign_ins_are_tallied_by_connection(database: Database):
    with database.transaction() as connection:
        audit.record(
            connection,
            *(entry("success", minutes=n) for n in (1, 2, 3000)),
            entry("oidc_failed"),
            entry("access_denied"),
            entry("success", tenant=2),
            entry("success", minutes=60 * 24 * 8),
        )
    with database.read() as connection:
        found = connection_tallies.by_connection(
            connection,
            1,
            ["okta", "entra"],
            day=NOW - timedelta(days=1),
            week=NOW - timedelta(days=7),
        )
    assert found == {"okta": Tallies(Tally(2, 1, 1), Tally(3, 1, 1)), "entra": Tallies()}


def test_three_failures_without_a_success_since_are_trouble(database: Database):
    def read(*entries: audit.Entry) -> frozenset[int]:
        with database.transaction() as connection:
            audit.record(connection, *entries)
            return troubles.read(connection, NOW).connections

    failed = entry("provider_unavailable", stage="token", minutes=5)
    assert read(failed, failed) == frozenset()
    assert read(*[entry("provider_unavailable", stage="answer")] * 5) == frozenset()
    assert read(entry("success", minutes=9)) == frozenset()
    assert read(failed) == {7}
    assert read(entry("success", tenant=2)) == {7}
    assert read(entry("success", minutes=4)) == frozenset()

"""Sessions in the database: found by token, ended by whom they may be ended, on both databases."""

from datetime import timedelta

import pytest

from portal.core.address import Address
from portal.core.registry import Sealed
from portal.core.session import SignedInBy
from portal.store import accounts, sessions
from portal.store.engine import Database
from tests.builders import NOW, add_tenant, add_user

SSO = SignedInBy(
    "sso",
    connection_name="Okta",
    issuer="https://idp.example",
    client_id="portal",
    subject="sub-1",
    sid="sid-1",
    id_token=Sealed(b"sealed"),
)


@pytest.fixture
def account(database: Database):
    with database.transaction() as connection:
        acme = add_tenant(connection, "acme")
        add_user(connection, "ann@acme.example", acme)
    with database.read() as connection:
        return accounts.by_address(connection, Address.parse("ann@acme.example"))


def open_one(database: Database, account, by=SSO, **values) -> str:
    with database.transaction() as connection:
        return sessions.open_session(connection, account.id, by, now=NOW, **values)


def load(database: Database, token: str):
    with database.read() as connection:
        return sessions.load(connection, token)


def test_session_comes_back_whole(database, account):
    token = open_one(
        database,
        account,
        ends_by=NOW + timedelta(hours=1),
        network="10.0.0.1",
        user_agent="x" * 999,
    )
    session = load(database, token)
    assert session.account == account
    assert session.by == SSO
    assert session.created_at == session.last_seen_at == session.authenticated_at == NOW
    assert session.ends_by == NOW + timedelta(hours=1)
    assert len(session.user_agent) == 300


def test_session_comes_with_those_beside_it_and_with_nobody_elses(database, account):
    tokens = [open_one(database, account) for _ in range(3)]
    with database.transaction() as connection:
        other = add_user(connection, "bob@acme.example", account.tenant.id)
        theirs = sessions.open_session(connection, other, SSO, now=NOW)
    with database.read() as connection:
        own, found = sessions.load_beside(connection, tokens[1])
    assert own == load(database, tokens[1])
    assert found == [load(database, token) for token in reversed(tokens)]
    with database.quick_read() as place:
        bobs = load(database, theirs)
        assert sessions.load_beside(place, theirs) == (bobs, [bobs])
        assert sessions.load_beside(place, "invented") == (None, [])


def test_unknown_token_is_no_session(database, account):
    open_one(database, account)
    assert load(database, "invented") is None


def test_use_moves_the_idle_end(database, account):
    token = open_one(database, account)
    later = NOW + timedelta(minutes=5)
    with database.transaction() as connection:
        sessions.touch(connection, sessions.load(connection, token), later)
    assert load(database, token).last_seen_at == later


@pytest.mark.parametrize(
    ("values", "ended"),
    [
        ({"sid": "sid-1", "subject": None}, 1),
        ({"sid": None, "subject": "sub-1"}, 2),
        ({"sid": "sid-2", "subject": None}, 1),
        ({"sid": "sid-9", "subject": None}, 0),
        ({"sid": None, "subject": "sub-9"}, 0),
        ({"sid": "sid-1", "subject": None, "issuer": "https://evil.example"}, 0),
        ({"sid": "sid-1", "subject": None, "client_ids": ["another"]}, 0),
    ],
)
def test_provider_ends_what_it_names_and_nothing_else(database, account, values, ended):
    open_one(database, account)
    open_one(
        database,
        account,
        SignedInBy("sso", issuer=SSO.issuer, client_id=SSO.client_id, subject="sub-1", sid="sid-2"),
    )
    open_one(database, account, SignedInBy("password"))
    arguments = {"issuer": SSO.issuer, "client_ids": ["portal"], **values}
    with database.transaction() as connection:
        assert sessions.end_at_provider(connection, **arguments) == ended
    with database.read() as connection:
        assert len(sessions.of_account(connection, account.id)) == 3 - ended


def test_all_sessions_of_an_account_can_be_ended(database, account):
    tokens = [open_one(database, account) for _ in range(3)]
    with database.transaction() as connection:
        assert sessions.end_of_account(connection, account.id) == 3
    assert all(load(database, token) is None for token in tokens)


def test_public_id_ends_a_session_of_the_same_account_alone(database, account):
    token = open_one(database, account)
    public_id = load(database, token).public_id
    with database.transaction() as connection:
        assert not sessions.end_by_public_id(connection, public_id, account_id=account.id + 1)
        assert sessions.end_by_public_id(connection, public_id, account_id=account.id)

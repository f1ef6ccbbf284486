"""Accounts and identities, on both databases."""

import pytest
from sqlalchemy import select

from portal.core.admission import Admitted
from portal.core.registry import Role
from portal.store import accounts
from portal.store.accounts import Subject
from portal.store.engine import Database, IntegrityError
from portal.store.registry import Registry
from portal.store.tables import IDENTITIES
from tests.builders import NOW, add_tenant, add_user, address

ANN = Subject("https://idp.example", "portal", "sub-1")


@pytest.fixture
def tenants(database: Database):
    with database.transaction() as connection:
        add_tenant(connection, "acme")
        add_tenant(connection, "globex")
    registry = Registry(database, base_url="http://localhost:5000")
    return [registry.tenant(slug).tenant for slug in ("acme", "globex")]


def enter(database: Database, tenant, subject=ANN, **values):
    with database.transaction() as connection:
        known = accounts.known(connection, address(), tenant=tenant, subject=subject)
        account = known.linked or known.addressed
        admitted = Admitted(
            **{
                "address": address(),
                "name": "Ann",
                "account": account,
                "link": known.linked is None,
                "group_role": None,
                **values,
            }
        )
        user_id = accounts.enter(connection, admitted, tenant=tenant, subject=subject, now=NOW)
        account = accounts.by_address(connection, address())
        assert account.id == user_id
        return account


def test_new_person_becomes_a_member_of_the_tenant(database, tenants):
    account = enter(database, tenants[0])
    assert (account.role, account.tenant, account.email) == (
        Role.MEMBER,
        tenants[0],
        "ann@acme.example",
    )


def test_linked_person_is_found_by_subject_whatever_the_address(database, tenants):
    first = enter(database, tenants[0])
    with database.read() as connection:
        known = accounts.known(
            connection, address("new.name@acme.example"), tenant=tenants[0], subject=ANN
        )
    assert known.linked.id == first.id


def test_subject_of_another_tenant_is_not_known_here(database, tenants):
    enter(database, tenants[0])
    with database.read() as connection:
        known = accounts.known(connection, address(), tenant=tenants[1], subject=ANN)
    assert known.linked is None
    assert known.addressed.tenant == tenants[0]


def test_same_subject_at_another_issuer_is_another_person(database, tenants):
    enter(database, tenants[0])
    with database.read() as connection:
        elsewhere = Subject("https://evil.example", "portal", "sub-1")
        known = accounts.known(connection, address(), tenant=tenants[0], subject=elsewhere)
    assert known.linked is None
    assert not known.taken


def test_account_held_by_another_subject_of_the_client_is_taken(database, tenants):
    enter(database, tenants[0])
    with database.read() as connection:
        other = Subject("https://idp.example", "portal", "sub-2")
        assert accounts.known(connection, address(), tenant=tenants[0], subject=other).taken


def test_address_is_one_account(database, tenants):
    with database.transaction() as connection:
        add_user(connection, "ann@acme.example", tenants[0].id)
    with pytest.raises(IntegrityError), database.transaction() as connection:
        add_user(connection, "ANN@acme.example", tenants[1].id)


def test_operator_has_no_tenant_and_everybody_else_has_one(database, tenants):
    with pytest.raises(IntegrityError), database.transaction() as connection:
        add_user(connection, "x@acme.example", tenants[0].id, role="operator")
    with pytest.raises(IntegrityError), database.transaction() as connection:
        add_user(connection, "y@acme.example", None, role="member")


def test_role_is_the_higher_of_assigned_and_groups(database, tenants):
    assert enter(database, tenants[0], group_role=Role.ADMIN).role is Role.ADMIN
    assert enter(database, tenants[0], group_role=None).role is Role.MEMBER


def test_identity_is_linked_once(database, tenants):
    enter(database, tenants[0])
    enter(database, tenants[0])
    with database.read() as connection:
        assert len(connection.execute(select(IDENTITIES)).all()) == 1


def test_account_is_found_without_regard_to_case(database, tenants):
    with database.transaction() as connection:
        add_user(connection, "Ann@acme.example", tenants[0].id)
    with database.read() as connection:
        assert accounts.by_address(connection, address("aNN@ACME.example")) is not None
        assert accounts.by_address(connection, address("bob@acme.example")) is None


def test_account_shows_no_password_hash(database, tenants):
    with database.transaction() as connection:
        add_user(connection, "ann@acme.example", tenants[0].id, password_hash="$argon2id$planted")
    with database.read() as connection:
        assert "planted" not in repr(accounts.by_address(connection, address()))

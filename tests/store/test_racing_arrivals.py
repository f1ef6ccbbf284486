"""Sign-ins of one person at the same moment, where the database lets writers work side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from portal.core.errors import SignInFailure
from portal.core.registry import Sealed
from portal.core.tokens import Claims, VerifiedClaims
from portal.flows.outcomes import Visitor
from portal.flows.signing import arrival
from portal.flows.signing.arrival import Arrival
from portal.store import accounts
from portal.store.registry import Registry
from portal.store.tables import AUDIT, IDENTITIES, SESSIONS, USERS
from tests.builders import NOW, add_client, add_connection, add_domain, add_tenant, add_user

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def services(database):
    with database.transaction() as connection:
        tenant_id = add_tenant(connection)
        okta = add_connection(connection, tenant_id, client_id=add_client(connection, tenant_id))
        add_domain(connection, tenant_id, connections=(okta,))
    return SimpleNamespace(
        database=database,
        registry=Registry(database, base_url="http://localhost:5000"),
        vault=SimpleNamespace(seal=lambda text: Sealed(text.encode())),
        now=lambda: NOW,
    )


def come_in(services, subject: str) -> str:
    bundle = services.registry.tenant("acme")
    okta = bundle.connection("okta")
    told = {"email": "ann@acme.example", "email_verified": True}
    claims = VerifiedClaims(Claims("https://idp.example", subject, all=told))
    at = Arrival(bundle.tenant, okta, okta.client, "id-token", claims)
    return arrival.enter(services, at, Visitor(), previous=None)


def count(services) -> tuple[int, ...]:
    with services.database.read() as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (USERS, IDENTITIES, SESSIONS, AUDIT)
        )


@pytest.fixture
def both_come_in(services, monkeypatch) -> Iterator[Callable[[str, str], list[str]]]:
    """Let a second sign-in come while the first knows who came, and has written nothing.

    Gives the failures.
    """
    enter, second = accounts.enter, ThreadPoolExecutor(1)

    def both(one: str, other: str) -> list[str]:
        begun = []

        def enter_late(*place, **values):
            monkeypatch.setattr(accounts, "enter", enter)
            begun.append(second.submit(come_in, services, other))
            wait(begun, timeout=0.5)  # it ends, or waits for the first
            return enter(*place, **values)

        monkeypatch.setattr(accounts, "enter", enter_late)
        failures = []
        for attempt in (lambda: come_in(services, one), lambda: begun.pop().result()):
            try:
                attempt()
            except SignInFailure as failure:
                failures.append(str(failure))
        return failures

    with second:
        yield both


@pytest.fixture(params=["new", "known"])
def person(request, services) -> None:
    """Somebody who has no account yet, or one that no provider's subject is linked to."""
    if request.param == "known":
        tenant = services.registry.tenant("acme").tenant
        with services.database.transaction() as connection:
            add_user(connection, "ann@acme.example", tenant.id)


@pytest.mark.usefixtures("person")
def test_person_who_signs_in_twice_is_one_account_with_two_sessions(services, both_come_in):
    assert both_come_in("sub-1", "sub-1") == []
    assert count(services) == (1, 1, 2, 2)


@pytest.mark.usefixtures("person")
def test_of_two_subjects_with_one_address_only_the_first_is_linked(services, both_come_in):
    [failure] = both_come_in("sub-1", "sub-2")
    assert "another subject" in failure
    assert count(services) == (1, 1, 1, 1)

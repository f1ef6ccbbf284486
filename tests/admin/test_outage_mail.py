"""Admins hear by mail of a connection that goes down and of one that is back, and seldom enough."""

import pytest
from sqlalchemy import select, update

from portal.flows.health.outage_watch import watch_outages
from portal.flows.letters.outgoing_mail import deliver_due
from portal.store import audit, issuer_health
from portal.store.issuer_health import Look
from portal.store.tables import CONNECTIONS, TENANTS
from portal.store.watch_tables import OUTAGES
from tests.builders import add_connection, add_user

ISSUER = "https://idp.example"


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def services(services, world):
    """Acme and Globex at one issuer; Globex is switched off, so that one company is left."""
    with services.database.transaction() as connection:
        connection.execute(
            update(CONNECTIONS)
            .where(CONNECTIONS.c.id == world.globex.connection_id)
            .values(enabled=False)
        )
    return services


@pytest.fixture
def looks(services, clock):
    """Have so many looks at the issuer end so."""

    def looks(problem="", *, times=2):
        look = Look(ISSUER, problem=problem, is_down=bool(problem), keys=1, algorithms=1)
        with services.database.transaction() as connection:
            for _ in range(times):
                issuer_health.note(connection, look, now=clock(), next_at=clock())

    return looks


@pytest.fixture
def signs_in(services, world, clock):
    """Have sign-ins through Acme's connection end so."""

    def signs_in(outcome, *, times=1, event=audit.Event.SIGN_IN_SSO, **detail):
        entry = audit.Entry(
            at=clock(),
            event=event,
            outcome=outcome,
            actor="ann@acme.example",
            tenant_id=world.acme.id,
            object="connection acme-okta",
            detail={"connection_id": world.acme.connection_id, **detail},
        )
        with services.database.transaction() as connection:
            audit.record(connection, *[entry] * times)

    return signs_in


@pytest.fixture
def told(services, clock, mails):
    """Let the running portal look once a minute later, and give the subjects that went out."""
    before = []

    def told(**later):
        clock.forward(**(later or {"minutes": 1}))
        watch_outages(services)
        while deliver_due(services):
            pass
        new = [mail["Subject"] for mail in mails()][len(before) :]
        before.extend(new)
        return new

    return told


DOWN, BACK = "Acme: Okta is down", "Acme: Okta is back"


def test_admins_hear_of_an_issuer_that_goes_down_and_is_back(looks, told, mails):
    looks()
    assert told() == []
    looks("no answer in time", times=1)
    assert told() == []  # once is nothing
    looks("no answer in time", times=1)
    assert told() == [DOWN]
    [mail] = mails()
    assert mail["To"] == "it@acme.example"
    text = mail.get_content()
    assert "its issuer https://idp.example cannot be read since 23 November 2026" in text
    assert "What to do: see that this machine reaches idp.example" in text
    assert "http://localhost/admin/tenants/acme/connections/acme-okta" in text
    assert told() == []
    looks()
    assert told(minutes=8) == [BACK]
    assert "is back, after 9 minutes" in mails()[-1].get_content()
    assert told() == []


def test_of_each_there_is_one_mail_an_hour_and_no_back_without_a_down(looks, told):
    looks()
    looks("no answer in time")
    assert told() == [DOWN]
    looks()
    assert told() == [BACK]
    for _ in range(3):
        looks("no answer in time")
        assert told() == []
        looks()
        assert told() == []
    looks("no answer in time")
    assert told() == []
    assert told(minutes=60) == [DOWN]


def test_two_processes_tell_it_once(services, looks, told, clock, mails):
    looks()
    looks("no answer in time")
    assert told() == [DOWN]
    assert watch_outages(services) is None
    assert told() == []


REFUSED = {"stage": "token", "cause": "the token endpoint answered 401 (invalid_client)"}


@pytest.mark.parametrize(
    ("outcome", "detail"),
    [("provider_unavailable", {"stage": "token"}), ("oidc_failed", REFUSED)],
)
def test_admins_hear_of_sign_ins_that_fail_and_of_the_first_who_comes_in(
    signs_in, told, mails, outcome, detail
):
    signs_in("success")
    told(minutes=1)
    signs_in(outcome, times=2, **detail)
    assert told() == []
    signs_in(outcome, **detail)
    assert told() == [DOWN]
    assert "/admin/tenants/acme/failures" in mails()[-1].get_content()
    assert told(minutes=30) == []  # nobody tries: that is no news
    signs_in("success")
    assert told() == [BACK]


@pytest.mark.parametrize(
    ("event", "outcome", "detail"),
    [
        (audit.Event.CONNECTION_TRIED, "failed", REFUSED),
        (audit.Event.SIGN_IN_SSO, "provider_unavailable", {"stage": "answer"}),
        (audit.Event.SIGN_IN_SSO, "oidc_failed", {"stage": "token", "cause": "no id_token"}),
        (audit.Event.SIGN_IN_SSO, "access_denied", {"stage": "answer"}),
    ],
)
def test_tests_and_what_a_stranger_can_bring_back_are_no_news(
    signs_in, told, event, outcome, detail
):
    signs_in("success")
    told()
    signs_in(outcome, event=event, times=9, **detail)
    assert told() == []


def test_a_test_that_passes_brings_nothing_back(signs_in, told):
    signs_in("success")
    told()
    signs_in("oidc_failed", times=3, **REFUSED)
    assert told() == [DOWN]
    signs_in("success", event=audit.Event.CONNECTION_TRIED)
    assert told(minutes=20) == []


def test_a_connection_that_has_never_worked_is_not_down(looks, signs_in, told):
    looks("no answer in time")
    assert told() == []
    signs_in("provider_unavailable", times=3, stage="token")
    assert told() == []


def test_connections_of_one_company_are_told_of_in_one_mail(services, world, looks, told):
    with services.database.transaction() as connection:
        mine = CONNECTIONS.c.id == world.acme.connection_id
        client = connection.scalar(select(CONNECTIONS.c.client_id).where(mine))
        add_connection(connection, world.acme.id, key="two", name="Two", client_id=client)
        add_user(connection, "second@acme.example", world.acme.id, role="admin")
    looks()
    looks("no answer in time")
    assert told() == ["Acme: Okta and Two are down"] * 2  # one for each admin


def test_what_is_switched_off_is_forgotten(services, world, looks, told, row_of):
    looks()
    looks("no answer in time")
    assert told() == [DOWN]
    with services.database.transaction() as connection:
        connection.execute(update(TENANTS).values(status="suspended"))
    assert told() == []
    assert row_of(OUTAGES) is None


def test_what_is_long_over_is_forgotten(looks, told, row_of):
    looks()
    looks("no answer in time")
    assert told() == [DOWN]
    looks()
    assert told() == [BACK]
    assert row_of(OUTAGES).down_since is None
    told(minutes=61)
    assert row_of(OUTAGES) is None


def test_an_issuer_that_is_read_again_ends_it_although_sign_ins_failed_meanwhile(
    looks, signs_in, told
):
    looks()
    signs_in("success")
    told()
    looks("no answer in time")
    signs_in("provider_unavailable", times=3, stage="token")
    assert told() == [DOWN]
    looks()
    assert told() == []  # those of the last minutes may be since
    assert told(minutes=10) == [BACK]

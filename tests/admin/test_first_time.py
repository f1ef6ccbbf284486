"""What somebody reads who sees the pages for the first time: nothing that has to be guessed."""

from html import unescape

import pytest
from sqlalchemy import insert, update

from portal.store import audit, issuer_health
from portal.store.tables import DOMAIN_CONNECTIONS, USERS
from tests.builders import NOW, add_domain

ACME = "/admin/tenants/acme"


def words_of(browser, path):
    return " ".join(unescape(browser.text(f"{ACME}{path}")).split())


def test_a_domain_page_says_that_break_glass_people_are_not_counted(admin, services, world):
    path = "/domains/acme.example"
    assert "are not counted" not in words_of(admin, path)
    with services.database.transaction() as connection:
        connection.execute(
            update(USERS).where(USERS.c.id == world.acme.admin).values(sso_exempt=True)
        )
    assert "break-glass people keep their password, and are not counted." in words_of(admin, path)


@pytest.mark.parametrize(("more", "is_cut"), [(4, False), (5, True)])
def test_a_connection_with_many_domains_says_where_the_others_are(
    admin, services, world, more, is_cut
):
    with services.database.transaction() as connection:
        for number in range(more):
            domain = add_domain(connection, world.acme.id, f"shop{number}.example")
            led = {"domain_id": domain, "position": 0, "connection_id": world.acme.connection_id}
            connection.execute(insert(DOMAIN_CONNECTIONS).values(**led))
    text = words_of(admin, "/connections/acme-okta")
    assert ("and more, on the page of your" in text) is is_cut
    assert ("shop4.example" in text) is False


def test_an_application_is_named_on_its_page(admin, world):
    assert "Application acme-main</h1>" in words_of(admin, "/clients/acme-main")


def test_the_list_of_connections_says_who_did_not_try(admin, services):
    look = issuer_health.Look("https://idp.example", keys=1, algorithms=1)
    with services.database.transaction() as connection:
        issuer_health.note(connection, look, now=NOW, next_at=NOW)
    assert "Nobody tried in the last day." in words_of(admin, "/connections")


def test_the_trail_answers_yes_and_no(admin, services, world):
    entry = audit.Entry(
        at=NOW,
        event=audit.Event.SIGN_IN_PASSWORD,
        outcome="success",
        actor="it@acme.example",
        tenant_id=world.acme.id,
        detail={"break_glass": True},
    )
    with services.database.transaction() as connection:
        audit.record(connection, entry)
    assert "<dt>Break-glass</dt><dd>yes</dd>" in words_of(admin, "/audit")

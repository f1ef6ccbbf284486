"""A tenant at a glance, and the explanation of an address."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.store import audit
from portal.store.tables import DOMAINS
from tests.builders import NOW, add_tenant, add_user

OVERVIEW = "/admin/tenants/acme"
EXPLAIN = "/admin/tenants/acme/explain"


def came_in(services, tenant_id, event=audit.Event.SIGN_IN_SSO, outcome="success", days=1):
    entry = audit.Entry(
        at=NOW - timedelta(days=days),
        event=event,
        outcome=outcome,
        actor="ann@acme.example",
        tenant_id=tenant_id,
    )
    with services.database.transaction() as connection:
        audit.record(connection, entry)


def test_an_empty_company_begins_with_its_domain(services, operator):
    with services.database.transaction() as connection:
        add_tenant(connection, "empty")
    text = operator.text("/admin/tenants/empty")
    assert "0 of 7 steps are done" in text
    assert 'href="/admin/tenants/empty/domains/new">Claim a domain' in text


def test_each_step_that_is_done_counts(services, world, admin):
    assert "4 of 7 steps are done" in admin.text(OVERVIEW)
    came_in(services, world.acme.id)
    assert "6 of 7 steps are done" in admin.text(OVERVIEW)
    with services.database.transaction() as connection:
        connection.execute(
            update(DOMAINS).where(DOMAINS.c.id == world.acme.domain_id).values(policy="required")
        )
    assert "Everything is done." in admin.text(OVERVIEW)


def test_numbers_are_of_the_last_thirty_days_and_of_this_company(services, world, admin):
    for days in (1, 2, 29, 31):
        came_in(services, world.acme.id, days=days)
    came_in(services, world.globex.id)
    came_in(services, world.acme.id, outcome="oidc_failed")
    text = " ".join(admin.text(OVERVIEW).split())
    assert "SSO sign-ins <small>last 30 days</small></dt><dd>3</dd>" in text
    assert "Failed <small>last 30 days</small></dt><dd>1</dd>" in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("email=ann@acme.example", "is sent to Okta"),
        ("email=ann@acme.example&asked=password", "signs in with a password"),
        ("email=ann@nowhere.example&asked=sso", "is told that SSO is not set up"),
    ],
)
def test_an_address_is_explained_by_the_rules_that_decide(admin, query, words):
    text = admin.text(f"{EXPLAIN}?{query}")
    assert words in text
    assert "The domain" in text


def test_what_if_shows_both_ways_side_by_side_and_changes_nothing(admin, row_of):
    text = admin.text(f"{EXPLAIN}?email=ann@acme.example&asked=password&policy=required")
    assert "As it is now" in text
    assert "signs in with a password" in text
    assert "As it would be" in text
    assert "is sent to Okta" in text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_what_if_takes_a_rollout_and_says_when_it_is_none(admin):
    query = f"{EXPLAIN}?email=ann@acme.example&asked=password&policy=required"
    assert "outside the rollout of 0 %" in admin.text(f"{query}&rollout=0")
    assert "A rollout is a number from 0 to 100." in admin.text(f"{query}&rollout=many")


def test_what_is_no_address_is_said_beside_the_field(admin):
    assert "has one @" in admin.text(f"{EXPLAIN}?email=ann")


def test_another_companys_address_tells_an_admin_nothing(admin, operator):
    hidden = admin.text(f"{EXPLAIN}?email=ann@globex.example")
    assert "not of a domain of your company" in hidden
    assert "Okta" not in hidden.replace("as it is</option>", "").split("The way in")[1]
    assert "tenant globex" in operator.text(f"{EXPLAIN}?email=ann@globex.example")


def test_a_break_glass_person_is_explained_too(services, world, admin):
    with services.database.transaction() as connection:
        add_user(connection, "glass@acme.example", world.acme.id, sso_exempt=True)
        connection.execute(
            update(DOMAINS).where(DOMAINS.c.id == world.acme.domain_id).values(policy="required")
        )
    assert "signs in with a password" in admin.text(f"{EXPLAIN}?email=glass@acme.example")


def test_the_chart_has_a_bar_for_each_day_and_the_numbers_as_a_table(services, world, admin):
    for days in (0, 0, 1, 29, 30):
        came_in(services, world.acme.id, days=days)
    came_in(services, world.acme.id, event=audit.Event.SIGN_IN_PASSWORD, days=1)
    came_in(services, world.acme.id, outcome="oidc_failed", days=1)
    text = " ".join(admin.text(OVERVIEW).split())
    assert text.count('<rect class="sso"') == 30
    assert "Most on a day: 3" in text
    row = '<tr><th scope="row">{}</th><td class="number" data-label="SSO">{}</td>'
    assert row.format("23 November 2026", 2) in text
    assert row.format("22 November 2026", 1) in text
    assert row.format("25 October 2026", 1) in text
    assert "24 October 2026" not in text


def test_a_company_without_sign_ins_has_no_empty_chart(admin):
    assert "<rect" not in admin.text(OVERVIEW)


@pytest.mark.parametrize("days", [0, 1, 29])
def test_days_are_those_of_utc_on_both_databases(database, days):
    from portal.store.sign_in_days import by_day

    at = NOW.replace(hour=23, minute=59) - timedelta(days=days)
    entry = audit.Entry(
        at=at, event=audit.Event.SIGN_IN_SSO, outcome="success", actor="a", tenant_id=7
    )
    with database.transaction() as connection:
        audit.record(connection, entry)
    with database.read() as connection:
        found = by_day(connection, 7, now=NOW.replace(hour=1), days=30)
    assert [day.day for day in found if day.by_sso] == [at.date()]
    assert len(found) == 30


def test_what_was_done_leads_on_to_the_next_step(services, operator, dns):
    with services.database.transaction() as connection:
        add_tenant(connection, "empty")
    claimed = operator.post("/admin/tenants/empty/domains/new", domain="empty.example").location
    assert "Go on with step" not in operator.text(claimed)  # it is done on this very page
    operator.post(claimed, do="vouch")
    text = operator.text(claimed)
    assert 'href="/admin/tenants/empty/connections">Go on with step 3 of 7' in text


def test_a_company_that_is_all_set_up_is_led_nowhere(services, world, admin):
    came_in(services, world.acme.id)
    with services.database.transaction() as connection:
        connection.execute(
            update(DOMAINS).where(DOMAINS.c.id == world.acme.domain_id).values(policy="required")
        )
    person = f"/admin/tenants/acme/people/{world.acme.member}"
    admin.post(person, do="make_admin")
    text = admin.text(person)
    assert "is admin now" in text
    assert "Go on with step" not in text

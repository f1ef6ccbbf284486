"""Requiring SSO without locking anybody out."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.core.address import Address
from portal.core.routing import in_rollout
from portal.store import audit
from portal.store.tables import DOMAINS, USERS
from tests.admin.conftest import seen_of
from tests.builders import NOW, add_user

PATH = "/admin/tenants/acme/domains/acme.example"
REQUIRED = {"policy": "required", "connections": "acme-okta", "rollout": "100"}


def note(services, *, event, user_id=None, about="", days=1, tenant=1, outcome="success"):
    entry = audit.Entry(
        at=NOW - timedelta(days=days),
        event=event,
        outcome=outcome,
        actor="it@acme.example",
        tenant_id=tenant,
        user_id=user_id,
        object=about,
    )
    with services.database.transaction() as connection:
        audit.record(connection, entry)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def ready(services, world):
    """All that must be so before: proven, on, somebody came through, break-glass came in."""
    with services.database.transaction() as connection:
        connection.execute(
            update(USERS).where(USERS.c.id == world.acme.admin).values(sso_exempt=True)
        )
    note(services, event=audit.Event.SIGN_IN_SSO, about="connection acme-okta")
    note(services, event=audit.Event.SIGN_IN_PASSWORD, user_id=world.acme.admin)


def ask(browser, **fields):
    return browser.post(PATH, **{**REQUIRED, **fields}, seen=seen_of(browser.text(PATH)))


def test_before_the_switch_the_page_shows_the_effect_and_saves_nothing(admin, ready, row_of):
    text = " ".join(ask(admin).text.split())
    assert "Require SSO for acme.example?" in text
    assert "People we know by this domain</dt><dd>2</dd>" in text
    assert "Have never used SSO</dt><dd>1</dd>" in text
    assert "Exempt, as break-glass</dt><dd>1</dd>" in text
    assert "Not met" not in text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_with_every_condition_met_the_switch_is_turned(admin, ready, row_of):
    assert ask(admin, confirmed="yes").status_code == 303
    assert row_of(DOMAINS, name="acme.example").policy == "required"


def _unproven(connection, world):
    connection.execute(update(DOMAINS).values(verified=False))


def _glass_gone(connection, world):
    connection.execute(update(USERS).values(sso_exempt=False))


def _glass_without_password(connection, world):
    connection.execute(update(USERS).values(password_hash=None))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_unproven, "Publish the TXT record first"),
        (_glass_gone, "Mark somebody as break-glass"),
        (_glass_without_password, "Mark somebody as break-glass"),
    ],
)
def test_a_condition_that_is_not_met_refuses_the_switch(
    services, world, admin, ready, row_of, spoil, words
):
    with services.database.transaction() as connection:
        spoil(connection, world)
    response = ask(admin, confirmed="yes")
    assert response.status_code == 200
    assert words in response.text
    assert "Not met" in response.text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"
    assert "all the same" not in response.text


def test_a_connection_that_changed_since_the_last_sign_in_counts_as_untested(
    services, world, admin, operator, ready, row_of
):
    note(
        services,
        event=audit.Event.REGISTRY_CHANGED,
        about="connection acme/acme-okta",
        days=0,
        outcome="changed",
    )
    text = ask(admin, confirmed="yes").text
    assert "Run a test sign-in" in text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_a_break_glass_sign_in_of_long_ago_does_not_count(services, world, admin, clock, row_of):
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(sso_exempt=True))
    note(services, event=audit.Event.SIGN_IN_SSO, about="connection acme-okta")
    note(services, event=audit.Event.SIGN_IN_PASSWORD, user_id=world.acme.admin, days=31)
    assert "Not met" in ask(admin, confirmed="yes").text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_only_an_operator_overrides_and_says_why_and_it_is_kept(admin, operator, row_of, trail):
    ask(admin, confirmed="yes", reason="I want it")
    assert row_of(DOMAINS, name="acme.example").policy == "optional"
    asked = ask(operator, confirmed="yes")
    assert "Require SSO all the same" in asked.text
    assert "Say why." in asked.text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"
    assert ask(operator, confirmed="yes", reason="They asked for it").status_code == 303
    assert row_of(DOMAINS, name="acme.example").policy == "required"
    assert trail("registry:changed")[-1].detail["note"] == "override: They asked for it"


def test_loosening_asks_nothing(services, world, admin, row_of):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required"))
    assert ask(admin, rollout="20").status_code == 303
    assert ask(admin, rollout="20", policy="optional").status_code == 303
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_raising_the_rollout_is_asked_about_again(services, world, admin, row_of):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required", rollout=10))
    text = ask(admin, rollout="60").text
    assert "at a rollout of 60 %" in text
    assert row_of(DOMAINS, name="acme.example").rollout == 10


def test_the_last_change_can_be_undone_with_one_button(admin, ready, row_of):
    ask(admin, confirmed="yes")
    text = admin.text(PATH)
    assert "Sign-in: SSO required → SSO optional" in text
    assert admin.post(PATH, do="undo", seen=seen_of(text)).status_code == 303
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_an_undo_cannot_slip_past_the_conditions(services, world, admin, row_of):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required"))
    ask(admin, policy="optional")
    response = admin.post(PATH, do="undo", seen=seen_of(admin.text(PATH)))
    assert "What must be so before" in response.text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_the_slider_counts_known_people_just_as_the_rollout_reaches_them(services, world, admin):
    from portal.flows.rollout.enforcement import reach
    from portal.store.tenant_items import TenantRef

    emails = [f"p{number}@acme.example" for number in range(40)]
    with services.database.transaction() as connection:
        for email in emails:
            add_user(connection, email, world.acme.id)
    ref = TenantRef(world.acme.id, "acme")
    found = reach(services, ref, "acme.example", subdomains=False)
    known = [*emails, "it@acme.example", "ann@acme.example"]
    for rollout in (0, 1, 37, 99, 100):
        expected = sum(in_rollout(Address.parse(email), rollout) for email in known)
        assert found.by_rollout[rollout] == expected
    assert found.by_rollout[0] == 0
    assert found.by_rollout[100] == found.known == 42

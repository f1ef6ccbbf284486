"""Through the provider from the admin pages: test sign-ins, and the second proof by SSO."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import func, select, update

from portal.core.session import SignedInBy
from portal.store.tables import CLIENTS, CONNECTIONS, DOMAINS, SESSIONS, TENANTS, USERS
from tests.admin.conftest import Clock, seen_of
from tests.builders import add_user

WAY = "/admin/tenants/acme/connections/acme-okta"
SETTINGS = "/admin/tenants/acme/settings"


@pytest.fixture
def clock():
    """The provider has the true time, so the portal must have it too."""
    true = Clock()
    true.now = datetime.now(UTC)
    return true


@pytest.fixture
def at_provider(services, world, provider):
    """The companies' applications are at a provider that runs."""
    with services.database.transaction() as connection:
        connection.execute(update(CLIENTS).values(issuer=provider.issuer))
        # What another process would have seen: the tenants' versions move.
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))


def through_provider(browser, response):
    """Follow a redirect to the provider, and its answer back into the portal."""
    assert response.status_code == 302, response.text
    answer = requests.get(response.location, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    return browser.client.get(f"{parts.path}?{parts.query}")


def test_a_trial_passes_every_check_and_signs_nobody_in(admin, services, at_provider, trail):
    counted = select(func.count()).select_from(SESSIONS)
    with services.database.read() as connection:
        before = connection.execute(counted).scalar_one()
    started = admin.post(WAY, do="test", hint="ann@acme.example")
    back = through_provider(admin, started)
    assert back.status_code == 303
    assert back.location.startswith(f"{WAY}/tests/")
    text = admin.text(back.location)
    assert "Every check passed" in text
    assert "Failed: " not in text
    assert "would come in as <strong>member</strong>" in text
    assert "ann@acme.example" in text
    with services.database.read() as connection:
        assert connection.execute(counted).scalar_one() == before
    assert trail("connection:tried")[-1].outcome == "success"


def test_the_report_of_a_trial_says_times_in_words_beside_their_numbers(admin, at_provider, trail):
    started = admin.post(WAY, do="test", hint="ann@acme.example")
    text = admin.text(through_provider(admin, started).location)
    exp = trail("connection:tried")[-1].detail["claims"]["exp"]
    words = datetime.fromtimestamp(int(exp), UTC).strftime("%-d %B %Y, %H:%M UTC")
    assert f"<dd>{exp}" in text
    assert words in text


def test_a_trial_that_fails_says_which_check_and_how_to_mend_it(admin, at_provider):
    back = through_provider(admin, admin.post(WAY, do="test", hint="eve@evil.example"))
    text = admin.text(back.location)
    assert "Not every check passed" in text
    assert "Claim and prove its domain" in text
    assert text.count("Failed: ") == 1


def test_a_trial_of_one_company_is_not_there_for_another(world, admin, sign_in, at_provider):
    back = through_provider(admin, admin.post(WAY, do="test", hint="ann@acme.example"))
    other = sign_in(world.globex.admin)
    assert other.get(back.location).status_code == 404
    path = back.location.replace("acme", "globex")
    assert other.get(path).status_code == 404


def test_a_trial_whose_issuer_cannot_be_read_says_so_on_the_page(admin):
    response = admin.post(WAY, do="test", hint="ann@acme.example")
    assert response.status_code == 303
    assert "The test could not begin" in admin.text(WAY)


def test_a_trial_that_passed_counts_for_the_requirement(
    admin, services, world, at_provider, row_of
):
    path = "/admin/tenants/acme/domains/acme.example"
    fields = {"policy": "required", "connections": "acme-okta", "rollout": "100"}
    needed = "Run a test sign-in on the page of the connection"
    assert needed in admin.post(path, **fields, seen=seen_of(admin.text(path))).text
    through_provider(admin, admin.post(WAY, do="test", hint="ann@acme.example"))
    assert needed not in admin.post(path, **fields, seen=seen_of(admin.text(path))).text


def test_who_came_by_sso_proves_it_by_a_fresh_run_that_the_token_has_to_show(
    services, world, sign_in, at_provider, clock, row_of
):
    by = SignedInBy("sso", connection_id=world.acme.connection_id, connection_name="Acme Okta")
    admin = sign_in(world.acme.admin, by=by)
    clock.forward(minutes=20)
    assert "Continue with Acme Okta" in admin.post(SETTINGS, name="Acme").text
    sent = admin.post(SETTINGS, confirm_at_provider="yes")
    query = parse_qs(urlsplit(sent.location).query)
    assert query["max_age"] == ["0"]
    assert query["login_hint"] == ["it@acme.example"]


def test_sso_people_whose_connection_is_off_are_told_and_not_let_through(
    services, world, sign_in, clock
):
    by = SignedInBy("sso", connection_id=world.acme.connection_id, connection_name="Okta")
    admin = sign_in(world.acme.admin, by=by)
    with services.database.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(enabled=False))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))
    clock.forward(minutes=20)
    sent = admin.post(SETTINGS, confirm_at_provider="yes")
    assert sent.location == "/login?error=sso_unavailable"


def test_a_password_is_no_second_proof_for_who_came_by_sso(services, world, sign_in, clock, row_of):
    with services.database.transaction() as connection:
        add_user(connection, "sso@acme.example", world.acme.id, role="admin")
    who = row_of(USERS, email_key="sso@acme.example")
    by = SignedInBy("sso", connection_id=world.acme.connection_id, connection_name="Acme Okta")
    admin = sign_in(who.id, by=by)
    clock.forward(minutes=20)
    response = admin.post(SETTINGS, name="Changed", confirm_password="anything at all")
    assert "Confirm it’s you" in response.text
    assert row_of(DOMAINS, name="acme.example") is not None

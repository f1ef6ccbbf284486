"""How long a session lives, and what ends it."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlalchemy import update

from portal.core.tokens import Claims, VerifiedClaims
from portal.flows.signing.arrival import Arrival, _authenticated_at
from portal.store.tables import USERS
from tests.builders import NOW, change_tenant, make_client, make_connection, make_tenant
from tests.visitor import Visitor, refused_at_submit
from tests.web.conftest import PASSWORD


@pytest.fixture
def clock():
    with freeze_time(datetime.now(UTC)) as frozen:
        yield frozen


def signed_in(app) -> Visitor:
    visitor = Visitor(app)
    assert visitor.submit("peter@initech.example", PASSWORD).status_code == 303
    return visitor


def test_session_ends_after_the_idle_time(app, registry, clock):
    visitor = signed_in(app)
    clock.tick(timedelta(minutes=59))
    assert visitor.is_signed_in
    clock.tick(timedelta(minutes=59))
    assert visitor.is_signed_in
    clock.tick(timedelta(minutes=61))
    assert not visitor.is_signed_in


def test_session_ends_at_the_absolute_limit_however_busy(app, registry, clock):
    visitor = signed_in(app)
    for _ in range(14):
        clock.tick(timedelta(minutes=50))
        assert visitor.is_signed_in
    clock.tick(timedelta(minutes=30))
    assert not visitor.is_signed_in


def test_tenants_own_limits_hold_at_once(app, services, registry, clock):
    visitor = signed_in(app)
    with services.database.transaction() as connection:
        change_tenant(connection, registry.initech, idle_minutes=5)
    clock.tick(timedelta(minutes=6))
    assert not visitor.is_signed_in


def test_suspended_tenant_ends_its_sessions(app, services, registry):
    visitor = signed_in(app)
    with services.database.transaction() as connection:
        change_tenant(connection, registry.initech, status="suspended")
    assert visitor.get("/dashboard").location.startswith("/login?error=tenant_suspended")
    again = visitor.submit("peter@initech.example", PASSWORD)
    assert refused_at_submit(again, "tenant_suspended")


def test_disabled_account_ends_its_sessions(app, services, registry):
    visitor = signed_in(app)
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(disabled=True))
    assert not visitor.is_signed_in
    again = visitor.submit("peter@initech.example", PASSWORD)
    assert refused_at_submit(again, "account_disabled")


def test_wrong_password_does_not_tell_that_an_account_is_disabled(app, services, registry):
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(disabled=True))
    assert "don’t match" in Visitor(app).submit("peter@initech.example", "wrong").text


def test_provider_limits_the_session(visitor, registry, provider):
    provider.lie("session_expiry_soon")
    visitor.sign_in_by_sso("ann@acme.example")
    assert visitor.is_signed_in
    with freeze_time(datetime.now(UTC) + timedelta(minutes=30)):
        assert not visitor.is_signed_in


def test_new_secret_key_leaves_people_signed_in(
    app, services, registry, make_settings, cheap_passwords
):
    from portal.app import create_app
    from portal.services import build_services

    visitor = signed_in(app)
    settings = make_settings(
        PORTAL_DATABASE_URL=services.settings.database_url, PORTAL_SECRET_KEY="another-key-" * 4
    )
    other = Visitor(create_app(build_services(settings, passwords=cheap_passwords)))
    other.client.set_cookie("portal_session", visitor.session_token, domain="localhost")
    assert other.is_signed_in


@pytest.mark.parametrize(
    ("auth_time", "seconds"),
    [
        (NOW.timestamp() - 3600, 3600),
        (int(NOW.timestamp()) - 3600, 3600),
        (None, 0),
        (True, 0),
        ("long ago", 0),
        (10**400, 0),
        (1e308, 0),
        (-1e308, 0),
        (NOW.timestamp() + 3600, 0),
    ],
)
def test_when_somebody_proved_who_they_are_is_what_the_provider_says_where_it_can_be(
    auth_time, seconds
):
    claims = VerifiedClaims(Claims("https://idp.example", "s", all={"auth_time": auth_time}))
    arrival = Arrival(make_tenant(), make_connection(), make_client(), "id-token", claims)
    assert _authenticated_at(arrival, NOW) == NOW - timedelta(seconds=seconds)

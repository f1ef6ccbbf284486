"""Who comes in to the admin pages, and who is told that there is nothing."""

import re

import pytest

from portal.core.session import SignedInBy
from portal.crypto import PasswordsBusyError
from portal.store.tables import TENANTS
from tests.admin.conftest import PASSWORD, seen_of
from tests.builders import add_tenant

SETTINGS = "/admin/tenants/acme/settings"
VALUES = {"name": "Acme Corporation", "idle_minutes": "30", "absolute_hours": "8"}


def admin_routes(app):
    """Every route of the admin pages with each method that it takes."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            for method in sorted(rule.methods):
                yield rule, method


def paths_of(app, tenant, names):
    """Every route of a tenant, filled in with what that tenant has."""
    for rule, method in admin_routes(app):
        if "tenant" in rule.arguments:
            values = {name: getattr(names, name) for name in rule.arguments - {"tenant"}}
            _, path = rule.build({"tenant": tenant, **values})
            yield method, path


class Names:
    """What stands for an argument of a route: the names that a company's objects have."""

    def __init__(self, ids):
        self.name = ids.domain
        self.client = ids.client
        self.connection = ids.connection
        self.person = ids.member
        self.session = "0123456789abcdef"
        self.reference = "AAAA-2222"
        self.form = "csv"


def test_every_route_of_another_company_is_not_there(app, world, admin):
    tried = 0
    for method, path in paths_of(app, "globex", Names(world.globex)):
        assert admin.client.open(path, method=method).status_code == 404, (method, path)
        tried += 1
    assert tried > 6


def test_objects_of_another_company_are_not_there_under_ones_own_address(app, world, admin):
    objects = {"name", "client", "connection", "person", "session"}
    for method, path in paths_of(app, "acme", Names(world.globex)):
        rule_has_object = any(str(getattr(Names(world.globex), n)) in path for n in objects)
        if rule_has_object and method in {"GET", "HEAD"}:
            assert admin.client.open(path, method=method).status_code == 404, (method, path)


def test_a_company_that_does_not_exist_looks_like_another_ones(app, world, admin):
    there = admin.get("/admin/tenants/globex")
    nowhere = admin.get("/admin/tenants/nowhere")
    assert there.status_code == nowhere.status_code == 404
    shape = r"[A-Z2-9]{4}-[A-Z2-9]{4}"
    assert re.sub(shape, "", there.text) == re.sub(shape, "", nowhere.text)


def test_every_route_leads_the_signed_out_to_sign_in_and_back(app, world):
    client = app.test_client()
    assert client.get(SETTINGS).location == f"/login?next={SETTINGS.replace('/', '%2F')}"
    for rule, method in admin_routes(app):
        values = {n: getattr(Names(world.acme), n) for n in rule.arguments - {"tenant"}}
        _, path = rule.build(values | ({"tenant": "acme"} if "tenant" in rule.arguments else {}))
        response = client.open(path, method=method)
        assert response.status_code == 302, (method, path)
        assert response.location.startswith("/login"), (method, path)


def test_every_route_refuses_a_member(app, world, sign_in):
    member = sign_in(world.acme.member)
    for rule, method in admin_routes(app):
        values = {n: getattr(Names(world.acme), n) for n in rule.arguments - {"tenant"}}
        _, path = rule.build(values | ({"tenant": "acme"} if "tenant" in rule.arguments else {}))
        assert member.client.open(path, method=method).status_code == 403, (method, path)


def test_an_admin_lands_on_their_own_company(admin):
    response = admin.get("/admin/")
    assert (response.status_code, response.location) == (302, "/admin/tenants/acme")


def test_an_admin_cannot_do_what_is_for_operators(admin):
    assert admin.get("/admin/new-tenant").status_code == 403
    assert admin.get("/admin/tenants/acme/suspend").status_code == 403


def test_an_operator_sees_all_companies_with_counts(operator):
    text = operator.text("/admin/")
    assert "1 to 2 of 2 companies" in text
    assert "/admin/tenants/acme" in text
    assert "/admin/tenants/globex" in text


def test_an_operator_searches_by_name_short_name_and_domain(operator):
    for search in ("Glob", "globex.exa"):
        text = operator.text(f"/admin/?q={search}")
        assert "/admin/tenants/globex" in text
        assert "/admin/tenants/acme" not in text
    assert "No company fits" in operator.text("/admin/?q=100%25")


def test_companies_come_in_pages_of_fifty(services, operator):
    with services.database.transaction() as connection:
        for number in range(60):
            add_tenant(connection, f"t{number:02}")
    assert "1 to 50 of 62 companies" in operator.text("/admin/")
    second = operator.text("/admin/?page=2&sort=newest")
    assert "51 to 62 of 62 companies" in second
    assert 'href="?sort=newest&amp;page=1"' in second
    assert "51 to 62" in operator.text("/admin/?page=999999999")
    assert "1 to 50" in operator.text("/admin/?page=minus")


def test_a_change_soon_after_the_sign_in_needs_no_second_proof(admin, row_of):
    seen = seen_of(admin.text(SETTINGS))
    assert admin.post(SETTINGS, **VALUES, seen=seen).status_code == 303
    assert row_of(TENANTS, slug="acme").name == "Acme Corporation"


def test_a_change_after_fifteen_minutes_asks_for_the_password_and_then_goes_on(
    admin, clock, row_of, trail
):
    seen = seen_of(admin.text(SETTINGS))
    clock.forward(minutes=15)
    asked = admin.post(SETTINGS, **VALUES, seen=seen)
    assert "Confirm it’s you" in asked.text
    assert 'name="name" value="Acme Corporation"' in asked.text
    assert row_of(TENANTS, slug="acme").name == "Acme"
    wrong = admin.post(SETTINGS, **VALUES, seen=seen, confirm_password="wrong")
    assert "That password is not right." in wrong.text
    assert row_of(TENANTS, slug="acme").name == "Acme"
    right = admin.post(SETTINGS, **VALUES, seen=seen, confirm_password=PASSWORD)
    assert right.status_code == 303
    assert row_of(TENANTS, slug="acme").name == "Acme Corporation"
    assert [e.outcome for e in trail("session:confirmed")] == ["wrong_password", "success"]
    fresh = seen_of(admin.text(SETTINGS))
    assert admin.post(SETTINGS, **{**VALUES, "name": "Acme"}, seen=fresh).status_code == 303


def test_wrong_passwords_at_the_second_proof_are_throttled_as_at_the_sign_in(admin, clock):
    clock.forward(minutes=20)
    for _ in range(10):
        admin.post(SETTINGS, **VALUES, confirm_password="wrong")
    refused = admin.post(SETTINGS, **VALUES, confirm_password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_second_proof_waits_among_those_who_are_known_and_says_when_too_many_check_passwords(
    admin, clock, services, monkeypatch
):
    clock.forward(minutes=20)
    waited_as = []

    def full(_stored, _password, *, known):
        waited_as.append(known)
        raise PasswordsBusyError

    monkeypatch.setattr(services.passwords, "verify", full)
    refused = admin.post(SETTINGS, **VALUES, confirm_password=PASSWORD)
    assert refused.status_code == 429
    assert "Too many people are signing in at once" in refused.text
    assert "Wait a few seconds" in refused.text
    assert waited_as == ["it@acme.example"]


def test_reading_needs_no_second_proof(admin, clock):
    clock.forward(minutes=40)
    assert "Settings" in admin.text(SETTINGS)


def test_who_came_by_sso_is_sent_through_the_provider_anew(world, sign_in, clock):
    by = SignedInBy("sso", connection_id=world.acme.connection_id, connection_name="Acme Okta")
    admin = sign_in(world.acme.admin, by=by)
    clock.forward(minutes=20)
    asked = admin.post(SETTINGS, **VALUES)
    assert "Continue with Acme Okta" in asked.text
    assert "confirm_password" not in asked.text
    by_password = admin.post(SETTINGS, **VALUES, confirm_password=PASSWORD)
    assert "Continue with Acme Okta" in by_password.text


def test_a_form_without_a_token_comes_back_with_what_was_typed(admin, row_of):
    response = admin.client.post(SETTINGS, data=VALUES)
    assert response.status_code == 400
    assert 'value="Acme Corporation"' in response.text
    assert "Nothing was saved" in response.text
    assert row_of(TENANTS, slug="acme").name == "Acme"


def test_a_form_from_another_site_gets_nothing(admin):
    response = admin.client.post(SETTINGS, data=VALUES, headers={"Origin": "https://evil.example"})
    assert response.status_code == 400
    assert "Acme Corporation" not in response.text


def test_the_second_of_two_editors_is_told_what_changed(world, sign_in, row_of):
    first, second = sign_in(world.acme.admin), sign_in(world.operator)
    seen = seen_of(first.text(SETTINGS))
    assert second.post(SETTINGS, **{**VALUES, "name": "Acme Inc"}, seen=seen).status_code == 303
    told = first.post(SETTINGS, **VALUES, seen=seen)
    assert told.status_code == 200
    assert "ops@portal.example changed these settings while you had it open" in told.text
    assert "Name: Acme → Acme Inc" in told.text
    assert 'value="Acme Corporation"' in told.text
    assert row_of(TENANTS, slug="acme").name == "Acme Inc"
    again = first.post(SETTINGS, **VALUES, seen=seen_of(told.text))
    assert again.status_code == 303
    assert row_of(TENANTS, slug="acme").name == "Acme Corporation"


def test_a_form_sent_twice_is_no_error(admin):
    seen = seen_of(admin.text(SETTINGS))
    assert admin.post(SETTINGS, **VALUES, seen=seen).status_code == 303
    seen = seen_of(admin.text(SETTINGS))
    assert admin.post(SETTINGS, **VALUES, seen=seen).status_code == 303


@pytest.mark.parametrize("path", ["/admin", "/admin/"])
def test_the_pages_are_kept_by_nobody(operator, path):
    response = operator.client.get(path, follow_redirects=True)
    assert response.headers["Cache-Control"] == "no-store"


def test_a_form_sent_twice_at_once_is_no_error_for_either(operator, row_of):
    fields = {**VALUES, "tenant": "initech"}
    for _ in range(2):
        response = operator.post("/admin/new-tenant", **fields)
        assert (response.status_code, response.location) == (303, "/admin/tenants/initech")
    seen = seen_of(operator.text(SETTINGS))
    for _ in range(2):
        assert operator.post(SETTINGS, **VALUES, seen=seen).status_code == 303
    taken = operator.post("/admin/new-tenant", **{**fields, "name": "Other"})
    assert "Another tenant has that short name." in taken.text


def test_what_is_wrong_with_a_new_company_stands_beside_its_field(operator):
    text = operator.post(
        "/admin/new-tenant", name="", tenant="No Slug", idle_minutes="soon", absolute_hours="0"
    ).text
    assert "The short name must be a slug" in text
    assert "The name must not be empty." in text
    assert "The time without activity must be a whole number." in text
    assert "The longest time must be at least 1." in text
    assert 'value="No Slug"' in text


def test_suspending_says_what_it_means_and_ends_every_session(operator, world, sign_in, row_of):
    admin = sign_in(world.acme.admin)
    assert admin.get(SETTINGS).status_code == 200
    path = "/admin/tenants/acme/suspend"
    text = operator.text(path)
    assert "2 people can no longer sign in" in text
    assert "1 open session ends" in text
    assert operator.post(path, seen=seen_of(text)).status_code == 303
    assert row_of(TENANTS, slug="acme").status == "suspended"
    assert admin.get(SETTINGS).location.startswith("/login?error=")
    text = operator.text(path)
    assert operator.post(path, seen=seen_of(text)).status_code == 303
    assert row_of(TENANTS, slug="acme").status == "active"

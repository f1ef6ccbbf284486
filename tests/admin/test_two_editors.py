"""Two people change the same thing: the second is told what changed, nothing is overwritten."""

import re
from html import unescape

import pytest

from portal.store.tables import CLIENTS, DOMAINS, TENANTS, USERS
from tests.admin.conftest import seen_of

DOMAIN = "/admin/tenants/acme/domains/acme.example"


@pytest.fixture
def person(world):
    return f"/admin/tenants/acme/people/{world.acme.member}"


def test_a_button_on_a_person_that_another_one_changed_is_not_pressed(
    admin, operator, person, row_of, world
):
    seen = seen_of(admin.text(person))
    fields = {"do": "mark", "reason": "on call"}
    assert operator.post(person, **fields, seen=seen).status_code == 303
    page = admin.post(person, do="make_admin", seen=seen).text
    told = unescape(page)
    assert "ops@portal.example changed this person while you had it open" in told
    assert "Break-glass: off → on" in told
    assert row_of(USERS, id=world.acme.member).role == "member"
    assert admin.post(person, do="make_admin", seen=seen_of(page)).status_code == 303
    assert row_of(USERS, id=world.acme.member).role == "admin"


def test_a_password_is_not_set_over_a_fresh_one(admin, operator, person, row_of, world):
    seen = seen_of(admin.text(person))
    first = {"do": "password", "new_password": "a first long password"}
    assert operator.post(person, **first, seen=seen).status_code == 303
    kept = row_of(USERS, id=world.acme.member).password_hash
    second = {"do": "password", "new_password": "a second long password"}
    told = unescape(admin.post(person, **second, seen=seen).text)
    assert "Password: there is a new one" in told
    assert "second long" not in told
    assert row_of(USERS, id=world.acme.member).password_hash == kept


def test_the_question_about_oneself_keeps_what_was_seen(admin, operator, world, row_of):
    path = f"/admin/tenants/acme/people/{world.acme.admin}"
    seen = seen_of(admin.text(path))
    sure = admin.post(path, do="disable", seen=seen)
    assert "Are you sure?" in sure.text
    operator.post(path, do="mark", reason="on call", seen=seen)
    carried = unescape(re.search(r'name="seen" value="([^"]*)"', sure.text)[1])
    told = unescape(admin.post(path, do="disable", sure="yes", seen=carried).text)
    assert "ops@portal.example changed this person" in told
    assert not row_of(USERS, id=world.acme.admin).disabled


def test_a_company_that_was_suspended_meanwhile_is_not_let_in_by_the_same_button(operator, row_of):
    path = "/admin/tenants/acme/suspend"
    seen = seen_of(operator.text(path))
    assert operator.post(path, seen=seen).status_code == 303
    told = unescape(operator.post(path, seen=seen).text)
    assert "changed this company while you had it open" in told
    assert "Status: active → suspended" in told
    assert row_of(TENANTS, slug="acme").status == "suspended"


def test_a_domain_that_another_one_changed_is_not_removed(admin, operator, row_of):
    seen = seen_of(admin.text(f"{DOMAIN}/remove"))
    way = {"policy": "password", "rollout": "100", "do": "save"}
    operator.post(DOMAIN, **way, seen=seen_of(operator.text(DOMAIN)))
    page = admin.post(f"{DOMAIN}/remove", seen=seen).text
    told = unescape(page)
    assert "ops@portal.example changed this domain while you had it open" in told
    assert row_of(DOMAINS, name="acme.example") is not None
    assert admin.post(f"{DOMAIN}/remove", seen=seen_of(page)).status_code == 303
    assert row_of(DOMAINS, name="acme.example") is None


def test_a_client_that_another_one_changed_is_told_with_its_fields(admin, operator, row_of):
    path = "/admin/tenants/acme/clients/acme-main"
    text = admin.text(path)
    fields = dict(re.findall(r'<input class="input" id="(\w+)"[^>]*? value="([^"]*)"', text))
    fields |= {"auth_method": "client_secret_basic", "do": "save"}
    seen = seen_of(text)
    assert operator.post(path, **{**fields, "client_id": "other"}, seen=seen).status_code == 303
    told = unescape(admin.post(path, **{**fields, "client_id": "mine"}, seen=seen).text)
    assert "ops@portal.example changed" in told
    assert "Client ID: " in told
    assert row_of(CLIENTS, key="acme-main").client_id == "other"


def test_what_a_form_claims_to_have_seen_may_be_nonsense(admin, person):
    for nonsense in ("[" * 20_000, "{", '"x"', "null"):
        assert "changed this person" in admin.post(person, do="make_admin", seen=nonsense).text

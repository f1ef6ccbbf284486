"""What if: how an address would sign in by a change that is not saved; and nothing is changed."""

from html import unescape

import pytest
from sqlalchemy import update

from portal.store.tables import CONNECTIONS, DOMAINS, TENANTS, USERS
from tests.admin.conftest import seen_of
from tests.builders import add_user

EXPLAIN = "/admin/tenants/acme/explain"
CONNECTION = "/admin/tenants/acme/connections/acme-okta"


@pytest.fixture
def required(services, world):
    """SSO is required for acme.example."""
    with services.database.transaction() as connection:
        acme = DOMAINS.c.name == "acme.example"
        connection.execute(update(DOMAINS).where(acme).values(policy="required"))


def would_be(text):
    return unescape(text).partition("As it would be")[2]


def asked(browser, query):
    return would_be(browser.text(f"{EXPLAIN}?email=ann@acme.example&{query}"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("off=acme-okta", "is refused: SSO is needed"),
        ("person=exempt", "signs in with a password"),
        ("person=disabled", "does not get in, by any way: the account is switched off"),
        ("policy=password", "signs in with a password"),
        ("policy=optional&off=acme-okta", "signs in with a password"),
    ],
)
def test_any_part_may_be_different(admin, required, query, words, row_of):
    assert words in asked(admin, query)
    assert row_of(CONNECTIONS, key="acme-okta").enabled
    assert not row_of(USERS, email_key="ann@acme.example").sso_exempt


def test_only_an_operator_supposes_a_company_suspended(admin, operator, required, row_of):
    assert "by any way: the company is suspended" in asked(operator, "company=suspended")
    assert ">Company<" not in admin.text(EXPLAIN)
    assert row_of(TENANTS, slug="acme").status == "active"


def test_the_mark_of_another_companys_person_is_not_supposed(admin, required, services, world):
    text = unescape(admin.text(f"{EXPLAIN}?email=ann@globex.example&person=exempt"))
    assert "is not of a domain of your company" in would_be(text)


@pytest.mark.parametrize("query", ["person=king", "company=sold", "policy=maybe", "rollout=300"])
def test_nonsense_is_told_beside_the_field(operator, query):
    text = operator.text(f"{EXPLAIN}?email=ann@acme.example&{query}")
    assert 'class="field-error"' in text
    assert "As it would be" not in text


def test_a_suspended_company_and_a_disabled_person_get_in_by_no_way(operator, services, world):
    with services.database.transaction() as connection:
        connection.execute(
            update(USERS).where(USERS.c.id == world.acme.member).values(disabled=True)
        )
    text = unescape(operator.text(f"{EXPLAIN}?email=ann@acme.example"))
    assert "does not get in, by any way: the account is switched off" in text


def fields_of(text):
    return {
        "name": "Okta of Acme",
        "client": "acme-main",
        "ssojet_connection": "conn_1",
        "new_users": "create",
        "email_verified": "unless_false",
        "seen": seen_of(text),
    }


def test_a_connection_is_tried_as_its_form_stands(admin, required, row_of):
    fields = fields_of(admin.text(CONNECTION))
    text = unescape(admin.post(CONNECTION, **fields, do="try", **{"try": "ann@acme.example"}).text)
    assert "ann@acme.example is sent to Okta of Acme." in text
    assert 'value="Okta of Acme"' in text
    fields["client"] = ""
    text = unescape(admin.post(CONNECTION, **fields, do="try", **{"try": "ann@acme.example"}).text)
    assert "is refused: SSO is needed" in text
    assert row_of(CONNECTIONS, key="acme-okta").name == "Okta"


@pytest.mark.parametrize("path", [CONNECTION, "/admin/tenants/acme/domains/acme.example"])
def test_an_address_that_is_none_is_told_beside_the_field(admin, path):
    fields = fields_of(admin.text(path)) | {"policy": "password", "rollout": "100"}
    text = admin.post(path, **fields, do="try", **{"try": "no address"}).text
    assert 'id="try-error"' in text


def test_a_domain_is_tried_with_an_address_of_its_own(admin):
    path = "/admin/tenants/acme/domains/acme.example"
    fields = {"policy": "password", "rollout": "100", "seen": seen_of(admin.text(path))}
    text = admin.post(path, **fields, do="try", **{"try": "ann@globex.example"}).text
    assert "Try an address of acme.example." in text


def test_the_page_of_a_person_says_how_they_sign_in_and_how_they_would(admin, required, world):
    text = unescape(admin.text(f"/admin/tenants/acme/people/{world.acme.member}"))
    words = text.partition("How this person signs in")[2].partition("</section>")[0]
    assert "is sent to Okta." in words
    assert "signs in with a password." in words
    assert "does not get in, by any way" in words


def test_the_pages_of_a_switch_lead_to_the_question(admin, operator):
    assert f"{EXPLAIN}?off=acme-okta" in admin.text(CONNECTION)
    assert f"{EXPLAIN}?company=suspended" in operator.text("/admin/tenants/acme/suspend")
    text = unescape(admin.text(f"{EXPLAIN}?off=acme-okta"))
    assert '<option value="acme-okta" selected>' in text


@pytest.mark.parametrize("query", ["", "asked=password", "policy=required", "person=disabled"])
def test_whether_an_address_is_an_operators_is_not_told(admin, services, world, required, query):
    def told(name: str) -> str:
        text = admin.text(f"{EXPLAIN}?email={name}@acme.example&{query}")
        return text.replace(f"{name}@acme.example", "")

    with services.database.transaction() as connection:
        add_user(connection, "olu@acme.example")
        add_user(connection, "off@acme.example", world.globex.id, disabled=True)
    assert told("olu") == told("off") == told("nobody")


def test_operator_is_told_of_every_account(operator, services, required):
    with services.database.transaction() as connection:
        add_user(connection, "olu@acme.example")
    assert "signs in with a password" in operator.text(f"{EXPLAIN}?email=olu@acme.example")

"""Connections and the applications they go through; secrets go in and never come out."""

from html import unescape

import pytest
from sqlalchemy import select, update

from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAIN_CONNECTIONS,
    DOMAINS,
    TENANTS,
)
from tests.admin.conftest import seen_of
from tests.builders import change_tenant
from tests.databases import free_port

LIST = "/admin/tenants/acme/connections"
WAY = f"{LIST}/acme-okta"
NEW_WAY = f"{LIST}/new"
CLIENTS_PAGE = "/admin/tenants/acme/clients"
CLIENT = f"{CLIENTS_PAGE}/acme-main"
SECRET = "a-secret-that-nobody-sees-again"


def way_fields(**fields):
    return {
        "name": "Acme Okta",
        "client": "acme-main",
        "ssojet_connection": "conn_9",
        "email_verified": "required",
        "new_users": "refuse",
        "role_claim": "groups",
        "roles": "it-team = admin\neverybody = member",
        "require_claims": '{"tenant_id": "66f0"}',
        "authorize_params": "prompt = login",
        **fields,
    }


def client_fields(issuer, **fields):
    return {
        "key": "second",
        "issuer": issuer,
        "client_id": "cli_acme",
        "auth_method": "client_secret_basic",
        "client_secret": SECRET,
        "scopes": "openid email",
        "connection_param": "connection",
        **fields,
    }


def test_an_empty_company_is_led_to_the_application_first(operator):
    operator.post(
        "/admin/new-tenant", tenant="empty", name="E", idle_minutes="1", absolute_hours="1"
    )
    text = operator.text("/admin/tenants/empty/connections")
    assert "Add an application first" in text


def test_the_issuer_is_read_before_anything_is_saved(admin, provider, row_of):
    text = admin.text(f"{CLIENTS_PAGE}/new?issuer={provider.issuer}")
    assert "What the issuer publishes" in text
    assert f"{provider.issuer}" in text
    assert "Signing keys" in text
    assert row_of(CLIENTS, issuer=provider.issuer) is None


def test_what_is_to_be_registered_stands_there_ready_to_copy(admin, provider):
    text = admin.text(f"{CLIENTS_PAGE}/new?issuer={provider.issuer}")
    for path in (
        "/auth/callback/acme",
        "/auth/logged-out",
        "/auth/backchannel-logout",
        "/auth/frontchannel-logout",
        "/auth/initiate",
    ):
        assert f">http://localhost{path}</code>" in text
    assert text.count("data-copy=") == 5


def test_an_application_is_saved_with_its_secret_sealed(admin, services, provider, row_of, trail):
    response = admin.post(f"{CLIENTS_PAGE}/new", **client_fields(provider.issuer))
    assert (response.status_code, response.location) == (303, f"{CLIENTS_PAGE}/second")
    row = row_of(CLIENTS, key="second")
    assert services.vault.open(row.secret) == SECRET
    assert row.scopes == ["openid", "email"]
    assert SECRET not in admin.text(f"{CLIENTS_PAGE}/second")
    entry = trail("registry:changed")[-1]
    assert entry.detail["fields"]["client_secret"] == "(secret)"
    assert SECRET not in str(entry.detail)


@pytest.mark.parametrize("text", ["env:PATH", "file:/etc/passwd", "encrypted:env:X:Y"])
def test_a_secret_that_looks_like_a_reference_is_taken_as_it_is(
    admin, services, provider, row_of, text
):
    admin.post(f"{CLIENTS_PAGE}/new", **client_fields(provider.issuer, client_secret=text))
    assert services.vault.open(row_of(CLIENTS, key="second").secret) == text


def test_an_issuer_that_cannot_be_read_is_not_saved_unless_one_insists(admin, row_of):
    nowhere = f"http://127.0.0.1:{free_port()}"
    text = admin.post(f"{CLIENTS_PAGE}/new", **client_fields(nowhere)).text
    assert "does not answer at the moment" in text
    assert "Save it although the issuer cannot be read now" in text
    assert "Type it once more: it is not kept." in text
    assert SECRET not in text
    assert 'value="cli_acme"' in text
    assert row_of(CLIENTS, key="second") is None
    assert (
        admin.post(f"{CLIENTS_PAGE}/new", **client_fields(nowhere), unread="on").status_code == 303
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"client_id": ""}, "The client ID must not be empty."),
        ({"key": "No Slug"}, "The short name must be a slug"),
        ({"client_secret": ""}, "Type the secret that the issuer shows for it."),
        ({"auth_method": "magic"}, "The way must be"),
        ({"auth_method": "none"}, "The secret a client with auth_method none has no secret."),
        ({"scopes": "email"}, 'The list of scopes must hold "openid"'),
        ({"auth_method": "private_key_jwt", "client_secret": ""}, "Paste a private key"),
        (
            {"auth_method": "private_key_jwt", "client_secret": "", "private_key": "no key"},
            "That is no private key",
        ),
        ({"key": "acme-main"}, "stands for another application already"),
    ],
)
def test_what_is_wrong_with_an_application_stands_beside_its_field(
    admin, provider, row_of, fields, words
):
    text = unescape(
        admin.post(f"{CLIENTS_PAGE}/new", **client_fields(provider.issuer, **fields)).text
    )
    assert words in text
    assert row_of(CLIENTS, key="second") is None


def test_a_secret_that_is_left_empty_is_kept(admin, services, row_of):
    fields = client_fields("https://idp.example", client_secret="", client_id="renamed")
    assert admin.post(CLIENT, **fields, seen=seen_of(admin.text(CLIENT))).status_code == 303
    row = row_of(CLIENTS, key="acme-main")
    assert row.client_id == "renamed"
    assert services.vault.open(row.secret) == "old-secret"


def test_a_stored_secret_is_never_sent_to_another_issuer(admin, services, provider, row_of):
    fields = client_fields(provider.issuer, client_secret="")
    text = admin.post(CLIENT, **fields, seen=seen_of(admin.text(CLIENT))).text
    assert "a stored one is never sent to another issuer" in text
    assert row_of(CLIENTS, key="acme-main").issuer == "https://idp.example"
    fields["client_secret"] = SECRET
    assert admin.post(CLIENT, **fields, seen=seen_of(admin.text(CLIENT))).status_code == 303
    assert services.vault.open(row_of(CLIENTS, key="acme-main").secret) == SECRET


def test_a_form_with_secrets_asks_for_the_password_before_it_is_filled_in(admin, clock):
    clock.forward(minutes=20)
    assert "Confirm it’s you" in admin.text(CLIENT)
    answered = admin.post(CLIENT, confirm_password="correct horse")
    assert (answered.status_code, answered.location) == (303, CLIENT)
    assert "Client secret" in admin.text(CLIENT)


def test_a_secret_typed_too_late_is_not_put_into_the_page(admin, clock, services, row_of):
    fields = client_fields("https://idp.example", seen=seen_of(admin.text(CLIENT)))
    clock.forward(minutes=20)
    asked = admin.post(CLIENT, **fields).text
    assert SECRET not in asked
    assert "you’ll be asked for it again" in asked
    del fields["client_secret"]
    back = admin.post(CLIENT, **fields, confirm_lost="yes", confirm_password="correct horse").text
    assert "Type the secret once more" in back
    assert 'value="cli_acme"' in back
    assert services.vault.open(row_of(CLIENTS, key="acme-main").secret) == "old-secret"


def test_an_application_in_use_cannot_be_removed(admin, services, world, row_of):
    admin.post(CLIENT, do="remove")
    assert "Connections still use it: Okta." in admin.text(CLIENT)
    with services.database.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(client_id=None))
    assert admin.post(CLIENT, do="remove").location == LIST
    assert row_of(CLIENTS, key="acme-main") is None


def test_a_connection_is_added_and_named_for_its_name(admin, row_of, trail):
    response = admin.post(NEW_WAY, **way_fields(name="Acmé Entra ID"))
    assert (response.status_code, response.location) == (303, f"{LIST}/acme-entra-id")
    row = row_of(CONNECTIONS, key="acme-entra-id")
    assert (row.name, row.enabled, row.new_users) == ("Acmé Entra ID", True, "refuse")
    assert row.roles == {"it-team": "admin", "everybody": "member"}
    assert row.require_claims == {"tenant_id": "66f0"}
    assert row.authorize_params == {"prompt": "login"}
    assert trail("registry:changed")[-1].object == "connection acme/acme-entra-id"
    second = admin.post(NEW_WAY, **way_fields(name="ACME entra id"))
    assert second.location == f"{LIST}/acme-entra-id-2"


def test_a_connection_comes_back_into_its_form_just_as_it_was_typed(admin):
    path = admin.post(NEW_WAY, **way_fields()).location
    text = unescape(admin.text(path))
    assert "it-team = admin\neverybody = member" in text
    assert '{"tenant_id": "66f0"}' in text
    same = admin.post(path, **way_fields(), seen=seen_of(admin.text(path)))
    assert same.status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "The name must not be empty."),
        ({"client": "globex-main"}, 'there is no client "globex-main" here'),
        ({"client": ""}, "Choose an application"),
        ({"roles": "admins"}, "Write one on each line, as name = value."),
        ({"roles": "a = boss"}, "Roles must be"),
        ({"role_claim": ""}, "Roles need a role_claim"),
        ({"require_claims": "[1]"}, "Write a JSON object"),
        ({"require_claims": "[" * 5000}, "Write a JSON object"),
        ({"authorize_params": "state = mine"}, "state: the portal sets this itself"),
    ],
)
def test_what_is_wrong_with_a_connection_stands_beside_its_field(admin, row_of, fields, words):
    text = (
        unescape(admin.post(NEW_WAY, **way_fields(name="New", **fields)).text)
        if ("name" not in fields)
        else unescape(admin.post(NEW_WAY, **way_fields(**fields)).text)
    )
    assert words in text
    assert row_of(CONNECTIONS, key="new") is None


def test_a_connection_is_switched_off_and_on_at_once(admin, services, world, row_of):
    admin.post(WAY, do="off")
    assert not row_of(CONNECTIONS, key="acme-okta").enabled
    bundle = services.registry.tenant("acme")
    assert not bundle.connection("acme-okta").usable
    assert "Switch on" in admin.text(WAY)
    admin.post(WAY, do="on")
    assert row_of(CONNECTIONS, key="acme-okta").enabled


def test_a_connection_that_a_domain_leads_to_cannot_be_removed(admin, services, row_of):
    admin.post(WAY, do="remove")
    assert "Domains still lead to it: acme.example." in admin.text(WAY)
    with services.database.transaction() as connection:
        connection.execute(DOMAIN_CONNECTIONS.delete())
        connection.execute(update(DOMAINS).values(policy="password"))
    assert admin.post(WAY, do="remove").location == LIST
    assert row_of(CONNECTIONS, key="acme-okta") is None


def test_the_second_of_two_who_edit_a_connection_is_told(admin, operator):
    seen = seen_of(admin.text(WAY))
    assert operator.post(WAY, **way_fields(name="Renamed"), seen=seen).status_code == 303
    told = admin.post(WAY, **way_fields(), seen=seen).text
    assert "changed this connection while you had it open" in told
    assert "Name: Okta → Renamed" in told


def test_switching_off_what_a_requirement_needs_is_asked_about(admin, services, row_of):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required"))
    asked = admin.post(WAY, do="off").text
    assert "SSO is required for acme.example." in asked
    assert row_of(CONNECTIONS, key="acme-okta").enabled
    assert admin.post(WAY, do="off", sure="yes").status_code == 303
    assert not row_of(CONNECTIONS, key="acme-okta").enabled


def test_connection_that_no_claim_keeps_apart_from_other_companies_is_marked(admin, services):
    words = "No claim binds this connection"
    assert words in admin.text(WAY)
    assert "globex" not in admin.text(WAY).lower()
    change(services, CONNECTIONS, require_claims={"tenant_id": "66f0"})
    assert words not in admin.text(WAY)
    change(services, CONNECTIONS, require_claims={})
    change(services, CLIENTS, client_id="acme-alone")
    assert words not in admin.text(WAY)


def change(services, table, **values):
    """Change what acme has, as every writer must: its version moves."""
    with services.database.transaction() as connection:
        acme = select(TENANTS.c.id).where(TENANTS.c.slug == "acme").scalar_subquery()
        connection.execute(update(table).where(table.c.tenant_id == acme).values(**values))
        change_tenant(connection, connection.execute(select(acme)).scalar_one())

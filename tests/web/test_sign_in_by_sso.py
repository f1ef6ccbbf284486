"""Signing in through a provider, with a real one in another process."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from freezegun import freeze_time
from sqlalchemy import delete, select, update

from portal.cli.demo_provider import ProviderControl
from portal.services import Services
from portal.store.tables import (
    AUDIT,
    CLIENTS,
    CONNECTIONS,
    DOMAINS,
    IDENTITIES,
    SESSIONS,
    SPENT,
    USERS,
)
from tests.builders import add_connection, add_domain, add_user, change_tenant
from tests.visitor import Visitor, error_of, query_of, refused_at_submit
from tests.web.conftest import PASSWORD, SECRET


def change(services: Services, statement) -> None:
    with services.database.transaction() as connection:
        connection.execute(statement)


def change_connection(services: Services, registry: SimpleNamespace, **values) -> None:
    with services.database.transaction() as connection:
        connection.execute(
            update(CONNECTIONS).where(CONNECTIONS.c.id == registry.okta).values(**values)
        )
        change_tenant(connection, registry.acme)


def test_address_leads_through_the_provider_to_the_dashboard(visitor: Visitor, registry):
    response = visitor.sign_in_by_sso("ann@acme.example")
    assert (response.status_code, response.location) == (303, "/dashboard")
    page = visitor.get("/dashboard").text
    for fact in ("ann@acme.example", "Acme Corporation", "Acme Okta"):
        assert fact in page


def test_authorization_request_carries_what_the_provider_needs(
    visitor: Visitor, registry, provider: ProviderControl
):
    location = visitor.submit("Ann@ACME.example").location
    assert location.startswith(provider.issuer)
    query = query_of(location)
    assert query["response_type"] == "code"
    assert query["client_id"] == "portal"
    assert query["redirect_uri"] == "http://localhost:5000/auth/callback/acme"
    assert query["scope"].split() == ["openid", "profile", "email"]
    assert query["login_hint"] == "Ann@acme.example"
    assert query["connection"] == "conn_1"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43
    assert len(query["nonce"]) >= 22
    assert "prompt" not in query


def test_each_attempt_has_its_own_state_nonce_and_challenge(visitor: Visitor, registry):
    first = query_of(visitor.submit("ann@acme.example").location)
    second = query_of(visitor.submit("ann@acme.example").location)
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_connection_adds_its_own_parameters(visitor, services, registry):
    change_connection(services, registry, authorize_params={"prompt": "login", "state": "mine"})
    query = query_of(visitor.submit("ann@acme.example").location)
    assert query["prompt"] == "login"
    assert query["state"] != "mine"


def test_password_typed_on_a_required_domain_is_not_looked_at(visitor, registry, services):
    response = visitor.submit("old@acme.example", PASSWORD)
    assert response.status_code == 302
    assert not visitor.is_signed_in
    assert PASSWORD not in response.location


def test_break_glass_user_signs_in_with_the_password(visitor: Visitor, registry):
    assert visitor.submit("it@acme.example", PASSWORD).status_code == 303


def test_break_glass_user_is_asked_for_the_password(visitor: Visitor, registry):
    assert "Enter your password" in visitor.submit("it@acme.example").text


def test_several_connections_lead_to_the_chooser(visitor, registry):
    page = visitor.submit("ann@globex.example")
    assert page.status_code == 200
    assert "Choose how to sign in" in page.text
    assert "Entra" in page.text
    assert "Ping" in page.text
    response = visitor.sign_in_by_sso("ann@globex.example", connection="ping")
    assert response.status_code == 303
    assert "Ping" in visitor.get("/dashboard").text


def test_tenant_page_has_a_button_for_each_connection(visitor, registry):
    page = visitor.get("/login/globex").text
    assert "Globex" in page
    assert "globex/entra" in page
    response = visitor.post("/auth/login", {"connection": "globex/entra", "next": "/dashboard?a=1"})
    assert "login_hint" not in query_of(response.location)


def test_unknown_tenant_page_is_a_404_of_our_own(visitor, registry):
    response = visitor.get("/login/nobody")
    assert response.status_code == 404
    assert "Reference" in response.text


def test_next_is_kept_through_the_provider(visitor, registry):
    response = visitor.sign_in_by_sso("ann@acme.example", next="/dashboard?tab=3")
    assert response.location == "/dashboard?tab=3"


def test_user_is_created_at_the_first_sign_in_and_found_by_subject_at_the_next(
    visitor, services, registry
):
    visitor.sign_in_by_sso("ann@acme.example")
    visitor.sign_in_by_sso("ann@acme.example")
    with services.database.read() as connection:
        users = connection.execute(
            select(USERS).where(USERS.c.email_key == "ann@acme.example")
        ).all()
        identities = connection.execute(select(IDENTITIES)).all()
    assert len(users) == 1
    assert users[0].tenant_id == registry.acme
    assert len(identities) == 1


def test_first_sign_in_links_to_the_tenants_user(visitor, services, registry):
    with services.database.transaction() as connection:
        user = add_user(connection, "ann@acme.example", registry.acme, role="admin")
    visitor.sign_in_by_sso("ann@acme.example")
    with services.database.read() as connection:
        identity = connection.execute(select(IDENTITIES)).one()
    assert identity.user_id == user
    assert "Admin" in visitor.get("/dashboard").text


def test_new_people_are_refused_where_the_connection_takes_none(visitor, services, registry):
    change_connection(services, registry, new_users="refuse")
    assert error_of(visitor.sign_in_by_sso("ann@acme.example")) == "email_not_allowed"
    assert not visitor.is_signed_in


def test_groups_give_a_role(visitor, services, registry):
    change_connection(services, registry, role_claim="groups", roles={"staff": "admin"})
    visitor.sign_in_by_sso("ann@acme.example")
    assert "Admin" in visitor.get("/dashboard").text


def test_group_that_is_gone_takes_its_role_along(visitor, services, registry, provider):
    change_connection(services, registry, role_claim="groups", roles={"staff": "admin"})
    visitor.sign_in_by_sso("ann@acme.example")
    provider.add_person("ann@acme.example", groups=[])
    visitor.sign_in_by_sso("ann@acme.example")
    assert "Member" in visitor.get("/dashboard").text
    provider.add_person("ann@acme.example", groups=["staff"])


@pytest.mark.parametrize(
    "auth_method", ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]
)
def test_every_client_authentication_method_works(
    visitor, services, registry, provider, auth_method
):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    change(
        services,
        update(CLIENTS)
        .where(CLIENTS.c.id == registry.client)
        .values(
            client_id="portal-proven",
            auth_method=auth_method,
            private_key=services.vault.seal(pem.decode()),
        ),
    )
    with services.database.transaction() as connection:
        change_tenant(connection, registry.acme)
    provider.add_client(
        client_id="portal-proven",
        client_secret=SECRET,
        auth_method=auth_method,
        redirect_uris=["http://localhost:5000/auth/callback/acme"],
        jwks=visitor.get("/.well-known/jwks.json").json,
    )
    assert visitor.sign_in_by_sso("ann@acme.example").status_code == 303
    form = provider.last("token")["form"]
    assert ("client_secret" in form) == (auth_method == "client_secret_post")
    assert len(form["code_verifier"]) >= 43


def test_public_keys_show_no_private_part(visitor, services, registry):
    test_every = {"d", "p", "q", "dp", "dq", "qi"}
    keys = visitor.get("/.well-known/jwks.json").json["keys"]
    assert all(not test_every & set(key) for key in keys)


def test_userinfo_is_asked_where_the_token_has_no_address(visitor, registry, provider):
    provider.lie("email_only_in_userinfo")
    assert visitor.sign_in_by_sso("ann@acme.example").status_code == 303
    assert provider.count("userinfo") == 1


def test_metadata_and_keys_are_fetched_once(visitor, registry, provider):
    provider.forget()
    for _ in range(3):
        visitor.sign_in_by_sso("ann@acme.example")
    assert provider.count("metadata") <= 1
    assert provider.count("jwks") <= 1


def test_state_is_spent_by_its_first_use(visitor, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    assert visitor.come_back(location).status_code == 303
    assert error_of(visitor.come_back(location)) == "state_mismatch"


def test_state_is_spent_even_when_the_first_use_fails(visitor, registry, provider):
    provider.lie("nonce_wrong")
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    assert error_of(visitor.come_back(location)) == "oidc_failed"
    provider.lie()
    assert error_of(visitor.come_back(location)) == "state_mismatch"


def test_state_belongs_to_the_browser_that_began(app, visitor, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    stranger = Visitor(app)
    assert error_of(stranger.come_back(location)) == "state_mismatch"
    assert not stranger.is_signed_in


def test_invented_states_write_nothing_to_the_list_of_spent_ones(visitor, services, registry):
    for state in ("x", "a" * 48, "", "\u00e9"):
        assert error_of(visitor.get(f"/auth/callback?state={state}&code=x")) == "state_mismatch"
    with services.database.read() as connection:
        assert connection.execute(select(SPENT)).all() == []


def test_attempt_lives_ten_minutes(app, registry):
    start = datetime.now(UTC)
    with freeze_time(start) as clock:
        visitor = Visitor(app)
        location = visitor.at_provider(visitor.submit("ann@acme.example"))
        clock.tick(timedelta(minutes=10, seconds=1))
        assert error_of(visitor.come_back(location)) == "state_mismatch"


def test_several_tabs_may_be_under_way_at_once(visitor, registry):
    tabs = [visitor.at_provider(visitor.submit("ann@acme.example")) for _ in range(4)]
    for location in reversed(tabs):
        assert visitor.come_back(location).status_code == 303


def test_tabs_beyond_many_drop_the_oldest_attempts(visitor, registry):
    tabs = [visitor.at_provider(visitor.submit("ann@acme.example")) for _ in range(12)]
    assert visitor.come_back(tabs[-1]).status_code == 303
    assert error_of(visitor.come_back(tabs[0])) == "state_mismatch"


def test_answer_at_another_tenants_address_is_refused(visitor, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    elsewhere = location.replace("/auth/callback/acme", "/auth/callback/globex")
    assert error_of(visitor.come_back(elsewhere)) == "oidc_failed"


def test_answer_at_the_default_clients_address_is_refused(visitor, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    elsewhere = location.replace("/auth/callback/acme", "/auth/callback")
    assert error_of(visitor.come_back(elsewhere)) == "oidc_failed"


def test_connection_switched_off_midway_is_refused(visitor, services, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    change_connection(services, registry, enabled=False)
    assert error_of(visitor.come_back(location)) == "sso_unavailable"


def test_tenant_suspended_midway_is_refused(visitor, services, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    with services.database.transaction() as connection:
        change_tenant(connection, registry.acme, status="suspended")
    assert error_of(visitor.come_back(location)) == "tenant_suspended"


def test_domain_moved_midway_is_refused(visitor, services, registry):
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    with services.database.transaction() as connection:
        connection.execute(
            update(DOMAINS)
            .where(DOMAINS.c.id == registry.acme_domain)
            .values(tenant_id=registry.globex)
        )
    assert error_of(visitor.come_back(location)) == "email_not_allowed"


def test_account_disabled_is_refused(visitor, services, registry):
    with services.database.transaction() as connection:
        add_user(connection, "ann@acme.example", registry.acme, disabled=True)
    assert error_of(visitor.sign_in_by_sso("ann@acme.example")) == "account_disabled"


def test_connection_switched_off_refuses_and_never_falls_back(visitor, services, registry):
    change_connection(services, registry, enabled=False)
    assert refused_at_submit(visitor.submit("old@acme.example", PASSWORD), "sso_unavailable")
    assert refused_at_submit(visitor.submit("old@acme.example", is_sso="true"), "sso_unavailable")
    assert "isn’t available" in visitor.submit("old@acme.example").text
    assert not visitor.is_signed_in


def test_address_of_another_tenants_account_is_refused(visitor, services, registry):
    with services.database.transaction() as connection:
        add_user(connection, "ann@acme.example", registry.globex)
    assert error_of(visitor.sign_in_by_sso("ann@acme.example")) == "email_not_allowed"


def test_operators_address_is_never_entered_by_a_provider(visitor, services, registry):
    with services.database.transaction() as connection:
        add_user(connection, "ann@acme.example", password_hash="x")
    response = visitor.sign_in_by_sso("ann@acme.example", is_sso="true")
    assert error_of(response) == "email_not_allowed"


def test_subject_that_took_over_an_address_does_not_take_the_account(
    visitor, services, registry, provider
):
    visitor.sign_in_by_sso("ann@acme.example")
    provider.add_person("ann@acme.example", sub="somebody-else")
    response = Visitor(visitor.client.application).sign_in_by_sso("ann@acme.example")
    provider.add_person("ann@acme.example", groups=["staff"])
    assert error_of(response) == "email_not_allowed"


def test_failure_page_bears_the_reference_of_the_trail_and_a_way_to_start_again(
    visitor, services, registry, provider
):
    provider.lie("answer_error_access_denied")
    location = visitor.at_provider(visitor.submit("ann@acme.example", next="/dashboard?x=9"))
    response = visitor.come_back(location)
    assert urlsplit(response.location).query == "error=access_denied"
    page = visitor.get(response.location).text
    with services.database.read() as connection:
        entry = connection.execute(select(AUDIT).where(AUDIT.c.outcome == "access_denied")).one()
    assert entry.reference in page
    assert 'value="ann@acme.example"' in page
    assert "/dashboard?x=9" in page


def test_unknown_error_code_shows_general_words_and_never_itself(visitor, registry):
    page = visitor.get("/login?error=<script>alert(1)</script>evil")
    assert page.status_code == 200
    assert "evil" not in page.text
    assert "Something went wrong" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=x",
        "state=a&state=b&code=c",
        "error=access_denied",
        "state=%00&code=%00",
        "state=" + "x" * 5000,
        "iss=https://evil.example&state=x&code=y",
    ],
)
def test_callback_with_missing_or_odd_parameters_ends_at_the_sign_in_page(visitor, registry, query):
    assert error_of(visitor.get(f"/auth/callback?{query}")) == "state_mismatch"
    assert error_of(visitor.get(f"/auth/callback/acme?{query}")) == "state_mismatch"
    assert error_of(visitor.get(f"/auth/callback/nobody?{query}")) == "state_mismatch"


def test_provider_that_is_down_is_named_so(visitor, services, registry):
    change(
        services,
        update(CLIENTS).where(CLIENTS.c.id == registry.client).values(issuer="http://127.0.0.1:9"),
    )
    with services.database.transaction() as connection:
        change_tenant(connection, registry.acme)
    assert refused_at_submit(visitor.submit("ann@acme.example"), "provider_unavailable")


def test_address_at_the_end_of_the_way_must_be_of_the_tenant(visitor, registry, provider):
    provider.set_options(auto_as="bob@stranger.example")
    response = visitor.sign_in_by_sso("ann@acme.example")
    provider.set_options(auto_as="")
    assert error_of(response) == "email_not_allowed"
    assert not visitor.is_signed_in


def test_another_verified_domain_of_the_tenant_is_fine(visitor, services, registry, provider):
    with services.database.transaction() as connection:
        add_domain(connection, registry.acme, "stranger.example", policy="password")
    provider.set_options(auto_as="bob@stranger.example")
    response = visitor.sign_in_by_sso("ann@acme.example")
    provider.set_options(auto_as="")
    assert response.status_code == 303


def test_sealed_secret_that_no_key_opens_makes_sso_unavailable(visitor, services, registry):
    from portal.crypto import Vault, new_key

    lost = Vault([new_key()]).seal("secret")
    change(services, update(CLIENTS).where(CLIENTS.c.id == registry.client).values(secret=lost))
    with services.database.transaction() as connection:
        change_tenant(connection, registry.acme)
    assert refused_at_submit(visitor.submit("ann@acme.example"), "sso_unavailable")


def test_no_secret_code_or_token_reaches_log_trail_or_page(
    visitor, services, registry, provider, capsys
):
    provider.lie("nonce_wrong")
    location = visitor.at_provider(visitor.submit("ann@acme.example"))
    page = visitor.get(visitor.come_back(location).location).text
    sent = provider.last("token")["form"]
    with services.database.read() as connection:
        trail = str(connection.execute(select(AUDIT)).all())
    seen = capsys.readouterr()
    everything = page + trail + seen.out + seen.err
    for secret in (SECRET, sent["code"], sent["code_verifier"], query_of(location)["state"]):
        assert secret not in everything


def test_session_row_holds_no_usable_token(visitor, services, registry):
    visitor.sign_in_by_sso("ann@acme.example")
    with services.database.read() as connection:
        row = connection.execute(select(SESSIONS)).one()
    assert visitor.session_token not in str(row)
    assert "eyJ" not in str(row)


def test_default_client_serves_connections_that_name_none(
    services, registry, provider, make_settings, cheap_passwords
):
    from portal.app import create_app
    from portal.services import build_services

    with services.database.transaction() as connection:
        connection.execute(delete(DOMAINS).where(DOMAINS.c.id == registry.acme_domain))
        plain = add_connection(connection, registry.acme, key="plain", name="Plain")
        add_domain(connection, registry.acme, connections=(plain,))
        change_tenant(connection, registry.acme)
    settings = make_settings(
        PORTAL_DATABASE_URL=services.settings.database_url,
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        SSOJET_ISSUER_URL=provider.issuer,
        SSOJET_CLIENT_ID="cli_default.client",
        SSOJET_CLIENT_SECRET="default-secret",
    )
    visitor = Visitor(create_app(build_services(settings, passwords=cheap_passwords)))
    response = visitor.submit("ann@acme.example")
    query = query_of(response.location)
    assert query["client_id"] == "cli_default.client"
    assert query["redirect_uri"] == "http://localhost:5000/auth/callback"
    assert visitor.come_back(visitor.at_provider(response)).status_code == 303


def test_answer_by_form_is_not_taken_and_spends_nothing(visitor, registry, provider):
    answer = query_of(visitor.at_provider(visitor.submit("ann@acme.example")))
    form = visitor.client.post("/auth/callback/acme", base_url=visitor.base, data=answer)
    assert form.status_code in {400, 405}
    assert not visitor.is_signed_in
    assert visitor.get("/auth/callback/acme", query_string=answer).status_code == 303

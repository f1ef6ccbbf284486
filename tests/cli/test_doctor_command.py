"""`portal doctor`: what it finds in the registry and at the issuers, and makes of it."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.crypto import new_key
from portal.store.tables import CLIENTS, CONNECTIONS, DOMAIN_PROOFS, DOMAINS
from tests.builders import NOW, add_client, add_connection, add_domain, add_tenant
from tests.cli.small_issuer import SECRET, failed, warned
from tests.databases import free_port
from tests.oidc.servers import Server, answer, routes

# --- when all is well


def test_a_sound_portal_is_told_so_in_one_line_a_check(portal, sound, issuer):
    ended = portal("doctor", PORTAL_ALLOW_LOCAL_ISSUERS="true")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert lines[-1] == "All is well."
    assert all(line.startswith("ok       ") for line in lines[:-1])
    names = [line.removeprefix("ok").strip().partition(": ")[0] for line in lines[:-1]]
    assert names == [
        "settings",
        "keys",
        "database",
        "migrations",
        "redis",
        "mail",
        "registry",
        "people",
        "break-glass",
        "domain proofs",
        "secrets",
        "default client",
        "shared clients",
        f"issuer {issuer.url}",
        "client acme/main",
    ]


def test_an_issuer_is_told_of_with_keys_clock_and_sign_out(look, sound, issuer):
    status, found = look()
    assert status == 0
    assert found[f"issuer {issuer.url}"]["detail"] == (
        "1 key; its clock is in step; offers sign-out, back-channel logout; no front-channel logout"
    )


def test_a_client_is_told_what_to_register(look, sound, issuer):
    _, found = look(PORTAL_BASE_URL="https://login.example")
    detail = found["client acme/main"]["detail"]
    for path in ("callback/acme (sign-in)", "logged-out", "backchannel-logout"):
        assert f"https://login.example/auth/{path}" in detail
    assert "frontchannel" not in detail


def test_each_issuer_is_asked_once_whatever_its_clients(look, sound, issuer, vault):
    with sound.transaction() as connection:
        for number in range(3):
            tenant = add_tenant(connection, f"t{number}")
            add_client(connection, tenant, issuer=issuer.url, secret=vault.seal(SECRET))
    _, found = look(SSOJET_ISSUER_URL=issuer.url, SSOJET_CLIENT_ID="default")
    assert issuer.times_asked() == 1
    assert {"client t0/main", "client t2/main", "client default"} <= set(found)


def test_issuers_are_asked_side_by_side(look, sound, vault):
    together = threading.Barrier(4, timeout=20)

    def wait(asked):
        together.wait()  # broken, and the request unanswered, unless four come at once
        return answer(status="404 Not Found")

    servers = [Server(routes(wait)) for _ in range(4)]
    with sound.transaction() as connection:
        for number, server in enumerate(servers):
            tenant = add_tenant(connection, f"t{number}")
            add_client(connection, tenant, issuer=server.url, secret=vault.seal(SECRET))
    _, found = look()
    for server in servers:
        assert found[f"issuer {server.url}"]["detail"] == "the provider answered 404"
        server.close()


# --- what keeps people out


def test_an_issuer_that_is_down_is_a_failure_where_people_are_sent_to_it(look, sound, issuer):
    issuer.server.close()
    status, found = look()
    assert status == 1
    assert failed(found) == [f"issuer {issuer.url}"]


def test_an_issuer_that_nobody_is_sent_to_is_a_warning(look, sound, vault):
    with sound.transaction() as connection:
        other = add_tenant(connection, "other")
        gone = f"http://127.0.0.1:{free_port()}"
        add_client(connection, other, issuer=gone, secret=vault.seal(SECRET))
    status, found = look()
    assert status == 0
    assert f"issuer {gone}" in warned(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metadata": {"issuer": "https://evil.example"}}, "another issuer"),
        ({"keys": []}, "no key"),
        ({"metadata": {"id_token_signing_alg_values_supported": ["HS256"]}}, "no algorithm"),
        ({"ahead": timedelta(minutes=5)}, "300 s ahead"),
    ],
)
def test_an_issuer_whose_tokens_would_be_refused_is_a_failure(look, sound, issuer, change, words):
    for name, value in change.items():
        setattr(issuer, name, value)
    status, found = look()
    assert status == 1
    assert words in found[f"issuer {issuer.url}"]["detail"].replace("299", "300")


def test_a_clock_that_is_behind_is_a_warning(look, sound, issuer):
    issuer.ahead = timedelta(minutes=-5)
    status, found = look()
    assert (status, warned(found)) == (0, [f"issuer {issuer.url}"])


def test_a_local_issuer_that_is_not_allowed_is_a_failure_with_its_mend(look, sound, issuer):
    status, found = look(PORTAL_ALLOW_LOCAL_ISSUERS="false")
    assert status == 1
    assert "PORTAL_ALLOW_LOCAL_ISSUERS" in found[f"issuer {issuer.url}"]["mend"]


def test_a_secret_that_no_key_opens_names_its_client(look, sound):
    status, found = look(PORTAL_ENCRYPTION_KEYS=new_key())
    assert status == 1
    assert failed(found) == ["client acme/main"]
    assert "PORTAL_ENCRYPTION_KEYS" in found["client acme/main"]["mend"]


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": None},
        {"auth_method": "private_key_jwt"},
        {"auth_method": "private_key_jwt", "private_key": "no PEM"},
    ],
)
def test_a_client_that_cannot_prove_itself_is_a_failure(look, sound, vault, changes):
    if "private_key" in changes:
        changes = {**changes, "private_key": vault.seal(changes["private_key"])}
    with sound.transaction() as connection:
        connection.execute(update(CLIENTS).values(**changes))
    assert failed(look()[1]) == ["client acme/main"]


def test_a_method_that_the_provider_does_not_offer_is_a_warning(look, sound, issuer):
    issuer.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert warned(look()[1]) == ["client acme/main"]


def test_connections_without_any_client_are_a_failure(look, sound):
    with sound.transaction() as connection:
        add_connection(connection, add_tenant(connection, "globex"))
    status, found = look()
    assert status == 1
    assert "globex" in found["default client"]["detail"]
    assert "SSOJET_CLIENT_ID" in found["default client"]["mend"]


# --- advice


def test_advice_on_the_registry_is_a_warning_and_status_0(look, sound, vault):
    with sound.transaction() as connection:
        connection.execute(update(CLIENTS).values(secret_ref=None))
        globex = add_tenant(connection, "globex")
        add_domain(connection, globex, "globex.example", policy="required")
        domain = add_domain(connection, globex, "lost.example", policy="password")
        proof = {"token": "t", "found": [], "next_check_at": NOW, "lost_since": NOW}
        connection.execute(DOMAIN_PROOFS.insert().values(domain_id=domain, **proof))
    status, found = look()
    assert status == 0
    assert warned(found) == ["break-glass", "domain proofs", "people", "secrets"]
    assert "globex" in found["break-glass"]["detail"]
    assert "globex" in found["people"]["detail"]
    assert "lost.example (globex) since 2026-11-23" in found["domain proofs"]["detail"]
    assert "acme/main" in found["secrets"]["detail"]


def test_tenants_that_share_a_client_without_a_claim_to_tell_them_by_are_a_warning(look, sound):
    with sound.transaction() as connection:
        pair = connection.execute(select(CLIENTS.c.issuer, CLIENTS.c.client_id)).one()
        globex = add_tenant(connection, "globex")
        own = {"issuer": pair[0], "client_id": pair[1], "auth_method": "none"}
        client = add_client(connection, globex, **own)
        theirs = add_connection(connection, globex, client_id=client)
    status, found = look()
    assert status == 0, "advice alone"
    assert "shared clients" in warned(found)
    assert "acme/okta, globex/okta" in found["shared clients"]["detail"]
    assert "require_claims" in found["shared clients"]["mend"]
    with sound.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(require_claims={"tenant_id": "t"}))
    assert "shared clients" not in warned(look()[1])
    with sound.transaction() as connection:
        off = {"require_claims": {}, "enabled": False}
        at = CONNECTIONS.c.id == theirs
        connection.execute(update(CONNECTIONS).values(require_claims={}))
        connection.execute(update(CONNECTIONS).where(at).values(**off))
    assert "shared clients" not in warned(look()[1])


def test_a_domain_that_is_no_more_proven_is_no_lost_proof(look, sound):
    with sound.transaction() as connection:
        (domain,) = connection.execute(DOMAINS.select()).all()
        proof = {"token": "t", "found": [], "next_check_at": NOW, "lost_since": NOW}
        connection.execute(DOMAIN_PROOFS.insert().values(domain_id=domain.id, **proof))
        connection.execute(update(DOMAINS).values(verified=False))
    assert warned(look()[1]) == []


def test_settings_that_are_odd_are_warnings(look, sound, tmp_path):
    kept = (tmp_path / "instance" / "encryption_key").read_text()
    status, found = look(
        PORTAL_ENV="production",
        PORTAL_SECRET_KEY="sixteen-letters-",
        PORTAL_ENCRYPTION_KEYS=f"{new_key()},{kept}",
        SSOJET_ISSUER_URL="https://idp.example",
        SSOJET_REDIRECT_URI="http://localhost:5000/callback",
    )
    assert status == 0
    assert warned(found) == ["SSOJET settings", "local issuers", "redirect URI", "secret key"]


def test_no_two_checks_share_a_name(portal, sound):
    ended = portal("doctor", "--json", SSOJET_ISSUER_URL="https://idp.example")
    names = [check["name"] for check in json.loads(ended.out)["checks"]]
    assert len(names) == len(set(names))

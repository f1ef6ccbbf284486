"""`portal doctor`: what it finds, what it makes of it, and that it gives nothing away."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy import update

from portal.crypto import Vault, new_key
from portal.settings import load_settings
from portal.store.tables import ClientRow, DomainProofRow, DomainRow
from tests.builders import (
    NOW,
    add_client,
    add_connection,
    add_domain,
    add_tenant,
    add_user,
)
from tests.core.token_drafts import public
from tests.databases import free_port
from tests.oidc.servers import Server, answer, routes

SECRET = "planted-secret"


class Issuer:
    """Publishes what a provider does; each test bends what it needs."""

    def __init__(self):
        self.metadata = {"end_session_endpoint": "end", "backchannel_logout_supported": True}
        self.keys = [public()]
        self.ahead = timedelta()
        self.server = Server(routes(self._answer))
        self.url = self.server.url

    def _answer(self, asked):
        if asked.path == "/jwks":
            return answer({"keys": self.keys})
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        document = {"issuer": self.url, **names, **self.metadata}
        for name, value in document.items():
            if name.endswith(("_endpoint", "_uri")):
                document[name] = f"{self.url}/{value}"
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return answer(document, headers=f"Date: {date}\r\n")

    def times_asked(self):
        return sum("openid-configuration" in asked.path for asked in self.server.asked)


@pytest.fixture
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.close()


@pytest.fixture
def vault(tmp_path):
    """The vault of the keys that the commands find in their instance folder."""
    settings = load_settings({"PORTAL_INSTANCE_DIR": str(tmp_path / "instance")}, folder=tmp_path)
    return Vault([key.get_secret_value() for key in settings.encryption_keys])


@pytest.fixture
def sound(registry, issuer, vault):
    """A registry that nothing is wrong with; give what tests change."""
    with registry.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(
            connection,
            acme,
            issuer=issuer.url,
            secret=vault.seal(SECRET),
            secret_ref="env:ACME",
            origin="seed",
        )
        okta = add_connection(connection, acme, client_id=client)
        add_domain(connection, acme, connections=(okta,), policy="required")
        add_user(
            connection,
            "it@acme.example",
            acme,
            role="admin",
            sso_exempt=True,
            password_hash="x",
        )
        add_user(connection, "ops@portal.example")
    return registry


@pytest.fixture
def look(portal):
    """Run the doctor on local issuers; give its findings by name, and its exit status."""

    def run(**environ):
        ended = portal("doctor", "--json", **{"PORTAL_ALLOW_LOCAL_ISSUERS": "true", **environ})
        assert SECRET not in ended.out + ended.err
        report = json.loads(ended.out)
        assert set(report) == {"state", "checks"}
        assert (ended.status == 1) is (report["state"] == "failure")
        for check in report["checks"]:
            assert list(check) == ["name", "state", "detail", "mend"]
            assert (check["mend"] is None) is (check["state"] == "ok")
        return ended.status, {check["name"]: check for check in report["checks"]}

    return run


def warned(found):
    return sorted(name for name, check in found.items() if check["state"] == "warning")


def failed(found):
    return sorted(name for name, check in found.items() if check["state"] == "failure")


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
        connection.execute(update(ClientRow).values(**changes))
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
        connection.execute(update(ClientRow).values(secret_ref=None))
        globex = add_tenant(connection, "globex")
        add_domain(connection, globex, "globex.example", policy="required")
        domain = add_domain(connection, globex, "lost.example", policy="password")
        proof = {"token": "t", "found": [], "next_check_at": NOW, "lost_since": NOW}
        connection.execute(DomainProofRow.__table__.insert().values(domain_id=domain, **proof))
    status, found = look()
    assert status == 0
    assert warned(found) == ["break-glass", "domain proofs", "people", "secrets"]
    assert "globex" in found["break-glass"]["detail"]
    assert "globex" in found["people"]["detail"]
    assert "lost.example (globex) since 2026-11-23" in found["domain proofs"]["detail"]
    assert "acme/main" in found["secrets"]["detail"]


def test_a_domain_that_is_no_more_proven_is_no_lost_proof(look, sound):
    with sound.transaction() as connection:
        (domain,) = connection.execute(DomainRow.__table__.select()).all()
        proof = {"token": "t", "found": [], "next_check_at": NOW, "lost_since": NOW}
        connection.execute(DomainProofRow.__table__.insert().values(domain_id=domain.id, **proof))
        connection.execute(update(DomainRow).values(verified=False))
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


# --- what stands around the portal


def test_redis_mail_and_dns_that_do_not_answer_are_warnings(look, sound):
    dead = free_port()
    status, found = look(
        PORTAL_REDIS_URL=f"redis://:{SECRET}@127.0.0.1:{dead}/0",
        PORTAL_MAIL_URL=f"smtp://u:{SECRET}@127.0.0.1:{dead}",
        PORTAL_DNS_SERVERS=f"127.0.0.1:{dead}",
    )
    assert status == 0
    assert warned(found) == [f"dns 127.0.0.1:{dead}", "mail", "redis"]


def test_redis_that_answers_is_fine(look, sound, redis_url):
    assert look(PORTAL_REDIS_URL=redis_url)[1]["redis"]["detail"] == "answers"


def test_a_mail_server_that_would_get_the_password_in_clear_is_a_warning(look, sound):
    listener = socket.create_server(("127.0.0.1", 0))

    def greet():
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220 mail.example\r\n")
            while line := peer.recv(1000):
                peer.sendall(
                    b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 mail.example\r\n"
                )

    threading.Thread(target=greet, daemon=True).start()
    port = listener.getsockname()[1]
    _, found = look(PORTAL_MAIL_URL=f"smtp://u:{SECRET}@127.0.0.1:{port}")
    listener.close()
    assert found["mail"]["state"] == "warning"
    assert "offers no TLS" in found["mail"]["detail"]


# --- when little works


def test_an_unmigrated_database_is_told_and_the_rest_is_still_looked_at(look, issuer):
    status, found = look(SSOJET_ISSUER_URL=issuer.url, SSOJET_CLIENT_ID="portal")
    assert status == 1
    assert failed(found) == ["migrations"]
    assert found["migrations"]["mend"] == "run `portal db upgrade`"
    assert found[f"issuer {issuer.url}"]["state"] == "ok"


@pytest.mark.parametrize(
    "url", [f"postgresql://u:{SECRET}@127.0.0.1:1/x?password={SECRET}", "sqlite:////no/such/x.db"]
)
def test_a_database_that_is_gone_is_told_without_its_password(look, url):
    status, found = look(PORTAL_DATABASE_URL=url)
    assert status == 1
    assert failed(found) == ["database"]


def test_settings_that_are_refused_are_failures_by_name(look):
    status, found = look(PORTAL_NOPE=SECRET)
    assert status == 1
    assert found["settings"]["detail"].startswith("PORTAL_NOPE is no setting")


def test_the_summary_counts(portal, sound, issuer):
    issuer.server.close()
    with sound.transaction() as connection:
        add_tenant(connection, "globex")
    ended = portal("doctor", PORTAL_ALLOW_LOCAL_ISSUERS="true")
    assert ended.status == 1
    assert ended.out.splitlines()[-1] == "1 failure and 1 warning."
    (line,) = [line for line in ended.out.splitlines() if line.startswith("failure")]
    assert " -> see that this machine reaches 127.0.0.1" in line

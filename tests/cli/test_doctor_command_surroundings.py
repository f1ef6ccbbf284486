"""`portal doctor`: database, Redis, mail and DNS, and what it says where little works."""

import socket
import threading

import pytest

from tests.builders import add_tenant
from tests.cli.small_issuer import SECRET, failed, warned
from tests.databases import free_port

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


def test_an_unmigrated_database_is_told_and_the_rest_is_still_looked_at(look, issuer, tmp_path):
    (tmp_path / "empty.db").touch()
    status, found = look(
        PORTAL_DATABASE_URL="sqlite:///empty.db",
        SSOJET_ISSUER_URL=issuer.url,
        SSOJET_CLIENT_ID="portal",
    )
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

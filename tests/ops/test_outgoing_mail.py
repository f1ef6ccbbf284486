"""Mail is written down with what it is about, and sent by one process, later, without haste."""

import sys
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from portal.crypto import Vault
from portal.flows.letters.outgoing_mail import KEPT, deliver_due, post
from portal.mail import Mail
from portal.services import build_services
from portal.store import outbox
from portal.store.engine import Database
from portal.store.rollout_tables import OUTBOX
from tests.builders import NOW
from tests.ops.mail_server import mail_server

MAIL = Mail("it@acme.example", "Hello", "A link that lets somebody in")


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    with mail_server() as server:
        yield server


@pytest.fixture
def services(make_settings, sqlite_database: Database, server, clock):
    settings = make_settings(
        PORTAL_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False),
        PORTAL_MAIL_URL=server.url,
    )
    built = build_services(settings, now=clock)
    yield built
    built.close()


def put(services, *mails):
    with services.database.transaction() as connection:
        post(services, connection, *(mails or (MAIL,)))


def waiting(services):
    with services.database.read() as connection:
        return connection.execute(select(OUTBOX)).all()


def test_a_mail_is_sent_once_and_then_gone(services, server):
    put(services)
    assert deliver_due(services) == 1
    assert deliver_due(services) == 0
    ((to, text),) = server.came
    assert to == "it@acme.example"
    assert "Subject: Hello" in text
    assert "A link that lets somebody in" in text
    assert waiting(services) == []


def test_a_mail_whose_transaction_is_rolled_back_is_never_sent(services, server):
    with services.database.transaction() as connection:
        post(services, connection, MAIL)
        connection.rollback()
    assert deliver_due(services) == 0
    assert server.came == []


def test_the_text_of_a_mail_is_sealed_at_rest(services):
    put(services)
    assert b"link" not in waiting(services)[0].content.token


def test_a_mail_that_nobody_takes_is_tried_ever_less_often_and_given_up(services, server, clock):
    server.refused.add(MAIL.to)
    put(services)
    waits = []
    while rows := waiting(services):
        assert deliver_due(services) == 0
        assert deliver_due(services) == 0
        due = rows[0].due_at
        if rows := waiting(services):
            waits.append(rows[0].due_at - due)
            clock.now = rows[0].due_at
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=2), timedelta(hours=1))
    assert clock.now - NOW >= KEPT


def test_a_mail_that_is_turned_away_keeps_no_other_back(services, server):
    server.refused.add("gone@acme.example")
    put(services, Mail("gone@acme.example", "a", "b"), MAIL)
    assert deliver_due(services) == 0
    assert deliver_due(services) == 1
    assert [to for to, _ in server.came] == [MAIL.to]


def test_a_dead_server_loses_no_mail(services, server, clock, monkeypatch):
    monkeypatch.setattr("portal.mail._SECONDS", 0.2)
    server.is_silent = True
    put(services)
    assert deliver_due(services) == 0
    server.is_silent = False
    assert deliver_due(services) == 0  # not due yet
    clock.now += timedelta(minutes=3)
    assert deliver_due(services) == 1


def test_a_mail_that_its_process_did_not_live_to_send_comes_up_again(services, server, clock):
    put(services)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.flows.letters.outgoing_mail.send", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            deliver_due(services)
    assert deliver_due(services) == 0
    clock.now += timedelta(minutes=3)
    assert deliver_due(services) == 1
    assert len(server.came) == 1


def test_a_mail_that_no_key_of_this_process_opens_waits_for_one_that_does(
    services, make_settings, server, clock
):
    put(services)
    stranger = build_services(
        make_settings(
            PORTAL_DATABASE_URL=services.settings.database_url,
            PORTAL_ENCRYPTION_KEYS="M" * 43 + "=",
        ),
        now=services.now,
    )
    assert deliver_due(stranger) == 0
    stranger.close()
    clock.now += timedelta(minutes=3)
    assert deliver_due(services) == 1


def test_of_two_processes_one_takes_a_mail(database: Database):
    with database.transaction() as connection:
        outbox.put(
            connection,
            [("a@b.example", "s", Vault([Fernet.generate_key().decode()]).seal("t"))],
            now=NOW,
        )
        (mail,) = outbox.due(connection, NOW, most=5)
    with database.transaction() as connection:
        assert outbox.take(connection, mail, again_at=NOW + timedelta(minutes=2))
        assert not outbox.take(connection, mail, again_at=NOW + timedelta(minutes=2))

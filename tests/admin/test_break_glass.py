"""A break-glass sign-in is noted, shown, audited and mailed; the mark bears its reason."""

from html import unescape

import pytest
from sqlalchemy import select, update

from portal.flows.letters.outgoing_mail import deliver_due
from portal.store import break_glass
from portal.store.rollout_tables import BREAK_GLASS, OUTBOX
from portal.store.tables import DOMAINS, USERS
from tests.admin.conftest import PASSWORD, seen_of
from tests.builders import NOW, add_tenant, add_user
from tests.visitor import Visitor

PERSON = "/admin/tenants/acme/people/{}"


@pytest.fixture
def visitor(app):
    return Visitor(app, "http://localhost")


@pytest.fixture
def glass(services, world):
    """SSO is required of everybody but for the admin of acme."""
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required", rollout=100))
        mine = USERS.c.id == world.acme.admin
        connection.execute(update(USERS).where(mine).values(sso_exempt=True))
        add_user(connection, "second@acme.example", world.acme.id, role="admin")
    return world.acme.admin


def get_in(visitor):
    assert visitor.submit("it@acme.example", PASSWORD).status_code == 303


def outbox(services):
    with services.database.read() as connection:
        return connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all()


def test_a_break_glass_sign_in_is_shown_audited_and_mailed_to_all_admins(
    services, glass, visitor, trail, sign_in
):
    get_in(visitor)
    assert trail("sign_in:password")[-1].detail == {"break_glass": True}
    waiting = outbox(services)
    assert [mail.recipient for mail in waiting] == ["it@acme.example", "second@acme.example"]
    text = services.vault.open(waiting[0].content)
    assert "it@acme.example signed in with a password at 12:00 UTC on 23 November 2026" in text
    admin = sign_in(glass)
    overview = admin.text("/admin/tenants/acme")
    assert "Break-glass used: it@acme.example" in overview
    page = " ".join(admin.text(PERSON.format(glass)).split())
    assert '<dt>Last used</dt><dd><time datetime="2026-11-23T12:00:00Z">' in page


def test_many_break_glass_sign_ins_are_one_mail_in_a_quarter_of_an_hour(
    services, glass, visitor, clock, trail
):
    for _ in range(5):
        get_in(visitor)
    assert len(outbox(services)) == 2
    assert len(trail("sign_in:password")) == 5
    clock.forward(minutes=15)
    get_in(visitor)
    assert len(outbox(services)) == 4


def test_a_dead_mail_server_keeps_no_break_glass_sign_in_waiting(
    services, glass, visitor, monkeypatch
):
    monkeypatch.setattr("portal.mail.send", lambda *_: pytest.fail("mail within the request"))
    monkeypatch.setattr("portal.mail._deliver", lambda *_: pytest.fail("mail within the request"))
    get_in(visitor)


@pytest.mark.parametrize("rollout", [0, 100])
def test_a_password_that_anybody_may_use_is_no_alarm(services, glass, visitor, trail, rollout):
    policy = "optional" if rollout else "required"
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy=policy, rollout=rollout))
    get_in(visitor)
    assert outbox(services) == []
    assert trail("sign_in:password")[-1].detail == {}


def test_an_operator_and_a_wrong_password_are_no_alarm(services, world, glass, visitor):
    assert visitor.submit("it@acme.example", "wrong").status_code == 200
    assert visitor.submit("ops@portal.example", PASSWORD).status_code == 303
    assert outbox(services) == []


def test_admins_of_other_companies_hear_nothing(services, world, glass, visitor):
    get_in(visitor)
    deliver_due(services)
    folder = services.settings.instance_dir / "mail"
    assert all("globex" not in file.read_text() for file in folder.iterdir())


def mark(browser, path, **fields):
    return browser.post(path, do="mark", seen=seen_of(browser.text(path)), **fields)


def test_a_mark_asks_for_its_reason_and_shows_it(services, world, admin, trail):
    path = PERSON.format(world.acme.member)
    assert "Say why" in mark(admin, path).text
    assert mark(admin, path, reason="On call at night").status_code == 303
    page = " ".join(unescape(admin.text(path)).split())
    assert "<dt>Reason</dt><dd>On call at night</dd>" in page
    assert "by it@acme.example" in page
    assert trail("registry:changed")[-1].detail["note"] == "On call at night"
    admin.post(path, do="unmark", seen=seen_of(admin.text(path)), sure="yes")
    assert "On call at night" not in admin.text(path)


def test_uses_are_those_of_one_company_and_of_late(database):
    with database.transaction() as connection:
        here = add_user(connection, "a@acme.example", add_tenant(connection, "acme"))
        there = add_user(connection, "b@globex.example", add_tenant(connection, "globex"))
        for person in (here, there):
            assert break_glass.note_use(connection, person, now=NOW)
            assert not break_glass.note_use(connection, person, now=NOW)
        tenant = connection.execute(select(USERS.c.tenant_id).where(USERS.c.id == here)).scalar()
        found = break_glass.uses(connection, tenant, since=NOW)
        assert [use.user_id for use in found] == [here]
        connection.execute(update(BREAK_GLASS).values(used_at=None))
        assert break_glass.uses(connection, tenant, since=NOW) == []

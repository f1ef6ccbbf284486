"""Invitations and links to a new password: mailed by an admin, used by the person, once."""

import re
import threading
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from sqlalchemy import select, update

from portal.flows.letters.outgoing_mail import deliver_due
from portal.mail import MailError, send
from portal.store.link_tables import LINKS
from portal.store.rollout_tables import OUTBOX
from portal.store.tables import DOMAINS, TENANTS, USERS
from tests.admin.conftest import PASSWORD

PEOPLE = "/admin/tenants/acme/people"
NEW = "seven purple kettles"


@pytest.fixture
def by_password(services):
    """Acme's domain signs in by password."""
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="password"))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))


def path_of(user_id):
    return f"{PEOPLE}/{user_id}"


def invite(admin, email="new@acme.example", **more):
    fields = {"email": email, "name": "Nia New", "role": "admin", "invite": "on", **more}
    return admin.post(f"{PEOPLE}/new", **fields)


def set_password(client, link, password=NEW):
    client.get(link)
    text = client.get("/welcome").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', text).group(1)
    return client.post("/welcome", data={"csrf_token": token, "new_password": password})


def sign_in_by_password(client, email, password):
    text = client.get("/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', text).group(1)
    data = {"csrf_token": token, "email": email, "password": password, "is_sso": "false"}
    return client.post("/auth/login", data=data)


def test_an_invited_person_sets_a_password_and_signs_in_with_the_role(
    admin, app, by_password, mails, link_in, row_of, trail
):
    response = invite(admin)
    assert response.status_code == 303
    [mail] = mails()
    assert mail["To"] == "new@acme.example"
    assert mail["Subject"] == "You are invited to Acme at localhost"
    text = mail.get_content()
    assert "It (it@acme.example) has made an account for you at Acme" in text
    assert "until 30 November 2026, 12:00 UTC" in text
    client = app.test_client()
    page = client.get(link_in(), follow_redirects=True)
    assert page.request.path == "/welcome"
    assert 'autocomplete="new-password"' in page.text
    assert 'value="new@acme.example"' in page.text
    assert "Your password is set" in set_password(client, link_in()).text
    assert sign_in_by_password(client, "new@acme.example", NEW).status_code == 303
    assert client.get("/admin/tenants/acme").status_code == 200
    events = [e.event for e in trail() if e.event.startswith("link:")]
    assert events == ["link:made", "link:mailed", "link:used"]
    own = trail("registry:changed")[-1]
    assert (own.actor, own.object) == ("new@acme.example", "user acme/new@acme.example")


def test_where_the_domain_has_sso_the_link_leads_to_the_sign_in_page(admin, app, link_in, row_of):
    invite(admin)
    client = app.test_client()
    page = client.get(link_in(), follow_redirects=True)
    assert page.request.path == "/login"
    assert 'value="new@acme.example"' in page.text
    row = row_of(USERS, email_key="new@acme.example")
    assert (row.role, row.password_hash) == ("admin", None)
    assert row_of(LINKS, user_id=row.id).used_at is None


def test_break_glass_people_set_a_password_although_the_domain_has_sso(
    admin, app, services, world, link_in
):
    admin.post(path_of(world.acme.member), do="mark", reason="on call")
    admin.post(path_of(world.acme.member), do="invite")
    client = app.test_client()
    assert "Your password is set" in set_password(client, link_in()).text
    assert sign_in_by_password(client, "ann@acme.example", NEW).status_code == 303


def test_opening_spends_nothing_and_the_second_button_is_told_so(admin, app, by_password, link_in):
    invite(admin)
    for _ in range(3):
        assert app.test_client().get(link_in(), follow_redirects=True).status_code == 200
    assert set_password(app.test_client(), link_in()).status_code == 200
    late = app.test_client().get(link_in(), follow_redirects=True)
    assert late.status_code == 410
    assert "This link has been used" in late.text
    assert "/login?email=new%40acme.example" in late.text


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_two_who_press_the_button_at_once_do_not_both_set_a_password(
    admin, services, by_password, link_in, row_of
):
    from concurrent.futures import ThreadPoolExecutor

    from pydantic import SecretStr

    from portal.flows.editing.invitations import Closed, PasswordSet, set_own_password
    from portal.flows.outcomes import Visitor

    invite(admin)
    token = link_in().removeprefix("/welcome/")
    words = (f"{NEW} one", f"{NEW} two")
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda w: set_own_password(services, token, SecretStr(w), Visitor()), words)
        )
    assert sorted(type(one).__name__ for one in found) == [Closed.__name__, PasswordSet.__name__]
    winner = next(w for w, one in zip(words, found, strict=True) if isinstance(one, PasswordSet))
    stored = row_of(USERS, email_key="new@acme.example").password_hash
    assert services.passwords.verify(stored, winner)


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (lambda w: w.clock.forward(days=7), 410, "This link has expired"),
        (lambda w: w.admin.post(path_of(w.number), do="take_back"), 410, "was taken back"),
        (lambda w: w.admin.post(path_of(w.number), do="invite"), 410, "was taken back"),
        (lambda w: w.admin.post(path_of(w.number), do="disable"), 410, "was taken back"),
        (lambda w: w.write(USERS, disabled=True), 403, "is switched off"),
        (lambda w: w.write(TENANTS, status="suspended"), 403, "access is suspended"),
        (lambda w: w.write(LINKS, token_hash="x"), 404, "not known here"),
    ],
    ids=[
        "expired",
        "taken back",
        "a newer one",
        "switched off",
        "off",
        "company suspended",
        "unknown",
    ],
)
def test_a_link_that_does_not_count_says_why_and_where_to_go(
    admin, app, services, clock, by_password, link_in, row_of, spoil, status, words
):
    from types import SimpleNamespace

    def write(table, **values):
        with services.database.transaction() as connection:
            connection.execute(update(table).values(**values))
            connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))

    invite(admin)
    link, number = link_in(), row_of(USERS, email_key="new@acme.example").id
    spoil(SimpleNamespace(clock=clock, admin=admin, number=number, write=write))
    client = app.test_client()
    page = client.get(link, follow_redirects=True)
    assert (page.status_code, words in page.text) == (status, True)
    assert 'href="/login' in page.text
    assert row_of(USERS, email_key="new@acme.example").password_hash is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("too short", "at least 15 characters"),
        ("abcdefghijklmnopqrst", "everybody tries first"),
        ("aaaaaaaabbbbbbbb", "everybody tries first"),
        ("new@acme.example", "too close to your name"),
        ("passwordpassword", "too close to your name"),
        ("x" * 1025, "too long"),
    ],
)
def test_a_password_that_is_no_good_is_told_beside_its_field_and_spends_nothing(
    admin, app, by_password, link_in, password, words
):
    invite(admin)
    client = app.test_client()
    page = set_password(client, link_in(), password)
    assert words in page.text
    assert 'aria-invalid="true"' in page.text
    assert password not in page.text or password == "new@acme.example"
    assert "Your password is set" in set_password(client, link_in()).text


@pytest.mark.parametrize("path", ["/welcome", "/welcome/invented", "/welcome/" + "x" * 300])
def test_an_invented_link_opens_nothing(app, world, path):
    page = app.test_client().get(path, follow_redirects=True)
    assert (page.status_code, "not known here" in page.text) == (404, True)


def test_a_form_without_its_token_comes_back_and_spends_nothing(admin, app, by_password, link_in):
    invite(admin)
    client = app.test_client()
    client.get(link_in())
    stale = client.post("/welcome", data={"new_password": NEW})
    assert (stale.status_code, "Nothing was saved" in stale.text) == (400, True)
    foreign = client.post(
        "/welcome", data={"new_password": NEW}, headers={"Origin": "https://evil.example"}
    )
    assert (foreign.status_code, "new@acme.example" in foreign.text) == (400, False)
    assert "Your password is set" in set_password(client, link_in()).text


def test_a_new_password_by_link_ends_sessions_and_other_links(
    admin, app, services, world, sign_in, by_password, mails, link_in, row_of
):
    it = sign_in(world.acme.admin)
    admin.post(path_of(world.acme.admin), do="send_password_link")
    first = link_in()
    assert mails()[-1]["Subject"] == "Set a new password for Acme at localhost"
    admin.post(path_of(world.acme.admin), do="send_password_link")
    assert app.test_client().get(first, follow_redirects=True).status_code == 410
    assert "Your password is set" in set_password(app.test_client(), link_in()).text
    assert it.get("/dashboard").status_code == 302
    assert admin.get("/dashboard").status_code == 302
    stored = row_of(USERS, id=world.acme.admin).password_hash
    assert services.passwords.verify(stored, NEW)
    assert not services.passwords.verify(stored, PASSWORD)


def test_a_password_that_an_admin_sets_ends_open_links_and_all_but_their_own_session(
    admin, app, world, sign_in, by_password, link_in
):
    elsewhere = sign_in(world.acme.admin)
    admin.post(path_of(world.acme.admin), do="send_password_link")
    admin.post(path_of(world.acme.admin), do="password", new_password=NEW)
    assert app.test_client().get(link_in(), follow_redirects=True).status_code == 410
    assert admin.get("/dashboard").status_code == 200
    assert elsewhere.get("/dashboard").status_code == 302


def test_the_link_is_kept_as_its_hash_and_reaches_neither_log_nor_trail_nor_page(
    admin, app, services, by_password, link_in, trail, caplog, capsys
):
    said = invite(admin)
    token = link_in().removeprefix("/welcome/")
    opened = app.test_client().get(link_in())
    assert (opened.status_code, opened.location) == (303, "/welcome")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = set_password(app.test_client(), link_in())
    with services.database.read() as connection:
        [row] = connection.execute(select(LINKS)).all()
    told = [str(row), page.text, admin.text(said.location), caplog.text, *capsys.readouterr()]
    told += [f"{entry.object} {entry.detail}" for entry in trail()]
    assert token not in "".join(told)
    assert NEW not in "".join(told)


def test_a_mail_that_fails_loses_nothing_and_is_sent_again(
    admin, by_password, monkeypatch, mails, row_of
):
    def broken(settings, mail):
        raise MailError("smtp.example:25 does not take the mail")

    with monkeypatch.context() as patched:
        patched.setattr("portal.flows.letters.outgoing_mail.send", broken)
        response = invite(admin)
        assert "The invitation was not sent to new@acme.example." in admin.text(response.location)
    text = admin.text(response.location)
    assert "The invitation was not sent" in text
    assert row_of(USERS, email_key="new@acme.example").role == "admin"
    assert mails() == []
    admin.post(response.location, do="invite")
    assert [mail["To"] for mail in mails()] == ["new@acme.example"]


@pytest.fixture
def slow_server(monkeypatch):
    """A mail server that says nothing until it is let go, or says no then."""
    server = SimpleNamespace(let_go=threading.Event(), answer=send)

    def sending(settings, mail):
        server.let_go.wait(20)
        server.answer(settings, mail)

    monkeypatch.setattr("portal.flows.letters.outgoing_mail.send", sending)
    monkeypatch.setattr("portal.flows.letters.outgoing_mail._PATIENCE", 0.1)
    yield server
    server.let_go.set()


def let_go(server):
    server.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()


def test_a_slow_mail_server_keeps_nobody_waiting_and_the_page_says_how_it_stands(
    admin, by_password, services, slow_server, mails, row_of, clock, trail
):
    response = invite(admin)
    text = admin.text(response.location)
    assert "The invitation for new@acme.example waits." in text
    assert "The invitation is on its way" in text
    assert "was not sent" not in text
    assert (mails(), trail("link:mailed")) == ([], [])
    let_go(slow_server)
    assert [mail["To"] for mail in mails()] == ["new@acme.example"]
    assert "The invitation from it@acme.example is open until" in admin.text(response.location)
    [told] = trail("link:mailed")
    assert (told.actor, told.outcome) == ("it@acme.example", "success")
    clock.forward(minutes=5)
    assert deliver_due(services) == 0


def test_a_mail_that_a_slow_server_refuses_at_last_is_tried_again_by_itself(
    admin, by_password, services, slow_server, mails, clock
):
    def refuse(settings, mail):
        raise MailError("smtp.example:25 does not take the mail")

    slow_server.answer = refuse
    path = invite(admin).location
    let_go(slow_server)
    assert "The invitation is on its way" in admin.text(path)
    slow_server.answer = send
    assert deliver_due(services) == 0
    clock.forward(minutes=3)
    assert deliver_due(services) == 1
    assert "The invitation from it@acme.example is open until" in admin.text(path)


def test_the_mail_of_a_link_that_was_taken_back_meanwhile_is_left_unsent(
    admin, by_password, services, slow_server, mails, clock, row_of
):
    slow_server.answer = Mock(side_effect=MailError("smtp.example:25 does not take the mail"))
    path = invite(admin).location
    let_go(slow_server)
    slow_server.answer = send
    admin.post(path, do="take_back")
    clock.forward(minutes=3)
    deliver_due(services)
    assert mails() == []
    assert row_of(OUTBOX) is None


def test_a_link_waits_sealed_beside_its_mail(admin, by_password, slow_server, row_of, link_in):
    invite(admin)
    sealed = row_of(OUTBOX).content.token
    let_go(slow_server)
    assert link_in().removeprefix("/welcome/").encode() not in sealed


def test_operators_read_where_mail_goes_without_a_server(operator, admin, services, by_password):
    aside = f"mail stays in {services.settings.instance_dir / 'mail'}"
    assert aside in operator.text(invite(operator).location)
    assert aside not in admin.text(invite(admin, email="two@acme.example").location)


def test_mails_to_one_address_are_bounded_by_the_day(admin, clock, world, mails):
    path = path_of(world.acme.member)
    for _ in range(6):
        admin.post(path, do="invite")
    assert len(mails()) == 5
    assert "has had 5 mails from here in 24 hours" in admin.text(path)
    invite(admin)
    assert len(mails()) == 6


def test_mails_of_one_company_are_bounded_by_the_day(admin, world, mails, monkeypatch):
    monkeypatch.setattr("portal.flows.letters.link_mail.OF_TENANT", 2)
    for number in range(3):
        response = invite(admin, email=f"new{number}@acme.example")
    assert len(mails()) == 2
    assert "Go on tomorrow" in admin.text(response.location)


def test_a_form_sent_twice_mails_once(admin, mails):
    for _ in range(2):
        assert invite(admin).status_code == 303
    assert len(mails()) == 1


def test_without_the_box_nobody_gets_a_mail(admin, mails):
    assert invite(admin, invite="").status_code == 303
    assert mails() == []


def test_an_address_with_odd_letters_gets_its_mail(admin, mails):
    assert invite(
        admin, email="jörg@acme.example", name="Jörg\u202e", role="member"
    ).status_code in {
        200,
        303,
    }
    invite(admin, email="jörg@acme.example", name="Jörg Ö", role="member")
    assert str(mails()[-1]["To"]) == "jörg@acme.example"

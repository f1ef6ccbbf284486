"""Set-up links: made by an admin, used by somebody without an account, for a few steps alone."""

import re
import threading
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select, update

from portal.app import create_app
from portal.core.changes import Item, Kind
from portal.flows.editing.setup_rules import rule_for
from portal.flows.editing.setup_session import Guest, guest_of
from portal.flows.sweep import sweep
from portal.services import build_services
from portal.store import schema
from portal.store.link_tables import LINKS
from portal.store.tables import (
    CLIENTS,
    CONNECTIONS,
    DOMAINS,
    SESSIONS,
    TENANTS,
    USERS,
)
from portal.store.tenant_items import TenantRef
from tests.admin.conftest import Browser, seen_of
from tests.admin.test_way_in import Names

LINKS_PAGE = "/admin/tenants/acme/setup-links"
FIELDS = {"for_whom": "Jane Doe", "days": "7", "may": ["domains", "connection", "optional"]}
COOKIE = "portal_setup"


def made(admin, path=LINKS_PAGE, **fields):
    """Make a link and give its path, as the page shows it this once."""
    text = admin.post(path, **{**FIELDS, **fields}).text
    return urlsplit(re.search(r'id="setup-link">([^<]+)<', text).group(1)).path


@pytest.fixture
def guest(app, admin):
    """Somebody who has opened a set-up link of acme and pressed its button."""
    return started(app, made(admin))


def started(app, link):
    browser = Browser(app.test_client())
    browser.get(link)
    response = browser.post("/setup/start")
    assert (response.status_code, response.location) == (303, "/setup/")
    return browser


def test_the_link_is_shown_once_and_opening_it_spends_nothing(app, admin, row_of, trail):
    link = made(admin)
    assert link.removeprefix("/setup/link/") not in admin.text(LINKS_PAGE)
    for _ in range(2):
        page = app.test_client().get(link, follow_redirects=True)
        assert page.request.path == "/setup/start"
        assert "it@acme.example asks you to do this" in page.text
        assert "Start the set-up" in page.text
    assert row_of(LINKS, for_whom="Jane Doe").used_at is None
    started(app, link)
    assert row_of(LINKS, for_whom="Jane Doe").used_at is not None
    assert [e.event for e in trail()] == ["link:made", "link:used"]
    assert "Under way" in admin.text(LINKS_PAGE)


def test_a_second_click_in_the_same_browser_goes_on_and_in_another_is_told(app, admin):
    link = made(admin)
    first, second = Browser(app.test_client()), Browser(app.test_client())
    first.get(link)
    text = first.text("/setup/start")
    token = re.search(r'name="csrf_token" value="([^"]+)"', text).group(1)
    for _ in range(2):
        first.client.set_cookie("portal_setup_link", link.removeprefix("/setup/link/"))
        again = first.client.post("/setup/start", data={"csrf_token": token})
        assert (again.status_code, again.location) == (303, "/setup/")
    assert first.client.get(link, follow_redirects=True).request.path == "/setup/"
    late = second.client.get(link, follow_redirects=True)
    assert (late.status_code, "This link has been used" in late.text) == (410, True)
    assert "Ask it@acme.example for another one." in late.text


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_of_two_browsers_that_press_at_once_one_is_in(services, admin):
    from concurrent.futures import ThreadPoolExecutor

    from portal.flows.editing.setup_session import start
    from portal.flows.outcomes import Visitor

    token = made(admin).removeprefix("/setup/link/")
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda n: start(services, token, f"browser {n}", Visitor()), range(4))
    assert sorted(type(one).__name__ for one in found) == [*["Closed"] * 3, "Started"]


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (lambda w: w["clock"].forward(days=7), 410, "This link has expired"),
        (lambda w: w["admin"].post(LINKS_PAGE, do="take_back", link="1"), 410, "was taken back"),
        (lambda w: w["write"](TENANTS, status="suspended"), 403, "access is suspended"),
        (lambda w: w["write"](LINKS, token_hash="x"), 404, "not known here"),
    ],
    ids=["expired", "taken back", "suspended", "unknown"],
)
def test_a_link_that_does_not_count_says_why(app, admin, clock, write, spoil, status, words):
    link = made(admin)
    spoil({"clock": clock, "admin": admin, "write": write})
    page = app.test_client().get(link, follow_redirects=True)
    assert (page.status_code, words in page.text) == (status, True)


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (lambda w: w["clock"].forward(hours=8), 410, "Your set-up session is over"),
        (lambda w: w["admin"].post(LINKS_PAGE, do="take_back", link="1"), 410, "was taken back"),
        (lambda w: w["write"](TENANTS, status="suspended"), 403, "access is suspended"),
    ],
    ids=["eight hours", "taken back", "suspended"],
)
def test_a_session_ends_at_once_and_says_why(guest, admin, clock, write, spoil, status, words):
    assert guest.get("/setup/domains").status_code == 200
    spoil({"clock": clock, "admin": admin, "write": write})
    for path in ("/setup/", "/setup/domains", "/setup/clients/new"):
        page = guest.get(path)
        assert (page.status_code, words in page.text) == (status, True)


@pytest.fixture
def write(services):
    def write(table, **values):
        with services.database.transaction() as connection:
            connection.execute(update(table).values(**values))
            connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))

    return write


def filled(rule, ids, tenant):
    values = {name: getattr(Names(ids), name, "x") for name in rule.arguments - {"tenant"}}
    return rule.build({**values, **({"tenant": tenant} if "tenant" in rule.arguments else {})})[1]


def test_a_set_up_session_opens_its_steps_and_nothing_else(app, world, guest):
    """Every route and method: 404, or just what somebody who is nobody gets."""
    opened = set()
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods):
            path = filled(rule, world.acme, "acme")
            if rule.endpoint.startswith("setup."):
                if method == "GET" and guest.get(path).status_code == 200:
                    opened.add(rule.rule)
                continue
            mine = guest.client.open(path, method=method)
            if rule.endpoint.startswith("admin."):
                assert mine.status_code == 404, (method, path)
                continue
            theirs = app.test_client().open(path, method=method)
            assert mine.status_code == theirs.status_code, (method, path)
            assert mine.headers.get("Location") == theirs.headers.get("Location"), (method, path)
    assert opened == {
        "/setup/",
        "/setup/domains",
        "/setup/domains/new",
        "/setup/domains/<name>",
        "/setup/connections",
        "/setup/connections/new",
        "/setup/connections/<connection>",
        "/setup/clients/new",
        "/setup/clients/<client>",
        "/setup/finish",
    }


def test_objects_of_another_company_are_not_there_in_a_set_up_session(app, world, guest):
    tried = 0
    for rule in app.url_map.iter_rules():
        objects = rule.arguments & {"name", "connection", "client"}
        if rule.endpoint.startswith("setup.") and objects:
            for method in ("GET", "POST"):
                if method in rule.methods:
                    path = filled(rule, world.globex, "globex")
                    response = guest.post(path, page="/setup/connections/new", do="save")
                    assert guest.get(path).status_code == 404, path
                    assert response.status_code in {404, 405}, path
                    tried += 1
    assert tried >= 6


def test_without_a_set_up_session_its_pages_are_not_there(app, world, admin):
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("setup.") and rule.endpoint != "setup.opened":
            path = filled(rule, world.acme, "acme")
            assert app.test_client().get(path).status_code == 404, path
            assert admin.get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("may", "there", "not_there"),
    [
        ("domains", "/setup/domains/new", "/setup/connections"),
        ("connection", "/setup/connections/new", "/setup/domains"),
    ],
)
def test_a_step_that_the_link_lacks_is_not_there(app, admin, may, there, not_there):
    guest = started(app, made(admin, may=[may]))
    assert guest.get(there).status_code == 200
    assert guest.get(not_there).status_code == 404
    assert not_there not in guest.text("/setup/")


@pytest.mark.parametrize(
    ("path", "do"),
    [
        ("/setup/domains/acme.example", "vouch"),
        ("/setup/domains/acme.example", "save"),
        ("/setup/domains/acme.example", "undo"),
        ("/setup/connections/acme-okta", "off"),
        ("/setup/connections/acme-okta", "remove"),
        ("/setup/clients/acme-main", "remove"),
        ("/setup/clients/acme-main", "take-back"),
        ("/setup/clients/acme-main", "drop-old"),
    ],
)
def test_buttons_of_an_admin_do_nothing_in_a_set_up_session(guest, row_of, path, do, write):
    write(DOMAINS, verified=False)
    fields = {"policy": "required", "connections": "acme-okta", "rollout": "100", "do": do}
    assert guest.post(path, **fields).status_code == 404
    domain = row_of(DOMAINS, name="acme.example")
    assert (domain.policy, domain.verified) == ("optional", False)
    assert row_of(CONNECTIONS, key="acme-okta").enabled


def test_the_rule_holds_whatever_a_page_would_let_through(services, world, guest):
    token = guest.client.get_cookie(COOKIE).value
    found = guest_of(services, token)
    assert isinstance(found, Guest)
    rule = rule_for(services, found.link)
    acme, globex = TenantRef(world.acme.id, "acme"), TenantRef(world.globex.id, "globex")
    domain = Item(
        Kind.DOMAIN,
        "acme",
        "acme.example",
        {"verified": True, "policy": "password", "connections": (), "rollout": 100},
    )
    ways = ("acme-okta",)
    wrong = [
        (acme, domain, {"policy": "required"}),
        (acme, domain, {"policy": "required", "connections": ways}),
        (acme, domain, {"policy": "optional", "connections": ways, "rollout": 5}),
        (acme, domain, {"policy": "optional", "connections": ways}),  # no test has passed
        (acme, None, {"policy": "required", "verified": False}),
        (globex, None, {"policy": "password", "verified": False}),
    ]
    with services.database.read() as connection:
        for tenant, before, fields in wrong:
            wanted = Item(Kind.DOMAIN, tenant.slug, "acme.example", fields)
            assert rule(connection, tenant, before, wanted), fields
        for kind in (Kind.TENANT, Kind.USER, Kind.OPERATOR):
            assert rule(connection, acme, None, Item(kind, "acme", "x", {"role": "admin"})), kind
        for more in ({"enabled": True}, {"enabled": False, "roles": {"all": "admin"}}):
            way = Item(Kind.CONNECTION, "acme", "new", {"name": "N", **more})
            assert rule(connection, acme, None, way), more
        switched = Item(Kind.CONNECTION, "acme", "new", {"enabled": True})
        assert rule(connection, acme, None, switched)


def test_what_people_sign_in_through_is_not_changed_by_a_set_up_session(guest, row_of):
    way = guest.post(
        "/setup/connections/acme-okta",
        name="Mine",
        client="acme-main",
        email_verified="unless_false",
        new_users="create",
        seen="{}",
    )
    assert "only an admin may change it" in way.text
    client = guest.post(
        "/setup/clients/acme-main",
        issuer="https://evil.example",
        client_id="x",
        auth_method="none",
        scopes="openid",
        unread="on",
        seen=seen_of(guest.text("/setup/clients/acme-main")),
    )
    assert "only an admin may change it" in client.text
    assert row_of(CONNECTIONS, key="acme-okta").name != "Mine"
    assert row_of(CLIENTS, key="acme-main").issuer == "https://idp.example"


def test_a_connection_of_a_set_up_session_lets_nobody_in_until_it_is_switched_on(
    app, admin, guest, row_of
):
    """Each that is on has a button at `/login/acme`, and its provider vouches for people."""
    fields = {"name": "Mine", "client": "acme-main", "email_verified": "unless_false"}
    assert guest.post("/setup/connections/new", **fields, new_users="create").status_code == 303
    assert not row_of(CONNECTIONS, key="mine").enabled
    assert "Mine" not in app.test_client().get("/login/acme").text
    path = "/setup/connections/mine"
    again = {**fields, "name": "Mine too", "new_users": "create", "enabled": "on"}
    guest.post(path, **again, seen=seen_of(guest.text(path)))
    row = row_of(CONNECTIONS, key="mine")
    assert (row.name, row.enabled) == ("Mine too", False)
    admin.post("/admin/tenants/acme/connections/mine", do="on")
    assert row_of(CONNECTIONS, key="mine").enabled
    guest.post(path, **again, seen="{}")
    assert "only an admin may change it" in guest.text(path)


def test_no_group_makes_an_admin_by_way_of_a_set_up_link(guest, row_of):
    path = "/setup/connections/new"
    assert "Roles by group" not in guest.text(path)
    fields = {"name": "Mine", "client": "acme-main", "email_verified": "unless_false"}
    fields |= {"new_users": "create", "role_claim": "groups", "roles": "everyone = admin"}
    assert "for an admin to say" in guest.post(path, **fields).text
    assert row_of(CONNECTIONS, name="Mine") is None


@pytest.fixture
def true_time(services, clock):
    """The provider has the true time, so the portal must have it too."""
    clock.now = datetime.now(UTC)


def test_somebody_without_an_account_goes_all_the_way(
    app,
    services,
    world,
    clock,
    true_time,
    admin_now,
    dns,
    provider,
    row_of,
    trail,
):
    with services.database.read() as connection:
        people = connection.execute(select(func.count()).select_from(USERS)).scalar_one()
        sessions = connection.execute(select(func.count()).select_from(SESSIONS)).scalar_one()
    guest = started(app, made(admin_now))
    claimed = guest.post("/setup/domains/new", domain="fresh.example")
    assert claimed.location == "/setup/domains/fresh.example"
    record, value = re.findall(
        r'<code id="record-(?:name|value)">([^<]+)', guest.text(claimed.location)
    )
    checked = guest.post(claimed.location, do="check")
    assert "DNS does not know fresh.example" in guest.text(checked.location)
    dns.records[record] = [value]
    guest.post(claimed.location, do="check")
    assert row_of(DOMAINS, name="fresh.example").verified
    fields = {
        "key": "fresh",
        "issuer": provider.issuer,
        "client_id": "fresh",
        "scopes": "openid email",
        "connection_param": "connection",
    }
    fields |= {"auth_method": "client_secret_basic", "client_secret": "a-long-secret-of-theirs"}
    saved = guest.post("/setup/clients/new", page="/setup/connections/new", **fields)
    assert saved.location == "/setup/clients/fresh"
    assert "http://localhost/auth/callback/acme" in guest.text(saved.location)
    fields = {
        "name": "Fresh",
        "client": "fresh",
        "email_verified": "unless_false",
        "new_users": "create",
    }
    added = guest.post("/setup/connections/new", **fields)
    assert added.location == "/setup/connections/fresh"
    early = guest.post(claimed.location, do="lead", connection="fresh")
    assert "Run a test sign-in through it first" in guest.text(early.location)
    clock.forward(seconds=1)
    away = guest.post(added.location, do="test", hint="it@acme.example")
    answer = requests.get(away.location, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    back = guest.client.get(f"{parts.path}?{parts.query}")
    assert back.location.startswith("/setup/connections/fresh/tests/")
    assert "Every check passed" in guest.text(back.location)
    assert not row_of(CONNECTIONS, key="fresh").enabled
    guest.post(claimed.location, do="lead", connection="fresh")
    assert row_of(CONNECTIONS, key="fresh").enabled
    row = row_of(DOMAINS, name="fresh.example")
    assert (row.policy, row.rollout) == ("optional", 100)
    assert "Tell it@acme.example" in guest.text("/setup/finish")
    assert "is over" in guest.post("/setup/finish").text
    assert guest.get("/setup/").status_code == 404
    actors = {e.actor for e in trail() if not e.event.startswith("link:made")}
    assert actors == {"set-up link 1 (Jane Doe)"}
    assert trail()[-1].event == "link:finished"
    assert trail("connection:tried")[-1].user_id is None
    with services.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(USERS)).scalar_one() == people
        after = connection.execute(select(func.count()).select_from(SESSIONS)).scalar_one()
    assert after == sessions


@pytest.fixture
def admin_now(world, true_time, sign_in):
    return sign_in(world.acme.admin)


def test_what_came_back_for_somebody_else_is_not_shown_in_a_set_up_session(services, world, guest):
    from portal.store import audit

    entry = audit.Entry(
        at=services.now(),
        event=audit.Event.CONNECTION_TRIED,
        outcome="success",
        actor="it@acme.example",
        tenant_id=world.acme.id,
        reference="AAAA-2222",
        detail={
            "connection_id": world.acme.connection_id,
            "issuer": "https://idp.example",
            "checks": [],
            "claims": {},
            "role": "",
        },
    )
    with services.database.transaction() as connection:
        audit.record(connection, entry)
    assert guest.get("/setup/connections/acme-okta/tests/AAAA-2222").status_code == 404


def test_the_link_and_its_session_reach_neither_log_nor_trail_nor_page(
    app, admin, services, trail, caplog, capsys
):
    link = made(admin)
    token = link.removeprefix("/setup/link/")
    opened = app.test_client().get(link)
    assert (opened.location, opened.headers["Referrer-Policy"]) == ("/setup/start", "no-referrer")
    guest = started(app, link)
    session = guest.client.get_cookie(COOKIE)
    assert (session.http_only, session.same_site) == (True, "Lax")
    told = [guest.text("/setup/"), admin.text(LINKS_PAGE), caplog.text, *capsys.readouterr()]
    told += [f"{entry.object} {entry.detail} {entry.actor}" for entry in trail()]
    with services.database.read() as connection:
        told += [str(row) for row in connection.execute(select(LINKS))]
    assert token not in "".join(told)
    assert session.value not in "".join(told)


def test_a_slow_mail_server_keeps_nobody_waiting_for_a_set_up_link(admin, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr("portal.flows.letters.outgoing_mail.send", lambda *_: let_go.wait(20))
    monkeypatch.setattr("portal.flows.letters.outgoing_mail._PATIENCE", 0.1)
    text = admin.post(LINKS_PAGE, **FIELDS, address="jane@it.example").text
    assert "The link for jane@it.example waits." in text
    assert "Mail on its way" in text
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()
    assert "Mail on its way" not in admin.text(LINKS_PAGE)


def test_a_link_goes_out_by_mail_where_an_address_is_given(admin, app, mails, link_in):
    text = admin.post(LINKS_PAGE, **FIELDS, address="jane@customer.example").text
    assert "for jane@customer.example is written" in text
    assert mails()[-1]["Subject"] == "Set up single sign-on for Acme"
    assert "asks you to set up single sign-on" in mails()[-1].get_content()
    started(app, link_in())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"for_whom": ""}, "Say whom it is for"),
        ({"address": "nobody"}, "The address"),
        ({"days": "31"}, "from 1 to 30"),
        ({"days": "soon"}, "from 1 to 30"),
        ({"may": []}, "Tick at least one step"),
        ({"may": ["optional"]}, "must be allowed to set the connection up"),
    ],
)
def test_what_is_wrong_with_a_new_link_stands_beside_its_field(admin, row_of, fields, words):
    text = admin.post(LINKS_PAGE, **{**FIELDS, **fields}).text
    assert words in text
    assert 'aria-invalid="true"' in text
    assert row_of(LINKS) is None


def test_links_are_forgotten_a_month_after_their_end(admin, services, clock, row_of):
    made(admin)
    clock.forward(days=36)
    assert sweep(services)["links"] == 0
    clock.forward(days=2)
    assert sweep(services)["links"] == 1
    assert row_of(LINKS) is None


def test_on_https_the_cookies_are_bound_to_the_host(make_settings, cheap_passwords, clock):
    settings = make_settings(PORTAL_BASE_URL="https://portal.example")
    built = build_services(settings, passwords=cheap_passwords, now=clock)
    schema.upgrade(built.database)
    client = create_app(built).test_client()
    for path in ("/setup/link/some-token", "/welcome/some-token"):
        cookie = client.get(path, base_url="https://portal.example").headers["Set-Cookie"]
        assert cookie.startswith("__Host-portal_")
        assert "Secure" in cookie
        assert "Path=/" in cookie
    built.close()


def test_open_links_are_bounded(admin, monkeypatch):
    monkeypatch.setattr("portal.flows.editing.setup_session.MOST_OPEN", 1)
    made(admin)
    assert "Take one back first" in admin.post(LINKS_PAGE, **FIELDS).text


def test_claims_without_a_proof_are_bounded_in_a_set_up_session(guest, monkeypatch, row_of):
    monkeypatch.setattr("portal.flows.editing.setup_rules.MOST_UNPROVEN", 1)
    guest.post("/setup/domains/new", domain="one.example")
    text = guest.post("/setup/domains/new", domain="two.example").text
    assert "Prove the domains that are claimed already first." in text
    assert row_of(DOMAINS, name="two.example") is None


def test_a_link_of_another_company_cannot_be_taken_back(admin, operator, row_of):
    made(operator, "/admin/tenants/globex/setup-links")
    admin.post(LINKS_PAGE, do="take_back", link="1")
    assert row_of(LINKS, id=1).revoked_at is None


def test_a_stale_form_in_a_set_up_session_keeps_what_was_typed(guest):
    stale = guest.client.post("/setup/domains/new", data={"domain": "fresh.example"})
    assert (stale.status_code, 'value="fresh.example"' in stale.text) == (400, True)
    assert "Nothing was saved" in stale.text


@pytest.mark.parametrize("path", ["/setup/start", "/setup/link/invented"])
def test_an_invented_link_opens_nothing(app, world, path):
    page = app.test_client().get(path, follow_redirects=True)
    assert (page.status_code, "not known here" in page.text) == (404, True)


def test_the_button_needs_the_forms_token(app, admin, row_of):
    browser = Browser(app.test_client())
    browser.get(made(admin))
    assert browser.client.post("/setup/start").status_code == 400
    assert row_of(LINKS, for_whom="Jane Doe").used_at is None

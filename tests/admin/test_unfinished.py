"""Who was sent to a provider and never came back; and the links by which failures are passed on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select, update

from portal.core.attempt import new_state
from portal.flows.sweep import sweep
from portal.store import started as rows
from portal.store.housekeeping import BROOMS, sweep_batch
from portal.store.started import MOST_WAITING, SETTLE, Started, StartedLog
from portal.store.tables import CLIENTS, TENANTS
from portal.store.watch_tables import STARTED_SIGN_INS
from tests.admin.conftest import Clock
from tests.builders import NOW
from tests.visitor import Visitor

FAILURES = "/admin/tenants/acme/failures"


@pytest.fixture
def at_provider(services, world, provider):
    with services.database.transaction() as connection:
        connection.execute(update(CLIENTS).values(issuer=provider.issuer))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))


@pytest.fixture
def clock():
    true = Clock()
    true.now = datetime.now(UTC)
    return true


@pytest.fixture
def visitor(app):
    return Visitor(app, "http://localhost")


@pytest.fixture
def settle(services, clock):
    """Let the thread of the process write, as it does each second."""

    def settle():
        services.started.flush(now=clock())
        clock.forward(seconds=SETTLE.total_seconds())
        services.started.flush(now=clock())

    return settle


def sent(visitor, email="ann@acme.example"):
    response = visitor.submit(email)
    assert response.status_code == 302, response.text
    return response


def reference_in(text):
    return text.split(f'href="{FAILURES}/', 1)[1].split('"')[0]


def test_who_is_at_the_provider_is_seen_and_times_out_after_ten_minutes(
    admin, clock, visitor, at_provider, settle
):
    sent(visitor)
    settle()
    text = admin.text(FAILURES)
    assert "ann@acme.example" in text
    assert "Sent a minute ago" in text
    page = unescape(admin.text(f"{FAILURES}/{reference_in(text)}"))
    assert "They are at Okta now" in page
    clock.forward(minutes=10)
    assert "Timed out" in admin.text(FAILURES)
    page = unescape(admin.text(f"{FAILURES}/{reference_in(text)}"))
    assert "They never came back from Okta" in page
    assert "Nobody else has come back since" in page
    assert "Sent to Okta" in page
    assert "Failed: " in page


def test_who_came_back_is_not_in_the_list(admin, visitor, at_provider, settle):
    answer = visitor.at_provider(sent(visitor))
    assert visitor.come_back(answer).status_code == 303
    settle()
    assert "not back" not in admin.text(FAILURES)


def test_a_return_that_another_process_saw_counts_too(
    admin, services, visitor, at_provider, settle
):
    """The process that sent the person has not written it when the other one hears of it."""
    elsewhere, here = StartedLog(services.database, services.registry), services.started
    answer = visitor.at_provider(sent(visitor))
    (key,) = here._started
    elsewhere._started, here._started = here._started, {}
    assert visitor.come_back(answer).status_code == 303
    here.flush(now=services.now())
    elsewhere.flush(now=services.now())
    settle()
    with services.database.read() as connection:
        assert rows.not_back(connection, 1).total == 0
    assert services.started.find(key).back_at is not None


def test_others_who_came_back_since_make_it_another_answer(
    admin, app, clock, visitor, at_provider, settle
):
    sent(visitor)
    clock.forward(seconds=5)
    other = Visitor(app, "http://localhost")
    assert other.sign_in_by_sso("it@acme.example").status_code == 303
    settle()
    clock.forward(minutes=10)
    page = unescape(admin.text(f"{FAILURES}/{reference_in(admin.text(FAILURES))}"))
    assert "Others have come back since" in page


def test_who_came_in_later_is_marked_so(admin, clock, visitor, at_provider, settle):
    sent(visitor)
    clock.forward(minutes=1)
    assert visitor.sign_in_by_sso("ann@acme.example").status_code == 303
    settle()
    text = admin.text(FAILURES)
    assert "Came in later" in text
    assert "Nothing is left to do" in admin.text(f"{FAILURES}/{reference_in(text)}")


def test_an_address_finds_both_what_failed_and_what_is_under_way(
    admin, app, visitor, at_provider, settle
):
    sent(visitor)
    sent(Visitor(app, "http://localhost"), "bob@acme.example")
    settle()
    text = admin.text(f"{FAILURES}?reference=bob@acme.example")
    assert "bob@acme.example" in text
    assert "ann@acme.example" not in text
    assert "No sign-in has failed" in text


def test_the_list_of_those_who_are_not_back_has_pages(admin, services, world, clock):
    many = [
        Started(f"key{n}", NOW, world.acme.id, 1, f"p{n}@acme.example", "", f"REF-{n}")
        for n in range(60)
    ]
    with services.database.transaction() as connection:
        rows.save(connection, many, came_back={})
    text = admin.text(FAILURES)
    assert text.count("Timed out") == 10
    assert "All 60 of the last days" in text
    assert admin.text(f"{FAILURES}?show=sent").count("Timed out") == 50
    assert admin.text(f"{FAILURES}?show=sent&page=2").count("Timed out") == 10


def test_an_address_that_is_not_of_the_company_is_not_kept(services, world, at_provider):
    one = Started("k", NOW, world.acme.id, 1, "eve@elsewhere.example", "", "R")
    services.started.note(one)
    services.started.note(replace(one, key="g", actor="it@globex.example"))
    services.started.note(replace(one, key="n", actor="no address"))
    services.started.note(replace(one, key="a", actor="ann@acme.example"))
    services.started.flush(now=NOW)
    with services.database.read() as connection:
        kept = dict(
            connection.execute(select(STARTED_SIGN_INS.c.key, STARTED_SIGN_INS.c.actor)).all()
        )
    assert kept == {"k": "", "g": "", "n": "", "a": "ann@acme.example"}


def test_a_flood_is_dropped_beyond_the_bound(services, world):
    for number in range(MOST_WAITING + 50):
        services.started.note(Started(f"k{number}", NOW, world.acme.id, 1, "", "", "R"))
        services.started.note_back(f"b{number}", now=NOW)
    services.started.flush(now=NOW + SETTLE)
    with services.database.read() as connection:
        assert (
            connection.execute(select(func.count()).select_from(STARTED_SIGN_INS)).scalar() == 500
        )
    services.started.note(Started("after", NOW, world.acme.id, 1, "", "", "R"))
    services.started.flush(now=NOW)
    assert services.started.find("after") is not None


def test_the_submit_itself_writes_nothing(services, visitor, at_provider):
    sent(visitor)
    with services.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(STARTED_SIGN_INS)).scalar() == 0


def test_old_lines_are_swept_and_a_flood_never_fills_the_table(services, world, clock, monkeypatch):
    now = clock()
    one = Started("new", now, world.acme.id, 1, "", "", "R")
    kept = [one, replace(one, key="back", back_at=now)]
    gone = [
        replace(one, key="old", at=now - timedelta(days=8)),
        replace(one, key="over", at=now - timedelta(hours=3), back_at=now - timedelta(hours=2)),
    ]
    with services.database.transaction() as connection:
        rows.save(connection, [*kept, *gone], came_back={})
    assert sweep(services)["started"] == 2
    monkeypatch.setattr("portal.store.housekeeping.MOST_STARTED", 10)
    flood = [replace(one, key=f"f{n}", at=now - timedelta(seconds=n + 1)) for n in range(20)]
    with services.database.transaction() as connection:
        rows.save(connection, flood, came_back={})
    (broom,) = (broom for broom in BROOMS if broom.name == "started")
    assert sweep_batch(services.database, broom, now) == 12


def test_an_answer_in_another_browser_is_found_by_the_company_and_tells_that_browser_nothing(
    admin, app, visitor, at_provider, settle, trail
):
    answer = visitor.at_provider(sent(visitor))
    settle()
    other = Visitor(app, "http://localhost")
    parts = urlsplit(answer)
    back = other.get(f"{parts.path}?{parts.query}")
    assert back.location == "/login?error=state_mismatch"
    assert "ann@acme.example" not in other.get(back.location).text
    entry = trail("sign_in:sso")[-1]
    assert (entry.actor, entry.object) == ("ann@acme.example", "connection acme-okta")
    assert "came to another browser" in admin.text(f"{FAILURES}/{entry.reference}")


def test_an_answer_of_no_sign_in_is_found_by_its_reference_and_stands_in_no_list(
    admin, app, world, sign_in, trail
):
    Visitor(app, "http://localhost").get("/auth/callback/acme?code=c")
    reference = trail("sign_in:sso")[-1].reference
    assert reference not in admin.text(FAILURES)
    led = admin.get(f"/admin/failures/{reference}")
    assert led.location == f"{FAILURES}/{reference}"
    assert "belongs to no sign-in that began here" in admin.text(led.location)
    other = sign_in(world.globex.admin)
    assert other.get(f"/admin/failures/{reference}").status_code == 404
    assert other.get(f"/admin/tenants/globex/failures/{reference}").status_code == 404


def test_an_invented_state_is_looked_for_nowhere(services, app, world, trail):
    other = Visitor(app, "http://localhost")
    other.get(f"/auth/callback/acme?state={new_state(b'x' * 32)}&code=c")
    assert trail("sign_in:sso")[-1].tenant_id is None


def test_the_steps_say_when_somebody_was_sent_and_when_the_answer_came(
    admin, clock, visitor, at_provider, provider, trail
):
    provider.lie("nonce_wrong")
    try:
        location = sent(visitor).location
        clock.forward(seconds=20)
        answer = requests.get(location, allow_redirects=False, timeout=10)
        assert visitor.come_back(answer.headers["Location"]).status_code == 302
    finally:
        provider.forget()
    reference = trail("sign_in:sso")[-1].reference
    text = admin.text(f"{FAILURES}/{reference}")
    assert "the answer came 20 s later" in text


LIES = {
    "aud_wrong": ("Client ID here", "portal"),
    "iss_wrong": ("Issuer here", "http://127.0.0.1"),
    "exp_past": ("Time here", "UTC"),
    "email_other_domain": ("email", "@"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_claim_that_failed_is_shown_beside_what_it_was_held_against(
    admin, visitor, at_provider, provider, trail, lie
):
    provider.lie(lie)
    try:
        assert visitor.sign_in_by_sso("ann@acme.example").status_code == 302
    finally:
        provider.forget()
    entry = trail("sign_in:sso")[-1]
    text = unescape(admin.text(f"{FAILURES}/{entry.reference}"))
    name, value = LIES[lie]
    assert f"<dt>{name}</dt><dd>" in text
    assert value in text.split(f"<dt>{name}</dt><dd>")[1].split("</dd>")[0]
    assert set(entry.detail["claims"]) <= {"aud", "iss", "exp", "email", "email_verified"}


def test_the_page_of_a_failure_has_a_link_that_leads_the_admins_to_it(
    admin, operator, world, sign_in, visitor, at_provider, provider
):
    provider.lie("nonce_wrong")
    try:
        back = visitor.sign_in_by_sso("ann@acme.example")
    finally:
        provider.forget()
    page = visitor.get(back.location).text
    link = page.split("Link for your IT team: ")[1].split('"')[1]
    assert link.startswith("http://localhost/admin/failures/")
    path = urlsplit(link).path
    led = admin.get(path)
    assert led.status_code == 302
    assert "belongs to another sign-in" in admin.text(led.location)
    assert operator.get(path).location == led.location
    assert sign_in(world.globex.admin).get(path).status_code == 404
    assert sign_in(world.acme.member).get(path).status_code == 403
    away = visitor.get(path)
    assert away.status_code == 302
    assert away.location.startswith("/login?")


def test_a_link_leads_to_what_is_under_way_too(admin, operator, visitor, at_provider, settle):
    sent(visitor)
    settle()
    reference = reference_in(admin.text(FAILURES))
    assert admin.get(f"/admin/failures/{reference}").location == f"{FAILURES}/{reference}"
    assert operator.get("/admin/failures/NONE-SUCH").status_code == 404


def test_no_link_is_offered_where_nothing_was_written_down(visitor, world):
    assert "Link for your IT team" not in visitor.get("/login?error=oidc_failed").text
    assert "Link for your IT team" not in visitor.get("/login?error=session_expired").text


def test_a_failure_of_no_company_leads_an_operator_to_the_trail(operator, app, world, trail):
    Visitor(app, "http://localhost").get("/auth/callback?state=x&code=y")
    reference = trail("sign_in:sso")[-1].reference
    assert operator.get(f"/admin/failures/{reference}").location == (
        f"/admin/audit?reference={reference}"
    )

"""Requiring SSO in steps, by dates: planned, taken, held; and stopped when sign-ins fail."""

from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, update

from portal.core.address import Address
from portal.flows import chores
from portal.flows.letters.outgoing_mail import deliver_due
from portal.flows.rollout.planned_rollout import take_due
from portal.flows.rollout.rollout_reminder import remind
from portal.flows.rollout.rollout_watch import watch_rollouts
from portal.store import audit
from portal.store.rollout_tables import ROLLOUT_PLANS
from portal.store.tables import CLIENTS, CONNECTIONS, DOMAINS, TENANTS, USERS
from tests.admin.conftest import seen_of
from tests.builders import NOW, add_domain, add_user
from tests.visitor import Visitor, query_of

PATH = "/admin/tenants/acme/domains/acme.example/rollout"
DOMAIN = "/admin/tenants/acme/domains/acme.example"
STEPS = ((8, 25), (15, 50), (22, 100))


@pytest.fixture
def admin(world, sign_in):
    """The admin of acme, who signs in for each thing: days go by between them."""

    class EachTime:
        def __getattr__(self, name):
            return getattr(sign_in(world.acme.admin), name)

    return EachTime()


@pytest.fixture
def ready(services, world, clock):
    """All that must be so before; `again` makes it so once more, as time goes by."""

    def again():
        with services.database.transaction() as connection:
            connection.execute(
                update(USERS).where(USERS.c.id == world.acme.admin).values(sso_exempt=True)
            )
            audit.record(
                connection,
                entry(clock, "success", world, about="connection acme-okta"),
                audit.Entry(
                    clock(),
                    audit.Event.SIGN_IN_PASSWORD,
                    "success",
                    "it@acme.example",
                    tenant_id=world.acme.id,
                    user_id=world.acme.admin,
                ),
            )

    again()
    return again


def entry(clock, outcome, world, *, about="connection acme-okta", who="x@elsewhere.test", **detail):
    return audit.Entry(
        at=clock(),
        event=audit.Event.SIGN_IN_SSO,
        outcome=outcome,
        actor=who,
        tenant_id=world.acme.id,
        object=about,
        detail=detail,
    )


def fields_of(*steps):
    fields = {}
    for n, (days, size) in enumerate(steps):
        fields |= {f"day_{n}": f"{NOW + timedelta(days=days):%Y-%m-%d}", f"size_{n}": str(size)}
    return fields


def plan(browser, *steps, **more):
    sent = {**fields_of(*(steps or STEPS)), "seen": seen_of(browser.text(PATH)), **more}
    return browser.post(PATH, do="plan", **sent)


def press(browser, do):
    return browser.post(PATH, do=do, seen=seen_of(browser.text(PATH)))


@pytest.fixture
def way(row_of):
    def way():
        row = row_of(DOMAINS, name="acme.example")
        return row.policy, row.rollout

    return way


@pytest.fixture
def on_day(services, clock):
    """Go to the beginning of a day, and let the running portal look."""

    def on_day(days):
        clock.now = (NOW + timedelta(days=days)).replace(hour=0, minute=0)
        return take_due(services)

    return on_day


def mails(services):
    while deliver_due(services):
        pass
    folder = services.settings.instance_dir / "mail"
    return sorted(file.read_text() for file in folder.iterdir()) if folder.is_dir() else []


def test_a_plan_changes_nothing_before_its_day_and_then_step_by_step(
    services, admin, ready, way, on_day, clock, trail
):
    assert plan(admin).status_code == 303
    text = admin.text(PATH)
    assert "From 1 December: 25 %" in text
    assert "From 15 December: everybody" in text
    assert "From 1 December SSO is required for 25 %, from 8 December for 50 %" in admin.text(
        DOMAIN
    )
    clock.now = NOW.replace(day=30, hour=23, minute=59)
    assert take_due(services) == 0
    assert way() == ("optional", 100)
    for days, size in STEPS:
        ready()
        assert on_day(days) == 1
        assert way() == ("required", size)
        assert take_due(services) == 0
    last = trail("registry:changed")[-1]
    assert (last.actor, last.object) == ("it@acme.example", "domain acme/acme.example")
    assert last.detail["fields"] == {"rollout": [50, 100]}
    assert "step 3 of 3" in last.detail["note"]
    assert len(mails(services)) == 3


def test_where_everybody_needs_sso_the_page_says_that_nothing_is_left(services, admin):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="required", rollout=100))
    text = admin.text(PATH)
    assert "Nothing is left to plan" in text
    assert "What must be so" not in text


def test_two_processes_take_a_step_once(services, admin, ready, on_day, trail, clock):
    plan(admin)
    before = len(trail("registry:changed"))
    ready()
    on_day(8)
    on_day(8)
    assert len(trail("registry:changed")) == before + 1


def test_what_must_be_so_is_asked_when_it_is_planned(services, world, admin, row_of):
    response = plan(admin)
    assert response.status_code == 200
    assert "something must be so before" in response.text
    assert "Not met" in response.text
    assert row_of(ROLLOUT_PLANS) is None


def _nobody_tested(connection):
    audit.record(
        connection,
        audit.Entry(
            NOW + timedelta(days=1),
            audit.Event.REGISTRY_CHANGED,
            "changed",
            "it@acme.example",
            tenant_id=1,
            object="connection acme/acme-okta",
        ),
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: c.execute(update(DOMAINS).values(verified=False)), "is not proven"),
        (lambda c: c.execute(update(CONNECTIONS).values(enabled=False)), "connection is off"),
        (lambda c: c.execute(update(USERS).values(sso_exempt=False)), "no break-glass person"),
        (_nobody_tested, "no test sign-in has passed"),
        (lambda c: c.execute(update(DOMAINS).values(policy="password")), "had changed how"),
    ],
)
def test_on_the_day_it_does_not_happen_where_that_is_no_longer_so(
    services, admin, ready, way, on_day, trail, spoil, words
):
    plan(admin)
    with services.database.transaction() as connection:
        spoil(connection)
    before = way()
    on_day(8)
    assert way() == before
    assert take_due(services) == 0
    page = unescape(admin.text(PATH))
    assert "The step of 1 December did not happen" in page
    assert words in page
    (mail,) = mails(services)
    assert words in " ".join(mail.replace("=\n", "").split())
    assert (trail("rollout:planned")[-1].outcome) == "held"


def test_admins_are_told_once_and_in_time_of_a_step_that_would_not_happen(
    services, admin, ready, clock, way, on_day
):
    plan(admin)
    assert remind(services) == 0
    clock.now = NOW + timedelta(days=5)
    assert remind(services) == 0  # all is as it must be
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(sso_exempt=False))
    assert remind(services) == 1
    assert remind(services) == 0
    (mail,) = mails(services)
    assert "no break-glass person has signed in" in " ".join(mail.replace("=\n", "").split())
    ready()
    on_day(8)
    assert way() == ("required", 25)


def test_a_break_glass_sign_in_that_will_be_too_old_on_the_day_is_told_of(
    services, admin, ready, clock
):
    plan(admin, (32, 100))
    clock.now = NOW + timedelta(days=29)
    assert remind(services) == 1


def test_who_goes_on_takes_the_step_that_was_due_and_the_rest_keeps_its_distance(
    services, admin, ready, way, on_day, clock
):
    plan(admin)
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(sso_exempt=False))
    on_day(8)
    assert press(admin, "go_on").status_code == 200  # still not so
    assert way() == ("optional", 100)
    clock.forward(days=2)
    ready()
    assert press(admin, "go_on").status_code == 303
    assert way() == ("required", 25)
    assert "From 10 December: 50 %" in admin.text(PATH)


def test_a_plan_is_changed_and_cancelled_until_its_day(services, admin, ready, way, on_day, trail):
    plan(admin)
    plan(admin, (9, 100))
    assert on_day(8) == 0
    assert trail("rollout:planned")[-1].outcome == "changed"
    press(admin, "drop")
    assert "What is planned" not in admin.text(PATH)
    assert on_day(9) == 0
    assert way() == ("optional", 100)
    assert [row.outcome for row in trail("rollout:planned")] == ["created", "changed", "removed"]


def test_a_step_is_undone_as_any_change_and_then_the_next_does_not_come(
    services, admin, ready, way, on_day
):
    plan(admin)
    on_day(8)
    admin.post(DOMAIN, do="undo", seen=seen_of(admin.text(DOMAIN)))
    assert way() == ("optional", 100)
    assert "was changed since this was planned" in admin.text(PATH)
    ready()
    on_day(15)
    assert way() == ("optional", 100)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"day_0": "2026-11-23", "size_0": "25"}, "Choose a day from tomorrow on."),
        ({"day_0": "soon", "size_0": "25"}, "Write the day as 2026-12-31."),
        ({"day_0": "2026-12-01", "size_0": "many"}, "Give a number from 1 to 100."),
        ({"day_0": "", "size_0": ""}, "Give a day and a number"),
        ({"day_0": "2026-12-01", "size_0": ""}, "Give a number from 1 to 100."),
    ],
)
def test_what_is_wrong_stands_at_its_step_and_nothing_typed_is_lost(
    services, admin, ready, row_of, fields, words
):
    text = admin.post(PATH, do="plan", **fields, seen="").text
    assert words in text
    assert f'value="{fields["day_0"]}"' in text
    assert row_of(ROLLOUT_PLANS) is None


def test_whom_a_step_reaches_is_shown_without_scripts(services, world, admin, ready):
    with services.database.transaction() as connection:
        for n in range(40):
            add_user(connection, f"p{n}@acme.example", world.acme.id)
    text = admin.post(PATH, do="look", **fields_of((8, 50)), seen="").text
    assert "of 42 people we know" in text
    reached = int(text.split('data-reached="size_0">')[1].split("<")[0])
    assert 10 < reached < 32


def test_two_admins_who_plan_at_once_are_told_of_each_other(services, admin, operator, ready):
    seen = seen_of(admin.text(PATH))
    plan(operator, (9, 100))
    response = plan(admin, seen=seen)
    assert "Last by ops@portal.example." in response.text
    assert "From 2 December: everybody" in response.text
    assert plan(admin, seen=seen_of(response.text)).status_code == 303


def test_a_suspended_company_is_left_alone(services, admin, ready, way, on_day):
    plan(admin)
    with services.database.transaction() as connection:
        connection.execute(update(TENANTS).values(status="suspended"))
    assert on_day(8) == 0
    assert way() == ("optional", 100)


@pytest.fixture
def stepped_small(admin, ready, on_day):
    """A domain with two people, of which 25 % were required a while ago, and 50 % just now."""
    plan(admin)
    on_day(8)
    ready()
    on_day(15)


@pytest.fixture
def stepped(services, world, stepped_small):
    """The same of a company with more than 20 people."""
    with services.database.transaction() as connection:
        for n in range(20):
            add_user(connection, f"colleague{n}@acme.example", world.acme.id)


@pytest.fixture
def fails(services, world, clock):
    def fails(number, outcome="oidc_failed", **detail):
        known = {"known_browser": True, "stage": "token", **detail}
        rows = [
            entry(clock, outcome, world, who=f"p{n}@acme.example", **known) for n in range(number)
        ]
        with services.database.transaction() as connection:
            audit.record(connection, *rows)

    return fails


def test_a_step_after_which_most_people_fail_is_taken_back_and_no_further(
    services, admin, ready, stepped, fails, way, on_day, trail, clock
):
    clock.forward(minutes=30)
    fails(4)
    assert watch_rollouts(services) == 0
    fails(5)
    sent = len(mails(services))
    assert watch_rollouts(services) == 1
    assert watch_rollouts(services) == 0
    assert way() == ("required", 25)
    assert len(mails(services)) == sent + 1
    assert any("5 of the 5 people" in mail.replace("=\n", "") for mail in mails(services))
    entries = trail()
    change = next(row for row in reversed(entries) if row.event == "registry:changed")
    assert (change.actor, change.detail["note"]) == (
        "the portal itself",
        "rollout stopped: 5 of 5 people failed",
    )
    text = admin.text(PATH)
    assert "The rollout was stopped, because sign-ins fail" in text
    assert "The rollout of acme.example was stopped" in admin.text("/admin/tenants/acme")
    ready()
    assert on_day(22) == 0
    press(admin, "go_on")
    assert way() == ("required", 50)
    assert watch_rollouts(services) == 0  # what failed before this step does not count for it


def test_in_a_small_company_two_people_of_whom_nobody_gets_in_are_enough(
    services, admin, stepped_small, fails, way
):
    fails(1)
    assert watch_rollouts(services) == 0
    fails(2)
    assert watch_rollouts(services) == 1
    assert way() == ("required", 25)
    assert "2 of the 2 people who tried" in admin.text(PATH)


def test_the_page_says_when_a_step_is_taken_back(admin, stepped):
    text = " ".join(admin.text(PATH).split())
    assert "when five people do not get in within an hour" in text
    assert "no more than 20 people, two are enough" in text


def test_a_plan_that_breaks_holds_up_none_of_the_others(
    services, world, admin, ready, clock, way, row_of, capsys
):
    with services.database.transaction() as connection:
        for slug in ("aaa", "bbb"):
            add_domain(connection, world.acme.id, f"{slug}.example")
    plan(admin)
    sane = row_of(ROLLOUT_PLANS)
    broken = {**sane._mapping, "due_at": sane.due_at - timedelta(hours=1)}
    with services.database.transaction() as connection:
        for slug, wrong in (("aaa", {"steps": "none"}), ("bbb", {"state": "paused"})):
            number = row_of(DOMAINS, name=f"{slug}.example").id
            stepped = {"stepped_at": clock(), "watched_until": clock() + timedelta(days=30)}
            row = {**broken, **stepped, **wrong, "domain_id": number}
            connection.execute(insert(ROLLOUT_PLANS).values(**row))
        connection.execute(update(USERS).values(sso_exempt=False))
    clock.now = NOW + timedelta(days=6)
    assert remind(services) == 1
    clock.now = (NOW + timedelta(days=8)).replace(hour=0)
    ready()
    assert watch_rollouts(services) == 0
    take_due(services)
    assert way() == ("required", 25)
    assert "acme/aaa.example" in capsys.readouterr().out


def test_a_part_of_the_rollouts_chore_that_breaks_holds_up_no_other(services, monkeypatch):
    done = []

    def watch(_):
        raise ZeroDivisionError

    monkeypatch.setattr(chores, "watch_rollouts", watch)
    for name in ("take_due", "remind"):
        monkeypatch.setattr(chores, name, lambda _: done.append(1))
    chores._roll_out(services)
    assert len(done) == 2


def test_who_leaves_it_keeps_the_domain_as_it_is(services, admin, stepped, fails, way):
    fails(6)
    watch_rollouts(services)
    press(admin, "drop")
    assert way() == ("required", 25)
    assert "The rollout was stopped" not in admin.text(PATH)


def test_failures_of_few_among_many_stop_nothing(services, world, stepped, fails, way, clock):
    fails(5)
    rows = [entry(clock, "success", world, who=f"q{n}@acme.example") for n in range(5)]
    with services.database.transaction() as connection:
        audit.record(connection, *rows)
    assert watch_rollouts(services) == 0
    assert way() == ("required", 50)


def test_enforcement_that_has_stood_for_a_week_is_never_touched(
    services, stepped, fails, way, clock
):
    clock.forward(days=7, minutes=1)
    fails(50)
    assert watch_rollouts(services) == 0
    assert way() == ("required", 50)


def test_what_failed_before_the_step_or_elsewhere_does_not_count(
    services, world, stepped, fails, way, clock
):
    fails(9, sent_at=(clock() - timedelta(minutes=2)).isoformat())
    fails(9, stage="state")
    rows = [
        entry(clock, "oidc_failed", world, who=f"p{n}@notacme.example", known_browser=True)
        for n in range(9)
    ]
    with services.database.transaction() as connection:
        audit.record(connection, *rows)
    assert watch_rollouts(services) == 0
    assert way() == ("required", 50)


@pytest.fixture
def fail_in_browsers(services, app, provider, clock):
    """Begin for so many people, each in a browser of its own, and send an error back."""
    with services.database.transaction() as connection:
        connection.execute(update(CLIENTS).values(issuer=provider.issuer))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))

    def fail(number, *, is_known, error="server_error"):
        for n in range(number):
            visitor, email = Visitor(app, "http://localhost"), f"p{n}@acme.example"
            if is_known:
                mark = services.known.mark(Address.parse(email), clock())
                visitor.client.set_cookie("portal_known", mark)
            state = query_of(visitor.submit(email).location)["state"]
            query = urlencode({"state": state, "error": error, "iss": provider.issuer})
            back = visitor.get(f"/auth/callback/acme?{query}")
            assert back.location.startswith("/login?error=")

    return fail


def test_a_stranger_who_begins_for_others_and_sends_back_errors_stops_nothing(
    services, stepped, fail_in_browsers, way
):
    fail_in_browsers(8, is_known=False)
    assert watch_rollouts(services) == 0
    assert way() == ("required", 50)


def test_people_in_browsers_that_know_them_do_count(services, stepped, fail_in_browsers, way):
    fail_in_browsers(5, is_known=True, error="access_denied")
    assert watch_rollouts(services) == 0  # once may be their own choice
    fail_in_browsers(5, is_known=True, error="access_denied")
    assert watch_rollouts(services) == 1
    assert way() == ("required", 25)


def test_an_admin_who_has_changed_the_domain_is_not_overruled(services, stepped, fails, way):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(rollout=90))
    fails(9)
    assert watch_rollouts(services) == 0
    assert way() == ("required", 90)


def test_other_domains_of_the_company_go_on(services, world, stepped, fails, row_of):
    with services.database.transaction() as connection:
        add_domain(connection, world.acme.id, "other.example", policy="required")
    fails(9)
    watch_rollouts(services)
    assert row_of(DOMAINS, name="other.example").policy == "required"

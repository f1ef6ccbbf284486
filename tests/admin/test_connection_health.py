"""How connections are without anybody signing in, and who is told so before they are sent there."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import delete, func, insert, select, update

from portal.core.errors import SignInFailure
from portal.core.health import Level, Sign, worst
from portal.core.spans import told
from portal.flows.health.connection_health import has_trouble
from portal.flows.health.issuer_watch import AGAIN, EVERY, look_now, watch
from portal.store import audit, issuer_health, troubles
from portal.store.issuer_health import Look
from portal.store.started import Started, save
from portal.store.tables import CLIENTS, CONNECTIONS, DOMAIN_CONNECTIONS, TENANTS
from portal.store.watch_tables import ISSUER_HEALTH
from tests.admin.conftest import Clock
from tests.builders import add_client, add_connection, change_tenant
from tests.databases import free_port
from tests.visitor import Visitor

LIST = "/admin/tenants/acme/connections"
WAY = f"{LIST}/acme-okta"


@pytest.fixture
def clock():
    true = Clock()
    true.now = datetime.now(UTC).replace(second=0, microsecond=0)  # the start of a turn
    return true


@pytest.fixture
def move(services, world):
    """Put both companies' applications at an issuer."""

    def move(issuer):
        with services.database.transaction() as connection:
            connection.execute(update(CLIENTS).values(issuer=issuer, secret_set_at=None))
            connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))

    return move


@pytest.fixture
def nowhere(move):
    """An issuer that nobody answers for."""
    issuer = f"http://127.0.0.1:{free_port()}"
    move(issuer)
    return issuer


@pytest.fixture
def entry(services, world, clock):
    """Write what came of a sign-in through Acme's connection."""

    def entry(outcome, *, ago=timedelta(minutes=1), **detail):
        one = audit.Entry(
            at=clock() - ago,
            event=audit.Event.SIGN_IN_SSO,
            outcome=outcome,
            actor="ann@acme.example",
            tenant_id=world.acme.id,
            object="connection acme-okta",
            detail={"connection_id": world.acme.connection_id, **detail},
        )
        with services.database.transaction() as connection:
            audit.record(connection, one)

    return entry


@pytest.fixture
def way(services, world):
    return lambda: services.registry.tenant("acme").connection("acme-okta")


def page_of(browser, path=WAY):
    return unescape(browser.text(path))


def note(services, issuer, *, times=1, ago=timedelta(0), **values):
    with services.database.transaction() as connection:
        for _ in range(times):
            now = services.now() - ago
            look = Look(issuer, **values)
            issuer_health.note(connection, look, now=now, next_at=now + EVERY)


def test_the_background_looks_at_each_issuer_once_and_every_process_sees_it(
    admin, services, move, provider, row_of
):
    move(provider.issuer)
    assert watch(services) == 1  # two companies, one issuer
    assert watch(services) is None  # another process's turn
    row = row_of(ISSUER_HEALTH)
    assert (row.problem, row.failures, row.keys) == ("", 0, 1)
    text = page_of(admin)
    for words in ("It answers", "It publishes 1 key", "Its clock", "Looked at a minute"):
        assert words in text
    assert "Good" in page_of(admin, LIST)


def test_an_issuer_is_looked_at_every_few_minutes_and_sooner_while_it_fails(
    services, clock, nowhere, row_of
):
    for wait in (AGAIN, AGAIN):
        assert watch(services) == 1
        assert row_of(ISSUER_HEALTH).next_check_at == clock() + wait
        clock.forward(seconds=30)
        assert not watch(services)
        clock.forward(seconds=31)
    row = row_of(ISSUER_HEALTH)
    assert (row.failures, row.is_down) == (2, True)
    assert row.failing_since < row.checked_at


def test_of_many_issuers_those_that_wait_longest_are_looked_at_first(
    services, world, clock, monkeypatch
):
    monkeypatch.setattr("portal.flows.health.issuer_watch.MOST", 2)
    seen = []
    monkeypatch.setattr(
        "portal.flows.health.issuer_watch.inspect_all",
        lambda _services, issuers, **_: seen.append(list(issuers)) or [],
    )
    with services.database.transaction() as connection:
        connection.execute(delete(DOMAIN_CONNECTIONS))
        connection.execute(delete(CONNECTIONS).where(CONNECTIONS.c.tenant_id == world.globex.id))
        for number in range(3):
            issuer = f"https://i{number}.example"
            client = add_client(connection, world.globex.id, key=f"c{number}", issuer=issuer)
            add_connection(connection, world.globex.id, key=f"w{number}", client_id=client)
    assert watch(services) == 0
    clock.forward(minutes=1)
    watch(services)
    assert len({issuer for turn in seen for issuer in turn}) == 4
    assert [len(turn) for turn in seen] == [2, 2]


def test_a_connection_that_is_off_or_of_a_suspended_company_is_not_watched(
    admin, services, world, move, provider, row_of
):
    move(provider.issuer)
    with services.database.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(enabled=False))
        change_tenant(connection, world.acme.id)
    assert watch(services) == 0
    assert "Not watched" in page_of(admin, LIST)
    assert "Check now" not in page_of(admin)


def test_check_now_looks_at_once(admin, services, move, provider, trail):
    move(provider.issuer)
    assert "Nobody has looked yet." in page_of(admin)
    assert "Not known yet" in page_of(admin, LIST)
    assert admin.post(WAY, do="check").status_code == 303
    assert "It answers" in page_of(admin)


def test_what_is_seconds_old_is_not_asked_for_again(services, move, provider):
    move(provider.issuer)
    first = look_now(services, provider.issuer)
    assert look_now(services, provider.issuer) == first


def test_one_failed_look_is_a_warning_and_two_are_trouble(admin, services, clock, nowhere):
    note(services, nowhere, problem="no answer in time", is_down=True)
    text = page_of(admin)
    assert "The issuer cannot be read: no answer in time, for the first time." in text
    assert "See that this machine reaches 127.0.0.1" in text
    assert "Look at it" in text
    note(services, nowhere, problem="no answer in time", is_down=True)
    clock.forward(minutes=7)
    text = page_of(admin)
    assert "no answer in time, for 7 minutes" in text
    assert "In trouble" in text
    overview = page_of(admin, "/admin/tenants/acme")
    for page in (page_of(admin, LIST), overview):
        assert "The issuer cannot be read: no answer in time" in page
    assert "Okta is in trouble" in overview


LOOKS = (
    ({"keys": 0, "algorithms": 3}, "In trouble", "publishes none that could verify"),
    ({"keys": 2, "algorithms": 0}, "In trouble", "The issuer signs in no way that is allowed"),
    (
        {"keys": 2, "algorithms": 3, "ahead": timedelta(seconds=90)},
        "In trouble",
        "90 s ahead of ours",
    ),
    (
        {"keys": 2, "algorithms": 3, "ahead": timedelta(seconds=-90)},
        "Look at it",
        "90 s behind ours",
    ),
    (
        {"keys": 2, "algorithms": 3, "ahead": timedelta(seconds=40)},
        "Good",
        "Up to a minute does not matter",
    ),
    (
        {"problem": "the metadata is of another issuer"},
        "Look at it",
        "The issuer must be written just as its own metadata has it",
    ),
)


def test_each_sign_has_its_level_and_its_mend(admin, services, nowhere):
    for values, level, words in LOOKS:
        note(services, nowhere, **values)
        text = page_of(admin)
        assert words in text
        assert level in text.split('id="health"')[1].split("</h2>")[0], values


def test_a_look_that_is_long_past_is_said_to_be_so(admin, services, nowhere):
    note(services, nowhere, ago=timedelta(hours=3), keys=1, algorithms=1)
    assert "Last looked at 3 hours ago" in page_of(admin)


SECRETS = (
    ({"secret": None}, "The application’s secret cannot be used"),
    ({"auth_method": "none"}, "None is needed"),
    ({}, "Since when it is stored is not known"),
    ({"age": 3}, "Stored 3 days ago"),
    ({"age": 400}, "Replace it: many providers end secrets"),
    ({"age": 1, "old": True}, "A new one waits for its first sign-in"),
    ({"age": 1, "old": True, "refused": True}, "Store the new one again"),
)


def test_the_secret_is_a_sign_of_its_own(admin, services, nowhere, clock):
    sealed, old = services.vault.seal("new"), services.vault.seal("old")
    for case, words in SECRETS:
        values = {"secret": sealed, "auth_method": "client_secret_basic", **case}
        values["old_secret"] = old if values.pop("old", False) else None
        values["refused_at"] = clock() if values.pop("refused", False) else None
        age = values.pop("age", None)
        values["secret_set_at"] = clock() - timedelta(days=age) if age else None
        with services.database.transaction() as connection:
            connection.execute(update(CLIENTS).values(**values))
            connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))
        assert words in page_of(admin), case


def test_sign_ins_of_the_last_day_and_week_are_counted(admin, services, nowhere, entry):
    note(services, nowhere, keys=1, algorithms=1)
    assert "Nobody tried in the last day." in page_of(admin)
    for ago in (timedelta(hours=2), timedelta(days=3), timedelta(days=8)):
        entry("success", ago=ago)
    entry("access_denied")
    assert "1 of 2 came in (50 %) in the last day, 2 of 3 came in (66 %) in the last" in page_of(
        admin
    )
    assert "Good" in page_of(admin, LIST)  # the provider said no: no fault of the connection
    for _ in range(3):
        entry("oidc_failed", cause="nonce is not that of the request")
    assert "Look at it" in page_of(admin, LIST)


def test_nobody_in_and_faults_only_is_trouble(admin, services, nowhere, entry):
    note(services, nowhere, keys=1, algorithms=1)
    for _ in range(3):
        entry("oidc_failed", cause="the token endpoint answered 401 (invalid_client)")
    assert "In trouble" in page_of(admin, LIST)
    assert 'The causes stand there.</strong> <a href="/admin/tenants/acme/failures">' in page_of(
        admin
    )


def test_who_never_came_back_counts_too(admin, services, world, nowhere, clock):
    note(services, nowhere, keys=1, algorithms=1)
    at = clock() - timedelta(hours=1)
    number = world.acme.connection_id
    lost = [Started(f"k{n}", at, world.acme.id, number, "", "", f"R{n}") for n in range(3)]
    with services.database.transaction() as connection:
        save(connection, lost, came_back={})
    assert "3 never came back from the provider" in page_of(admin)
    assert "Look at it" in page_of(admin, LIST)


def test_another_companys_sign_ins_do_not_count(sign_in, world, services, nowhere, entry):
    note(services, nowhere, keys=1, algorithms=1)
    for _ in range(3):
        entry("oidc_failed")
    other = sign_in(world.globex.admin)
    assert "Nobody tried in the last day." in page_of(
        other, "/admin/tenants/globex/connections/globex-okta"
    )


def discovered(app, email="ann@acme.example", **more):
    answer = app.test_client().post("/auth/discover", json={"email": email, **more})
    return answer.get_json()


TRIES = "Okta has trouble at the moment. You can still try, or use your password."


def test_people_are_warned_after_two_failed_looks_and_not_after_one(
    app, services, clock, nowhere, way
):
    note(services, nowhere, problem="no answer in time", is_down=True)
    assert not has_trouble(services, way())
    note(services, nowhere, problem="no answer in time", is_down=True)
    clock.forward(seconds=16)
    assert has_trouble(services, way())
    assert discovered(app, words=True)["message"] == TRIES
    assert discovered(app) == {
        "method": "sso",
        "connections": [{"id": "acme-okta", "name": "Okta"}],
    }
    note(services, nowhere, keys=1, algorithms=1)
    clock.forward(seconds=16)
    assert discovered(app, words=True)["message"] == "Acme signs in with Okta."


def test_a_trouble_that_nobody_has_looked_at_lately_is_none(services, clock, nowhere, way):
    note(services, nowhere, times=3, problem="no answer in time")
    clock.forward(minutes=16)
    assert not has_trouble(services, way())


def test_sign_ins_that_fail_for_want_of_the_provider_are_trouble_until_one_succeeds(
    services, clock, nowhere, entry, way
):
    for _ in range(3):
        entry("provider_unavailable", stage="token")
    assert has_trouble(services, way())
    other = services.registry.tenant("globex").connection("globex-okta")
    assert not has_trouble(services, other)
    entry("success", ago=timedelta(0))
    clock.forward(seconds=16)
    assert not has_trouble(services, way())


def test_what_a_browser_can_make_up_is_no_trouble(services, nowhere, entry, way):
    """`error=temporarily_unavailable` comes by the browser: anybody can bring it."""
    for _ in range(9):
        entry("provider_unavailable", stage="answer")
    assert not has_trouble(services, way())


def test_an_open_breaker_is_trouble_and_is_forgotten_when_nobody_tries(
    services, clock, nowhere, way
):
    for _ in range(6):
        with pytest.raises(SignInFailure):
            services.door.get(nowhere, nowhere)
    assert has_trouble(services, way())
    clock.forward(seconds=80)
    assert not has_trouble(services, way())


def test_the_chooser_and_the_company_page_warn_and_let_everybody_try(
    app, services, world, nowhere, provider
):
    with services.database.transaction() as connection:
        client = add_client(
            connection,
            world.acme.id,
            key="second",
            issuer=provider.issuer,
            secret=services.vault.seal("x"),
        )
        entra = add_connection(
            connection, world.acme.id, key="entra", name="Acme Entra", client_id=client
        )
        connection.execute(
            insert(DOMAIN_CONNECTIONS).values(
                domain_id=world.acme.domain_id, position=1, connection_id=entra
            )
        )
        change_tenant(connection, world.acme.id)
    note(services, nowhere, times=2, problem="no answer in time", is_down=True)
    visitor = Visitor(app, "http://localhost")
    for page in (visitor.submit("ann@acme.example").text, visitor.get("/login/acme").text):
        assert page.count("Has trouble at the moment. You can still try.") == 1
        assert page.index("Has trouble") < page.index("Acme Entra")
    tried = visitor.submit("ann@acme.example", connection="acme-okta")
    assert tried.status_code == 200
    assert "be reached" in unescape(tried.text)


def test_sending_somebody_to_the_provider_never_reads_who_has_trouble(
    app, services, move, provider, monkeypatch
):
    move(provider.issuer)
    monkeypatch.setattr(troubles, "read", lambda *_: pytest.fail("read on the way"))
    assert Visitor(app, "http://localhost").submit("ann@acme.example").status_code == 302


def test_the_set_of_troubles_is_read_once_in_fifteen_seconds(
    app, services, clock, nowhere, monkeypatch
):
    reads = []
    real = troubles.read
    monkeypatch.setattr(troubles, "read", lambda *a: reads.append(1) or real(*a))
    for _ in range(5):
        discovered(app, words=True)
    assert len(reads) == 1
    clock.forward(seconds=16)
    discovered(app, words=True)
    assert len(reads) == 2


def test_issuers_of_no_connection_any_more_are_left_alone(services, world, nowhere, clock):
    watch(services)
    with services.database.transaction() as connection:
        connection.execute(update(CONNECTIONS).values(enabled=False))
    clock.forward(minutes=10)
    assert watch(services) == 0
    with services.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(ISSUER_HEALTH)).scalar() == 1


def test_the_worst_sign_decides():
    signs = [Sign(level, "", "") for level in Level]
    assert worst(signs) is Level.TROUBLE
    assert worst(signs[:2]) is Level.GOOD
    assert worst([]) is Level.UNKNOWN


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=3), "a minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=30), "30 hours"),
        (timedelta(days=59), "59 days"),
        (timedelta(days=400), "13 months"),
        (timedelta(days=800), "2 years"),
    ],
)
def test_spans_are_told_in_one_unit(span, words):
    assert told(span) == words

"""Who floods is slowed and refused in plain words; nobody else is shut out by it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import select

from portal.app import create_app
from portal.core.address import Address
from portal.observe import sign_ins
from portal.services import build_services
from portal.store.tables import AUDIT, TENANTS
from portal.throttle import GATES, PER_DOMAIN, PER_NETWORK, Known, network_of
from tests.builders import change_tenant
from tests.visitor import Visitor, error_of, query_of
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("registry")

PETER = "peter@initech.example"


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time("2026-11-23 12:00:00") as frozen:
        yield frozen


def wrong(visitor: Visitor, email: str, network: str = "192.0.2.1") -> int:
    answer = visitor.submit_from(network, email, "wrong")
    return answer.status_code


class FromNetwork(Visitor):
    def submit_from(self, network: str, email: str, password: str):
        form = {"email": email, "password": password, "is_sso": "false"}
        return self.post("/auth/login", form, environ_base={"REMOTE_ADDR": network})


@pytest.fixture
def stranger(app: Flask) -> FromNetwork:
    return FromNetwork(app)


def test_known_browser_signs_in_while_strangers_exhaust_the_address(
    app: Flask, visitor: Visitor, stranger: FromNetwork
):
    assert visitor.submit(PETER, PASSWORD).status_code == 303
    assert [wrong(stranger, PETER) for _ in range(11)] == [200] * 10 + [429]
    assert stranger.submit(PETER, PASSWORD).status_code == 429
    assert Visitor(app).submit(PETER, PASSWORD).status_code == 429
    assert visitor.submit(PETER, PASSWORD).status_code == 303


def test_known_browser_has_a_budget_too_and_only_for_its_own_address(visitor: Visitor):
    visitor.submit(PETER, PASSWORD)
    assert [visitor.submit(PETER, "wrong").status_code for _ in range(11)] == [200] * 10 + [429]
    assert [visitor.submit("bob@globex.example", "wrong").status_code for _ in range(11)] == (
        [200] * 10 + [429]
    )


def test_wrong_passwords_of_one_network_end_somewhere_and_others_go_on(
    visitor: Visitor, stranger: FromNetwork
):
    codes = [wrong(stranger, f"u{n}@d{n}.example") for n in range(PER_NETWORK + 1)]
    assert codes == [200] * PER_NETWORK + [429]
    refused = stranger.submit_from("192.0.2.1", PETER, PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert "Too many wrong passwords from your network" in refused.text
    assert "for this address" not in refused.text
    assert visitor.submit(PETER, PASSWORD).status_code == 303


def test_wrong_passwords_of_one_domain_end_somewhere_and_known_browsers_pass(
    app: Flask, visitor: Visitor, stranger: FromNetwork
):
    visitor.submit(PETER, PASSWORD)
    codes = [
        wrong(stranger, f"u{n}@initech.example", f"198.51.{n // 250}.{n % 250}")
        for n in range(PER_DOMAIN + 1)
    ]
    assert codes == [200] * PER_DOMAIN + [429]
    refused = [Visitor(app).submit(email, PASSWORD) for email in (PETER, "nobody@initech.example")]
    for answer in refused:
        assert answer.status_code == 429
        assert "Too many wrong passwords for addresses of this domain" in answer.text
        assert "for this address" not in answer.text
    assert Visitor(app).submit("bob@globex.example", PASSWORD).status_code == 303
    assert visitor.submit(PETER, PASSWORD).status_code == 303


def test_refusals_look_the_same_for_addresses_nobody_has(visitor: Visitor):
    for _ in range(10):
        visitor.submit("nobody@initech.example", "wrong")
        visitor.submit(PETER, "wrong")
    unknown = visitor.submit("nobody@initech.example", "wrong")
    known = visitor.submit(PETER, "wrong")
    assert unknown.status_code == known.status_code == 429
    assert "Too many tries for this address" in unknown.text
    assert "Too many tries for this address" in known.text


def test_discovery_is_limited_by_network_with_json_and_opens_again(
    clock: FrozenDateTimeFactory, app: Flask
):
    visitor = Visitor(app)

    def ask(network: str):
        return visitor.client.post(
            "/auth/discover",
            base_url=visitor.base,
            json={"email": PETER},
            environ_base={"REMOTE_ADDR": network},
        )

    for n in range(GATES["discover"]):
        assert ask(f"2001:db8::{n:x}").status_code == 200
    refused = ask("2001:db8::ffff")
    assert refused.status_code == 429
    assert refused.json["error"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert ask("2001:db8:1::1").status_code == 200
    clock.tick(timedelta(seconds=61))
    assert ask("2001:db8::1").status_code == 200


def test_submits_are_limited_by_network_with_a_page(
    clock: FrozenDateTimeFactory, services, visitor: Visitor
):
    del clock
    for _ in range(GATES["submit"]):
        assert services.gate.enter("submit", "127.0.0.1") is None
    refused = visitor.submit("ann@acme.example", is_sso="true")
    assert refused.status_code == 429
    assert "from your network" in refused.text
    assert int(refused.headers["Retry-After"]) >= 1


def test_limits_switched_off_let_everything_pass(make_settings, database_of_registry):
    off = build_services(
        make_settings(PORTAL_DATABASE_URL=database_of_registry, PORTAL_RATE_LIMITS="off")
    )
    visitor = Visitor(create_app(off))
    for _ in range(GATES["discover"] + 1):
        off.gate.enter("discover", "127.0.0.1")
    assert off.gate.enter("discover", "127.0.0.1") is not None
    answer = visitor.client.post("/auth/discover", base_url=visitor.base, json={"email": PETER})
    assert answer.status_code == 200
    off.close()


@pytest.fixture
def database_of_registry(services) -> str:
    return services.database.url.render_as_string(hide_password=False)


def test_mark_of_a_browser_is_good_for_its_address_its_time_and_our_key_alone():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    peter, bob = Address.parse(PETER), Address.parse("bob@initech.example")
    marks = Known(b"k" * 32)
    mark = marks.mark(peter, now)
    assert marks.browser(mark, peter, now + timedelta(days=179))
    assert "peter" not in mark
    assert not marks.browser(mark, bob, now)
    assert not marks.browser(mark, peter, now + timedelta(days=181))
    assert not Known(b"x" * 32).browser(mark, peter, now)
    for bad in ("", ".", "..", "a.b.c", mark[:-1], mark + "é", "²".join(mark.split(".", 1))):
        assert not marks.browser(bad, peter, now)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_network_is_one_ipv4_address_or_a_whole_ipv6_link(text: str, network: str):
    assert network_of(text) == network


JUNK = ["/auth/callback?state=x&code=y", "/auth/initiate?iss=https://evil.example"]


def trail_of(services) -> list:
    with services.database.read() as connection:
        return list(connection.execute(select(AUDIT).order_by(AUDIT.c.id)))


@pytest.mark.parametrize("path", JUNK)
def test_flood_of_junk_fills_the_trail_only_so_far_and_is_still_counted(
    clock, visitor: Visitor, services, path
):
    for n in range(GATES["stray"]):
        assert services.gate.enter("stray", "192.0.2.1") is None, n
    before = sign_ins("sso", error_of(visitor.get(path)))._value.get()
    assert len(trail_of(services)) == 1
    flooding = visitor.client.get(
        path, base_url=visitor.base, environ_base={"REMOTE_ADDR": "192.0.2.1"}
    )
    after = sign_ins("sso", error_of(flooding))._value.get()
    assert len(trail_of(services)) == 1
    assert after == before + 1
    clock.tick(timedelta(seconds=61))
    visitor.client.get(path, base_url=visitor.base, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert len(trail_of(services)) == 2


def test_flood_of_junk_from_everywhere_ends_too(clock, visitor: Visitor, services):
    for _ in range(GATES["strays"]):
        services.gate.enter("strays", "")
    visitor.get(JUNK[0])
    assert trail_of(services) == []


def test_failure_that_a_flood_keeps_off_the_trail_has_no_link_that_leads_nowhere(
    clock, visitor: Visitor, services
):
    """An answer of no sign-in, and a refusal at the submit: with the link, then without."""
    first = visitor.get(visitor.get(JUNK[0]).location).text
    assert "/admin/failures/" in first
    suspend(services)
    assert "/admin/failures/" in visitor.submit("ann@acme.example", is_sso="true").text
    for kind in ("stray", "refusal"):
        for _ in range(GATES[kind]):
            services.gate.enter(kind, "127.0.0.1")
    before = len(trail_of(services))
    pages = [
        visitor.get(visitor.get(JUNK[0]).location).text,
        visitor.submit("ann@acme.example", is_sso="true").text,
    ]
    assert len(trail_of(services)) == before
    for page in pages:
        assert "Reference:" in page
        assert "/admin/failures/" not in page


def suspend(services) -> None:
    with services.database.transaction() as connection:
        tenant = connection.scalar(select(TENANTS.c.id).where(TENANTS.c.slug == "acme"))
        change_tenant(connection, tenant, status="suspended")


def test_persons_own_failure_is_on_record_through_any_flood(
    clock, visitor: Visitor, services, provider
):
    for kind in ("stray", "refusal"):
        for _ in range(GATES[kind]):
            services.gate.enter(kind, "127.0.0.1")
    sent = visitor.submit("ann@acme.example", is_sso="true")
    answer = {"error": "access_denied", "state": state_of(sent), "iss": provider.issuer}
    failed = visitor.get("/auth/callback/acme", query_string=answer)
    shown = visitor.get(failed.location).text
    entry = trail_of(services)[-1]
    assert (entry.outcome, entry.actor) == ("access_denied", "ann@acme.example")
    assert entry.reference in shown
    visitor.get("/auth/callback/acme", query_string=answer)
    assert len(trail_of(services)) == 1, "the same state again is anybody's"


def state_of(sent) -> str:
    return query_of(sent.location)["state"]


def bring_a_code(visitor: Visitor, email: str, network: str = "192.0.2.1"):
    """Begin at the company's provider, and come back with a code that it never gave."""
    back = urlsplit(visitor.at_provider(visitor.submit(email)))
    answer = urlencode({**query_of(back.geturl()), "code": "invented"})
    return visitor.get(f"{back.path}?{answer}", environ_base={"REMOTE_ADDR": network})


def test_codes_that_a_provider_refuses_end_somewhere_for_their_network_alone(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(GATES, "redeem", 3)
    ends = [error_of(bring_a_code(visitor, "ann@acme.example")) for _ in range(3)]
    assert ends == ["oidc_failed"] * 3
    refused = bring_a_code(visitor, "ann@acme.example")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "from your network went wrong" in refused.text
    assert 'value="ann@acme.example"' in refused.text
    elsewhere = bring_a_code(visitor, "ann@acme.example", "198.51.100.1")
    assert error_of(elsewhere) == "oidc_failed"
    assert visitor.sign_in_by_sso("ann@acme.example").status_code == 303


def test_sign_ins_that_end_well_count_for_nothing_at_a_provider(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(GATES, "redeem", 2)
    assert [visitor.sign_in_by_sso("ann@acme.example").status_code for _ in range(4)] == [303] * 4


def test_refused_codes_are_not_counted_where_limits_are_off(
    make_settings, database_of_registry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(GATES, "redeem", 1)
    settings = make_settings(
        PORTAL_DATABASE_URL=database_of_registry,
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        PORTAL_RATE_LIMITS="off",
    )
    off = build_services(settings)
    visitor = Visitor(create_app(off))
    ends = [error_of(bring_a_code(visitor, "ann@acme.example")) for _ in range(3)]
    assert ends == ["oidc_failed"] * 3
    off.close()

"""Two servers on one PostgreSQL are one portal: what happens at one holds at the other."""

import subprocess
from types import SimpleNamespace

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update

from portal.crypto import Vault
from portal.store.tables import CLIENTS, DOMAINS
from tests.builders import change_tenant
from tests.ops.conftest import PASSWORD, SECRET
from tests.ops.stand import KEY, PORTAL, Browser, eventually


def test_sign_in_begun_in_one_finishes_in_the_other(pair: SimpleNamespace):
    browser = Browser()
    back = browser.at_provider(browser.submit(pair.one, "p0@acme.example"))
    answer = browser.get(pair.two, back)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard")
    assert browser.is_signed_in(pair.one)
    assert browser.is_signed_in(pair.two)


def test_state_spent_in_one_is_spent_in_the_other(pair: SimpleNamespace):
    browser = Browser()
    back = browser.at_provider(browser.submit(pair.one, "p1@acme.example"))
    assert browser.get(pair.one, back).status_code == 303
    assert "error=state_mismatch" in browser.get(pair.two, back).headers["Location"]


def test_sign_out_in_one_ends_the_session_in_the_other(pair: SimpleNamespace):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p2@acme.example")
    assert browser.is_signed_in(pair.two)
    session = browser.session.cookies["portal_session"]
    browser.post(pair.one, "/auth/logout", {})
    browser.session.cookies.set("portal_session", session, domain="localhost.local")
    assert not browser.is_signed_in(pair.two)


def test_wrong_passwords_are_counted_over_both(pair: SimpleNamespace):
    browser, email = Browser(), "p3@initech.example"
    both = [pair.one, pair.two]
    codes = [browser.submit(both[n % 2], email, "wrong").status_code for n in range(10)]
    assert codes == [200] * 10
    for portal in both:
        refused = browser.submit(portal, email, PASSWORD)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0


def test_suspended_tenant_is_out_everywhere_within_two_seconds(pair: SimpleNamespace):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p4@acme.example")
    _set_status(pair, "suspended")
    try:
        eventually(lambda: not browser.is_signed_in(pair.two), within=2)
        for portal in (pair.one, pair.two):
            refused = Browser().submit(portal, "p4@acme.example", "typed")
            assert "access is suspended" in refused.text
    finally:
        _set_status(pair, "active")


def _set_status(pair: SimpleNamespace, status: str) -> None:
    with pair.database.transaction() as connection:
        change_tenant(connection, pair.acme, status=status)


def test_changed_domain_is_in_force_everywhere_within_two_seconds(pair: SimpleNamespace):
    def set_policy(policy: str) -> None:
        with pair.database.transaction() as connection:
            here = update(DOMAINS).where(DOMAINS.c.id == pair.domain)
            connection.execute(here.values(policy=policy))
            change_tenant(connection, pair.acme)

    set_policy("password")
    try:
        for portal in (pair.one, pair.two):
            eventually(lambda at=portal: _method(at) == "password", within=2)
    finally:
        set_policy("required")
    for portal in (pair.one, pair.two):
        eventually(lambda at=portal: _method(at) == "sso", within=2)


def _method(portal) -> str:
    answer = requests.post(
        f"{portal.url}/auth/discover",
        json={"email": "x@acme.example"},
        headers={"Host": "localhost:5000"},
        timeout=10,
    )
    return answer.json()["method"]


def test_changed_client_secret_is_used_everywhere_within_two_seconds(pair: SimpleNamespace):
    def set_secret(secret: str) -> None:
        with pair.database.transaction() as connection:
            here = update(CLIENTS).where(CLIENTS.c.id == pair.client)
            connection.execute(here.values(secret=Vault([KEY]).seal(secret)))
            change_tenant(connection, pair.acme)

    def ends_at(portal) -> str:
        return Browser().sign_in_by_sso(portal, "p5@acme.example").headers["Location"]

    set_secret("not what the provider knows")
    try:
        for portal in (pair.one, pair.two):
            eventually(lambda at=portal: "error=oidc_failed" in ends_at(at), within=2)
    finally:
        set_secret(SECRET)
    for portal in (pair.one, pair.two):
        eventually(lambda at=portal: ends_at(at) == "/dashboard", within=2)


@pytest.mark.parametrize("version", ["0001", "nowhere"])
def test_schema_of_another_version_is_noticed_within_fifteen_seconds(
    pair: SimpleNamespace, version: str
):
    def set_version(version: str) -> str:
        with pair.database.transaction() as connection:
            before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
            return str(before)

    right = set_version(version)
    try:
        for portal in (pair.one, pair.two):
            eventually(lambda at=portal: at.get("/readyz").status_code == 503, within=15)
            assert "portal db upgrade" in portal.get("/readyz").json()["checks"]["migrations"]
    finally:
        set_version(right)
    for portal in (pair.one, pair.two):
        eventually(lambda at=portal: at.get("/readyz").status_code == 200, within=15)


def test_upgrades_at_the_same_time_wait_for_each_other(pair: SimpleNamespace):
    with pair.database.transaction() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS fresh CASCADE"))
        connection.execute(text("CREATE SCHEMA fresh"))
    env = {**pair.env, "PORTAL_DATABASE_URL": f"{pair.url}?options=-csearch_path%3Dfresh"}
    running = [
        subprocess.Popen([*PORTAL, "db", "upgrade"], env=env, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in running:
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
    with pair.database.transaction() as connection:
        found = connection.execute(text("SELECT count(*) FROM fresh.alembic_version")).scalar()
        connection.execute(text("DROP SCHEMA fresh CASCADE"))
    assert found == 1


def test_metrics_are_read_by_a_parser_and_name_nobody(pair: SimpleNamespace):
    Browser().submit(pair.one, "p6@initech.example", "wrong")
    page = pair.one.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    samples = families["portal_sign_ins"].samples
    assert any(
        s.labels == {"method": "password", "outcome": "wrong_password"} and s.value >= 1
        for s in samples
    )
    for secret in ("@", "initech", "acme", SECRET):
        assert secret not in page

"""Databases go and come back; people read plain words meanwhile, and nothing is restarted."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from types import SimpleNamespace

from tests.databases import Server
from tests.ops.conftest import PASSWORD
from tests.ops.stand import Browser, Portal, eventually, run


def readiness(portal: Portal) -> tuple[int, dict[str, str]]:
    answer = portal.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_redis_gone_is_named_and_signs_people_in(pair: SimpleNamespace, redis: Server):
    assert readiness(pair.one) == (200, {"database": "ok", "migrations": "ok", "cache": "ok"})
    redis.stop()
    try:
        began = time.monotonic()
        status, checks = readiness(pair.one)
        assert time.monotonic() - began < 4
        assert (status, checks["cache"], checks["database"]) == (200, "down", "ok")
        browser = Browser()
        assert browser.sign_in_by_sso(pair.one, "p10@acme.example").status_code == 303
        answer = Browser().submit(pair.two, "p10@initech.example", PASSWORD)
        assert answer.status_code == 303
    finally:
        redis.start()
    eventually(lambda: readiness(pair.one)[1]["cache"] == "ok", within=10)


def test_database_gone_is_a_plain_503_and_heals_within_ten_seconds(
    pair: SimpleNamespace, postgresql: Server
):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p11@acme.example")
    browser.csrf_token(pair.two)
    postgresql.stop()
    try:
        for portal in (pair.one, pair.two):
            assert portal.get("/healthz").status_code == 200
            status, checks = readiness(portal)
            assert (status, checks["database"]) == (503, "down")
        _check_page(browser.get(pair.one, "/dashboard"))
        _check_page(browser.submit(pair.two, "p11@acme.example"))
        _check_page(browser.submit(pair.two, "p11@initech.example", PASSWORD))
        _check_page(browser.get(pair.two, "/auth/callback/acme?state=x&code=y"), or_else=302)
        assert browser.get(pair.one, "/login").status_code in {200, 503}
    finally:
        postgresql.start()
    began = time.monotonic()
    for portal in (pair.one, pair.two):
        eventually(lambda at=portal: readiness(at)[0] == 200, within=10)
        eventually(lambda at=portal: browser.is_signed_in(at), within=10)
    assert Browser().sign_in_by_sso(pair.two, "p12@acme.example").status_code == 303
    assert time.monotonic() - began < 10
    assert pair.one.process.poll() is None


def test_database_that_hangs_keeps_nobody_waiting_and_heals_within_ten_seconds(
    pair: SimpleNamespace, postgresql: Server
):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p13@acme.example")
    browser.csrf_token(pair.two)
    with in_steady_use(pair.one), in_steady_use(pair.two):
        postgresql.hang()
        try:
            for portal in (pair.one, pair.two):
                began = time.monotonic()
                status, checks = readiness(portal)
                assert (status, checks["database"]) == (503, "down")
                assert time.monotonic() - began < 5, "found out once, in seconds"
                began = time.monotonic()
                assert portal.get("/healthz").status_code == 200
                _check_page(browser.get(portal, "/dashboard"))
                _check_page(browser.submit(portal, "p13@acme.example"))
                _check_page(browser.submit(portal, "p13@initech.example", PASSWORD))
                assert time.monotonic() - began < 3, "and then nobody waits"
        finally:
            postgresql.go_on()
        for portal in (pair.one, pair.two):
            eventually(lambda at=portal: readiness(at)[0] == 200, within=10)
            eventually(lambda at=portal: browser.is_signed_in(at), within=10)


def test_connections_that_hang_alone_are_given_up_and_others_sign_people_in(
    pair: SimpleNamespace, postgresql: Server
):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p15@acme.example")
    browser.csrf_token(pair.one)
    postgresql.hang_open_connections()
    try:
        began = time.monotonic()
        _check_page(browser.submit(pair.one, "p15@acme.example"), or_else=302)
        _check_page(browser.submit(pair.one, "p15@initech.example", PASSWORD), or_else=303)
        assert readiness(pair.one)[0] in {200, 503}
        assert time.monotonic() - began < 35, "each waits for one answer at the most"
        eventually(lambda: readiness(pair.one)[0] == 200, within=10)
        began = time.monotonic()
        assert Browser().sign_in_by_sso(pair.one, "p16@acme.example").status_code == 303
        assert Browser().submit(pair.one, "p16@initech.example", PASSWORD).status_code == 303
        assert time.monotonic() - began < 10
    finally:
        postgresql.go_on()
    eventually(lambda: readiness(pair.two)[0] == 200, within=10)


def test_doctor_names_a_database_that_hangs_and_prints_nothing_else(
    pair: SimpleNamespace, postgresql: Server, tmp_path
):
    postgresql.hang()
    try:
        told = run("doctor", "--json", env=pair.env, folder=tmp_path)
    finally:
        postgresql.go_on()
    states = {check["name"]: check["state"] for check in json.loads(told.stdout)["checks"]}
    assert (told.returncode, states["database"]) == (1, "failure")


def test_restarted_database_costs_nobody_a_page(pair: SimpleNamespace, postgresql: Server):
    browser = Browser()
    browser.sign_in_by_sso(pair.one, "p14@acme.example")
    with in_steady_use(pair.one):
        pass
    assert [browser.is_signed_in(pair.one) for _ in range(4)] == [True] * 4
    postgresql.stop()
    postgresql.start()
    assert [browser.is_signed_in(pair.one) for _ in range(20)] == [True] * 20


@contextmanager
def in_steady_use(portal: Portal) -> Iterator[None]:
    """Have people look at a page that asks the database, so that connections are open and busy."""
    over = Event()

    def look() -> None:
        while not over.is_set():
            portal.get("/readyz")

    with ThreadPoolExecutor(8) as people:
        for _ in range(8):
            people.submit(look)
        try:
            time.sleep(0.3)
            yield
        finally:
            over.set()


def _check_page(answer, *, or_else: int = 503) -> None:
    assert answer.status_code in {503, or_else}, (answer.status_code, answer.text)
    if answer.status_code == 503:
        assert re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", answer.text), "no reference"
        assert "Retry-After" in answer.headers

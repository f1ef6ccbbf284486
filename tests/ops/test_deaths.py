"""Workers are killed and servers are stopped under load; what was answered holds."""

import os
import signal
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import psycopg
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tests.ops.conftest import PASSWORD
from tests.ops.stand import Browser, Portal, eventually

LOADERS = 4


class Load:
    """People who sign in by password, one after the other, until told to stop."""

    def __init__(self, portal: Portal) -> None:
        self.signed_in: list[Browser] = []
        self.broken: list[str] = []
        self._portal = portal
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(LOADERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._over.is_set():
            browser = Browser()
            try:
                answer = browser.submit(self._portal, f"p{number}@initech.example", PASSWORD)
            except requests.ConnectionError as error:
                self.broken.append(str(error))
                time.sleep(0.05)
                continue
            if answer.status_code == 303:
                self.signed_in.append(browser)
            else:
                self.broken.append(f"{answer.status_code}")


def successes(portal: Portal) -> float:
    page = portal.get("/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "portal_sign_ins_total" and sample.labels["outcome"] == "success"
    )


def test_killed_worker_loses_no_session_and_no_count_and_is_replaced(crew: SimpleNamespace):
    portal = crew.portal
    with Load(portal) as load:
        eventually(lambda: len(load.signed_in) >= 8, within=20)
        victim = portal.workers[0]
        os.kill(victim, signal.SIGKILL)
        before = len(load.signed_in)
        eventually(lambda: len(portal.workers) == 2 and victim not in portal.workers, within=15)
        eventually(lambda: len(load.signed_in) >= before + 8, within=20)
    assert all(browser.is_signed_in(portal) for browser in load.signed_in)
    assert successes(portal) >= len(load.signed_in)
    with crew.database.read() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_sigterm_under_load_answers_what_is_under_way_and_ends_in_time(crew: SimpleNamespace):
    portal = crew.portal
    with Load(portal) as load:
        eventually(lambda: len(load.signed_in) >= 4, within=20)
        took = portal.end(signal.SIGTERM)
    assert took < 30
    cut_short = [why for why in load.broken if "refused" not in why.lower()]
    assert cut_short == []
    assert not Path(f"/proc/{portal.process.pid}").exists()
    with crew.database.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM sessions")).scalar()
    assert kept >= len(load.signed_in)


def test_requests_that_nobody_waits_for_let_a_server_end_without_a_word(
    pair: SimpleNamespace, tmp_path: Path
):
    """Their threads come back from the database to a process that is ending."""
    portal = Portal(tmp_path / "ending", pair.env).wait()
    try:
        forms = [
            Browser().raw_submit(portal, f"p{n}@initech.example", PASSWORD) for n in range(12, 18)
        ]
        with psycopg.connect(pair.url) as other, psycopg.connect(pair.url, autocommit=True) as look:
            other.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            with ExitStack() as lines:
                for form in forms:
                    line = socket.create_connection(("127.0.0.1", portal.port), timeout=20)
                    lines.enter_context(line).sendall(form)
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                eventually(lambda: look.execute(waiting).fetchone()[0] >= 3, within=8)
            assert portal.end(signal.SIGTERM) < 30
    finally:
        portal.end()
    assert portal.process.returncode == 0
    said = portal.log.read_text()
    assert "panicked" not in said, said
    assert "Fatal Python error" not in said, said

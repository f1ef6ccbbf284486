"""Wrong passwords from very many networks at once, each below its limit, over HTTP."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.store.engine import Database
from tests.ops.conftest import PASSWORD, fill
from tests.ops.stand import Browser, Portal, environment, eventually

BOTS = 80  # more than a worker has threads
PERSON = "p1@initech.example"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """One worker behind a proxy that names the network of each visitor."""
    database = Database(f"sqlite:///{tmp_path / 'portal.db'}")
    fill(database, "https://idp.example")
    url = database.url.render_as_string(hide_password=False)
    database.close()
    env = environment(tmp_path, PORTAL_DATABASE_URL=url, PORTAL_TRUSTED_PROXIES="1")
    portal = Portal(tmp_path / "one", env)
    try:
        yield portal.wait()
    finally:
        portal.end()


class Botnet:
    """Strangers who guess, each time from another network and for another address."""

    def __init__(self, portal: Portal) -> None:
        self.answers: Counter[int] = Counter()
        self._portal = portal
        self._over = threading.Event()
        self._bots = ThreadPoolExecutor(BOTS)
        for number in range(BOTS):
            self._bots.submit(self._guess, number)

    def _guess(self, number: int) -> None:
        bot, tries = Browser(), 0
        while not self._over.is_set():
            tries += 1
            bot.session.headers["X-Forwarded-For"] = f"198.18.{number}.{tries % 250}"
            email = f"somebody@d{tries}.b{number}.example"
            self.answers[bot.submit(self._portal, email, "wrong").status_code] += 1

    def end(self) -> None:
        self._over.set()
        self._bots.shutdown()


def test_who_signed_in_before_comes_in_through_a_flood_of_strangers(portal: Portal):
    known = Browser()
    known.session.headers["X-Forwarded-For"] = "203.0.113.9"
    assert known.submit(portal, PERSON, PASSWORD).status_code == 303
    botnet = Botnet(portal)
    try:
        eventually(lambda: botnet.answers[429] > BOTS / 2, within=60)
        assert [known.submit(portal, PERSON, PASSWORD).status_code for _ in range(4)] == [303] * 4
    finally:
        botnet.end()
    assert set(botnet.answers) == {200, 429}

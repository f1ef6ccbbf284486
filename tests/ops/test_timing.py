"""Time tells nobody which addresses have an account: real argon2, the whole request."""

import statistics
import time

import pytest

from portal.app import create_app
from portal.crypto import Passwords
from portal.services import build_services
from portal.store.engine import Database
from tests.builders import add_domain, add_tenant, add_user
from tests.visitor import Visitor

ROUNDS = 5


@pytest.fixture
def visitor(sqlite_database: Database, make_settings) -> Visitor:
    passwords = Passwords()
    with sqlite_database.transaction() as connection:
        tenant = add_tenant(connection)
        add_domain(connection, tenant, policy="password")
        hashed = passwords.hash("correct horse battery")
        for n in range(ROUNDS):
            add_user(connection, f"known{n}@acme.example", tenant, password_hash=hashed)
    settings = make_settings(
        PORTAL_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False)
    )
    return Visitor(create_app(build_services(settings, passwords=passwords)))


def test_wrong_password_takes_as_long_for_addresses_that_nobody_has(visitor: Visitor):
    token = visitor.csrf_token()

    def cpu_seconds(email: str) -> float:
        form = {"email": email, "password": "wrong", "csrf_token": token}
        began = time.process_time()  # what neighbours on the machine do does not count
        answer = visitor.client.post("/auth/login", base_url=visitor.base, data=form)
        took = time.process_time() - began
        assert "don’t match" in answer.text
        return took

    cpu_seconds("warm@acme.example")
    known, unknown = [], []
    for n in range(ROUNDS):
        known.append(cpu_seconds(f"known{n}@acme.example"))
        unknown.append(cpu_seconds(f"nobody{n}@acme.example"))
    apart = abs(statistics.median(known) - statistics.median(unknown))
    noise = max(statistics.stdev(known), statistics.stdev(unknown))
    assert statistics.median(unknown) > 0.02, "the check for an unknown address is no check"
    assert apart < max(2 * noise, 0.1 * statistics.median(known)), (known, unknown)

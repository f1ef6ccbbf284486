"""Keys change while people stay signed in; a lost one is named and stops nobody else."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from portal.crypto import UnreadableSecretError, Vault, new_key
from portal.flows.key_rotation import rotate
from portal.store.engine import Database
from portal.store.tables import CLIENTS
from tests.builders import add_client, add_tenant
from tests.ops.conftest import SECRET
from tests.ops.stand import KEY, Browser, Portal, eventually, run

OLD, NEW = new_key(), new_key()


def secrets_of(database: Database) -> list:
    with database.read() as connection:
        return list(connection.execute(select(CLIENTS.c.secret)).scalars())


def test_rotation_seals_everything_under_the_newest_key_in_batches(database: Database, monkeypatch):
    monkeypatch.setattr("portal.flows.key_rotation.BATCH", 2)
    with database.transaction() as connection:
        tenant = add_tenant(connection)
        for n in range(5):
            secret = Vault([OLD]).seal(f"secret {n}")
            add_client(connection, tenant, key=f"c{n}", secret=secret, private_key=secret)
        add_client(connection, tenant, key="public", secret=None)
    seen: list[tuple[int, int]] = []
    done = rotate(database, Vault([NEW, OLD]), progress=lambda *at: seen.append(at))
    assert (done.done, done.lost) == (10, ())
    assert seen[-1] == (10, 10)
    assert len(seen) == 6
    opened = [Vault([NEW]).open(secret) for secret in secrets_of(database) if secret]
    assert opened == [f"secret {n}" for n in range(5)]


def test_rotation_names_what_no_key_opens_and_leaves_it_as_it_was(database: Database):
    lost = Vault([new_key()]).seal("lost")
    with database.transaction() as connection:
        tenant = add_tenant(connection)
        add_client(connection, tenant, key="good", secret=Vault([OLD]).seal("good"))
        add_client(connection, tenant, key="bad", secret=lost)
    done = rotate(database, Vault([NEW, OLD]), progress=lambda *_: None)
    assert (done.done, done.lost) == (1, ("acme/bad",))
    assert lost in secrets_of(database)


def test_rotation_does_not_undo_what_was_written_meanwhile(database: Database):
    with database.transaction() as connection:
        tenant = add_tenant(connection)
        client = add_client(connection, tenant, secret=Vault([OLD]).seal("old secret"))
    newer = Vault([NEW]).seal("new secret")

    class Slow(Vault):
        def reseal(self, sealed):
            with database.transaction() as connection:
                here = update(CLIENTS).where(CLIENTS.c.id == client)
                connection.execute(here.values(secret=newer))
            return super().reseal(sealed)

    rotate(database, Slow([NEW, OLD]), progress=lambda *_: None)
    assert secrets_of(database) == [newer]


def test_rotated_portal_works_without_the_old_key_and_nobody_is_signed_out(
    crew: SimpleNamespace, tmp_path
):
    browser = Browser()
    browser.sign_in_by_sso(crew.portal, "p20@acme.example")
    both = {**crew.env, "PORTAL_ENCRYPTION_KEYS": f"{NEW},{KEY}"}
    done = run("keys", "rotate", env=both, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 secrets" in done.stdout  # the client's, and the session's ID token
    crew.portal.end()
    after = {**crew.env, "PORTAL_ENCRYPTION_KEYS": NEW, "PORTAL_SECRET_KEY": "another secret key"}
    portal = Portal(tmp_path / "after", after).wait()
    try:
        assert browser.is_signed_in(portal)
        assert Browser().sign_in_by_sso(portal, "p21@acme.example").status_code == 303
        stale = browser.post(portal, "/auth/logout", {})  # its token is of the old secret key
        assert stale.status_code == 400
        assert "open" in stale.text.lower()
    finally:
        portal.end()


def test_lost_key_is_named_at_the_start_and_stops_only_its_clients(crew: SimpleNamespace, tmp_path):
    crew.portal.end()
    portal = Portal(tmp_path / "lost", {**crew.env, "PORTAL_ENCRYPTION_KEYS": NEW}).wait()
    try:
        refused = Browser().submit(portal, "p22@acme.example")
        assert "Single sign-on isn’t available right now" in refused.text
        assert (
            Browser().submit(portal, "p0@initech.example", "correct horse battery").status_code
            == 303
        )
        eventually(lambda: "client.unusable" in portal.log.read_text(), within=30)
        (named,) = [
            line for line in portal.log.read_text().splitlines() if "client.unusable" in line
        ]
        assert "client=main tenant=acme" in named
    finally:
        portal.end()


def test_attempt_under_way_when_the_secret_key_changes_starts_again_with_a_clear_page(
    crew: SimpleNamespace, tmp_path
):
    browser = Browser()
    back = browser.at_provider(browser.submit(crew.portal, "p23@acme.example"))
    crew.portal.end()
    portal = Portal(tmp_path / "new", {**crew.env, "PORTAL_SECRET_KEY": "quite another key"}).wait()
    try:
        answer = browser.get(portal, back)
        assert "/login?error=state_mismatch" in answer.headers["Location"]
        page = browser.get(portal, answer.headers["Location"])
        assert "didn’t finish" in page.text
    finally:
        portal.end()


def test_vault_without_the_old_key_opens_nothing_old():
    with pytest.raises(UnreadableSecretError):
        Vault([NEW]).open(Vault([OLD]).seal(SECRET))

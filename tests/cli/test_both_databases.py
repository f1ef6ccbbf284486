"""Commands that read or rewrite the registry do so on SQLite and on PostgreSQL."""

import pytest
from sqlalchemy import select

from portal.crypto import Vault, new_key
from portal.store.engine import Database
from portal.store.tables import CLIENTS
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user

OLD, NEW = new_key(), new_key()


@pytest.fixture
def at(portal, database: Database):
    """Run a command on a registry of one company, under the old key and a new one."""
    with database.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(connection, acme, secret=Vault([OLD]).seal("x"), secret_ref="env:ACME")
        okta = add_connection(connection, acme, client_id=client)
        add_domain(connection, acme, connections=(okta,), policy="required")
        add_user(connection, "ops@portal.example")
    url = database.url.render_as_string(hide_password=False)
    keys = {"PORTAL_DATABASE_URL": url, "PORTAL_ENCRYPTION_KEYS": f"{NEW},{OLD}"}
    return lambda *words, **more: portal(*words, **{**keys, **more})


def test_doctor_goes_through_the_whole_registry(at):
    found = at("doctor")
    assert "registry: 1 tenant, 1 domain" in found.out
    assert "ok       shared clients" in found.out
    assert "client acme/main" in found.out


def test_explain_and_export_read_the_registry(at, tmp_path):
    assert "signs in with SSO" in at("explain", "ann@acme.example").out
    assert at("seed", "export", str(tmp_path / "out")).status == 0
    assert "acme.example" in (tmp_path / "out" / "acme.yaml").read_text()


def test_rotated_secrets_open_without_the_old_key(at, database: Database):
    assert at("keys", "rotate").status == 0
    with database.read() as connection:
        sealed = connection.execute(select(CLIENTS.c.secret)).scalar_one()
    assert Vault([NEW]).open(sealed) == "x"

"""What the tests of commands share."""

import json

import pytest

from portal.crypto import Vault
from portal.settings import load_settings
from portal.store.engine import Database
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user
from tests.cli.in_process import InProcess
from tests.cli.small_issuer import SECRET, Issuer
from tests.databases import migrate


@pytest.fixture
def portal(tmp_path, monkeypatch, capsys) -> InProcess:
    return InProcess(tmp_path, monkeypatch, capsys)


@pytest.fixture
def registry(tmp_path):
    """The migrated, empty database that commands run in `tmp_path` find by default."""
    (tmp_path / "instance").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'instance' / 'portal.db'}")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.close()


@pytest.fixture
def vault(tmp_path):
    """The vault of the keys that the commands find in their instance folder."""
    settings = load_settings({"PORTAL_INSTANCE_DIR": str(tmp_path / "instance")}, folder=tmp_path)
    return Vault([key.get_secret_value() for key in settings.encryption_keys])


@pytest.fixture
def sound(registry, issuer, vault):
    """A registry that nothing is wrong with; give what tests change."""
    with registry.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(
            connection,
            acme,
            issuer=issuer.url,
            secret=vault.seal(SECRET),
            secret_ref="env:ACME",
            origin="seed",
        )
        okta = add_connection(connection, acme, client_id=client)
        add_domain(connection, acme, connections=(okta,), policy="required")
        add_user(
            connection,
            "it@acme.example",
            acme,
            role="admin",
            sso_exempt=True,
            password_hash="x",
        )
        add_user(connection, "ops@portal.example")
    return registry


@pytest.fixture
def look(portal):
    """Run the doctor on local issuers; give its findings by name, and its exit status."""

    def run(**environ):
        ended = portal("doctor", "--json", **{"PORTAL_ALLOW_LOCAL_ISSUERS": "true", **environ})
        assert SECRET not in ended.out + ended.err
        report = json.loads(ended.out)
        assert set(report) == {"state", "checks"}
        assert (ended.status == 1) is (report["state"] == "failure")
        for check in report["checks"]:
            assert list(check) == ["name", "state", "detail", "mend"]
            assert (check["mend"] is None) is (check["state"] == "ok")
        return ended.status, {check["name"]: check for check in report["checks"]}

    return run

"""What the tests of commands share."""

import pytest

from portal.store import schema
from portal.store.engine import Database
from tests.cli.in_process import InProcess


@pytest.fixture
def portal(tmp_path, monkeypatch, capsys) -> InProcess:
    return InProcess(tmp_path, monkeypatch, capsys)


@pytest.fixture
def registry(tmp_path):
    """The migrated, empty database that commands run in `tmp_path` find by default."""
    (tmp_path / "instance").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'instance' / 'portal.db'}")
    schema.upgrade(database)
    yield database
    database.close()

"""No SQLite file where the settings say: commands say so, and leave none behind."""

import json

import pytest

from portal.core.address import Address
from portal.services import build_services
from portal.settings import load_settings
from portal.store import schema
from portal.store.engine import DatabaseMissingError

COMMANDS = [
    ("seed", "plan", "seeds"),
    ("seed", "apply", "seeds", "--yes"),
    ("seed", "export", "out"),
    ("explain", "ann@acme.example"),
    ("keys", "rotate"),
    ("db", "current"),
    ("serve", "--port", "65000"),
]


@pytest.fixture
def seeds(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "acme.yaml").write_text("tenant: acme\nname: Acme\n")


def left_behind(folder) -> list[str]:
    return sorted({file.name for file in folder.iterdir()} - {"instance", "seeds"})


@pytest.mark.usefixtures("seeds")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_says_that_the_file_does_not_exist_and_makes_none(portal, tmp_path, words):
    ended = portal(*words, PORTAL_DATABASE_URL="sqlite:///new.db")
    assert (ended.status, ended.out) == (1, "")
    assert f"{tmp_path / 'new.db'} does not exist" in ended.err
    assert "portal db upgrade" in ended.err
    assert "Traceback" not in ended.err
    assert left_behind(tmp_path) == []


def test_the_doctor_says_so_with_its_mend_and_makes_none(portal, tmp_path):
    ended = portal("doctor", "--json", PORTAL_DATABASE_URL="sqlite:///new.db")
    found = {check["name"]: check for check in json.loads(ended.out)["checks"]}
    assert ended.status == 1
    assert found["database"]["detail"] == f"{tmp_path / 'new.db'} does not exist"
    assert "portal db upgrade" in found["database"]["mend"]
    assert left_behind(tmp_path) == []


@pytest.mark.usefixtures("seeds")
def test_seed_files_answer_alone_where_there_is_no_file(portal, tmp_path):
    words = ("explain", "ann@acme.example", "--seeds", "seeds")
    ended = portal(*words, PORTAL_DATABASE_URL="sqlite:///new.db")
    assert ended.status == 0, ended.err
    assert "the files answer alone" in ended.err
    assert left_behind(tmp_path) == []


def test_an_upgrade_makes_the_file(portal, tmp_path):
    ended = portal("db", "upgrade", PORTAL_DATABASE_URL="sqlite:///new.db")
    assert ended.out == f"Migrated to {schema.head()}.\n"
    assert portal("db", "current", PORTAL_DATABASE_URL="sqlite:///new.db").status == 0
    assert (tmp_path / "new.db").stat().st_mode & 0o133 == 0


def test_a_portal_whose_file_is_taken_away_makes_no_other_and_goes_on_once_it_is_back(tmp_path):
    file, away = tmp_path / "portal.db", tmp_path / "away.db"
    given = {"PORTAL_DATABASE_URL": f"sqlite:///{file}", "PORTAL_INSTANCE_DIR": str(tmp_path / "i")}
    services = build_services(load_settings(given, folder=tmp_path))
    schema.upgrade(services.database)
    services.database.close()  # so that the next one connects anew
    file.rename(away)
    address = Address.parse("ann@acme.example")
    with pytest.raises(DatabaseMissingError):
        services.registry.candidates_and_account(address)
    assert services.readiness().checks["database"] == "down"
    assert not file.exists()
    away.rename(file)
    assert services.registry.candidates_and_account(address) == ([], None)
    assert services.readiness().is_ready
    services.close()

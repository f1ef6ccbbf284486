"""The fixture vocabulary: database, services, app, client, signed_in."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from portal.crypto import Passwords
from portal.settings import Settings, load_settings
from portal.store.engine import Database
from tests.databases import migrate, postgresql_server, redis_server

settings.register_profile(
    "portal",
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("portal")

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of its own, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'portal.db'}"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty SQLite database, for what does not depend on the back end."""
    database = Database(f"sqlite:///{tmp_path / 'portal.db'}")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def cheap_passwords() -> Passwords:
    """argon2id at its cheapest: the same code in a hundredth of the time."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), at_once=8)


@pytest.fixture
def make_settings(tmp_path: Path):
    """Make settings of a folder of their own, with what a test changes."""

    def make(**environ: str) -> Settings:
        values = {"PORTAL_INSTANCE_DIR": str(tmp_path / "instance"), **environ}
        return load_settings(values, folder=tmp_path)

    return make

"""A backup is put into another database as docs/operations.md says, and people sign in there."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher

from portal.app import create_app
from portal.services import build_services
from portal.store import schema
from portal.store.engine import Database
from tests.builders import add_domain, add_tenant, add_user
from tests.databases import missing, postgresql_binaries
from tests.ops.stand import environment, run
from tests.visitor import Visitor

PASSWORD = "correct horse battery"
PERSON = "ann@acme.example"


@pytest.fixture
def signs_in(make_settings) -> Callable[[str], bool]:
    """Whether somebody signs in at a portal on the database of this URL."""

    def try_it(url: str) -> bool:
        services = build_services(make_settings(PORTAL_DATABASE_URL=url))
        try:
            visitor = Visitor(create_app(services))
            visitor.submit(PERSON, PASSWORD)
            return visitor.get("/dashboard").status_code == 200
        finally:
            services.close()

    return try_it


def fill(database: Database) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.transaction() as connection:
        acme = add_tenant(connection)
        add_domain(connection, acme, policy="password")
        add_user(connection, PERSON, acme, password_hash=cheap)


@pytest.fixture
def two_databases(postgresql_url: str) -> Iterator[list[str]]:
    """Two empty databases of one PostgreSQL."""
    names = [f"restore_{uuid4().hex}" for _ in range(2)]
    with psycopg.connect(f"{postgresql_url}/postgres", autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}"')
        yield [f"{postgresql_url}/{name}" for name in names]
        for name in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def client(name: str) -> str:
    """Give one of PostgreSQL's own commands, from beside the server or anywhere."""
    beside = postgresql_binaries()
    found = shutil.which(name, path=str(beside)) or shutil.which(name)
    if found is None:
        missing(name)
    assert found is not None
    return found


def test_a_postgresql_dump_is_restored_into_a_new_database(
    two_databases: list[str], tmp_path: Path, signs_in
):
    live, restored = two_databases
    database = Database(live)
    schema.upgrade(database)
    fill(database)
    database.close()
    dump = tmp_path / "portal.dump"
    subprocess.run([client("pg_dump"), "--format=custom", f"--file={dump}", live], check=True)
    subprocess.run(
        [client("pg_restore"), "--exit-on-error", f"--dbname={restored}", dump], check=True
    )
    assert signs_in(restored)


def test_a_sqlite_backup_is_put_in_the_place_of_the_file(tmp_path: Path, signs_in):
    live, copy = tmp_path / "portal.db", tmp_path / "copy.db"
    database = Database(f"sqlite:///{live}")
    schema.upgrade(database)
    fill(database)
    env = environment(tmp_path, PORTAL_DATABASE_URL=f"sqlite:///{live}")
    done = run("backup", str(copy), env=env, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with database.transaction() as connection:
        add_tenant(connection, "later")
    database.close()
    shutil.copy(copy, live)
    for left in ("portal.db-wal", "portal.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    assert signs_in(f"sqlite:///{live}")
    assert signs_in(f"sqlite:///{copy}")

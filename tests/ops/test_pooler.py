"""A pooler before PostgreSQL is fit for the portal, or told of with the mend at the start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from portal.store import pooler, schema
from portal.store.engine import Database
from portal.store.pooler import Lending, PoolerError
from tests.databases import Server, pgbouncer_keeps_statements, pooled
from tests.ops.stand import environment, run

SEED = "tenant: acme\nname: Acme\ndomains:\n  acme.example: {policy: password}\n"


@pytest.fixture(scope="module")
def name(postgresql: Server) -> str:
    """A migrated database."""
    name = f"pooler_{uuid4().hex}"
    with psycopg.connect(f"{postgresql.url}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    with opened(f"{postgresql.url}/{name}") as database:
        schema.upgrade(database)
    return name


@pytest.fixture
def forgetful(postgresql: Server, name: str) -> Iterator[str]:
    """The database behind a pooler that loses prepared statements."""
    without = {"max_prepared_statements": 0} if pgbouncer_keeps_statements() else {}
    with pooled(postgresql.url, pool_mode="transaction", **without) as url:
        yield f"{url}/{name}"


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def lending_at(url: str) -> Lending:
    with opened(url) as database:
        return pooler.lending(database)


def test_connections_to_the_server_itself_are_ones_own(
    postgresql: Server, name: str, tmp_path: Path
):
    assert lending_at(f"{postgresql.url}/{name}") is Lending.FOR_GOOD
    assert lending_at(f"sqlite:///{tmp_path / 'portal.db'}") is Lending.FOR_GOOD


def test_pooler_in_session_mode_is_fit_for_everything(
    postgresql: Server, name: str, tmp_path: Path
):
    with pooled(postgresql.url, pool_mode="session") as url:
        assert lending_at(f"{url}/{name}") is Lending.FOR_GOOD
        env = environment(tmp_path, PORTAL_DATABASE_URL=f"{url}/{name}")
        (tmp_path / "acme.yaml").write_text(SEED)
        applied = run("seed", "apply", "acme.yaml", "--yes", env=env, folder=tmp_path)
        assert applied.returncode == 0, applied.stderr


def test_pooler_that_loses_statements_is_named_by_doctor_and_keeps_the_server_from_starting(
    forgetful: str, tmp_path: Path
):
    env = environment(tmp_path, PORTAL_DATABASE_URL=forgetful)
    told = run("doctor", env=env, folder=tmp_path)
    assert told.returncode == 1
    [line] = [line for line in told.stdout.splitlines() if "pooler: " in line]
    assert line.startswith("failure")
    assert "set its pool_mode to session, or use PgBouncer 1.21 or newer" in line
    refused = run("serve", env=env, folder=tmp_path)
    assert refused.returncode == 1
    assert "loses prepared statements: set its pool_mode to session" in refused.stderr


def test_no_plan_is_made_where_its_temporary_tables_could_be_anothers(
    forgetful: str, tmp_path: Path
):
    env = environment(tmp_path, PORTAL_DATABASE_URL=forgetful)
    (tmp_path / "acme.yaml").write_text(SEED)
    refused = run("seed", "plan", "acme.yaml", env=env, folder=tmp_path)
    assert refused.returncode == 1
    assert "give `portal seed` PostgreSQL's own address" in refused.stderr
    assert "Traceback" not in refused.stderr


class Shared:
    """A database whose pooler knows of prepared statements, and serves all by one connection."""

    is_sqlite = False

    @contextmanager
    def quick_read(self) -> Iterator[Any]:
        answer = SimpleNamespace(rows=lambda: [(4711,)])
        yield SimpleNamespace(lane=SimpleNamespace(ask=lambda *_: answer))


def test_pooler_that_keeps_statements_may_lend_by_transaction_but_not_to_seeds():
    shared: Any = Shared()
    assert pooler.lending(shared) is Lending.BY_TRANSACTION
    pooler.check_statements_stay(shared)
    with pytest.raises(PoolerError, match="own address"):
        pooler.check_connections_stay(shared)

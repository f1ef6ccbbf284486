"""Two versions side by side on one database: people sign in while one takes the other's place."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest

import portal
from portal.cli.demo_provider import ProviderControl
from portal.store import schema
from portal.store.engine import Database
from tests.databases import Server
from tests.ops.conftest import PASSWORD, fill
from tests.ops.stand import Browser, Portal, environment, eventually, run

CHECKOUT = Path(portal.__file__).parents[1]
STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
fits_from = {fits_from!r}


def upgrade() -> None:
    op.add_column("users", sa.Column("{revision}", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("{revision}", sa.Integer(), server_default="7"))


def downgrade() -> None:
    op.drop_column("sessions", "{revision}")
    op.drop_column("users", "{revision}")
"""


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The program with a migration more, which only adds."""
    folder = tmp_path / "next version"
    for part in ("portal", "admin", "templates"):
        shutil.copytree(CHECKOUT / part, folder / part)
    add_migration(folder, "next1", before=schema.head(), fits_from=None)
    return folder


def add_migration(version: Path, revision: str, *, before: str, fits_from: str | None) -> None:
    step = STEP.format(revision=revision, before=before, fits_from=fits_from)
    (version / f"portal/store/migrations/versions/{revision}.py").write_text(step)


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(
    request: pytest.FixtureRequest, provider: ProviderControl, tmp_path: Path
) -> Iterator[SimpleNamespace]:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        name = f"upgrade_{uuid4().hex}"
        with psycopg.connect(f"{server.url}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        url = f"{server.url}/{name}"
    database = Database(url)
    fill(database, provider.issuer)
    yield SimpleNamespace(env=environment(tmp_path, PORTAL_DATABASE_URL=url))
    database.close()


def test_old_servers_sign_people_in_while_and_after_the_schema_grows(
    registry: SimpleNamespace, next_version: Path, tmp_path: Path
):
    env = registry.env
    of_next = {**env, "PYTHONPATH": str(next_version)}
    old = Portal(tmp_path / "old", env).wait()
    new = None
    try:
        early, answers, over = Browser(), [], threading.Event()
        assert early.submit(old, "p0@initech.example", PASSWORD).status_code == 303

        def keep_signing_in() -> None:
            while not over.is_set():
                answer = Browser().submit(old, "p1@initech.example", PASSWORD)
                answers.append(answer.status_code)

        load = threading.Thread(target=keep_signing_in)
        load.start()
        upgraded = run("db", "upgrade", env=of_next, folder=next_version)
        before = len(answers)
        eventually(lambda: len(answers) > before + 1, within=20)
        over.set()
        load.join()
        assert upgraded.stdout == "Migrated to next1.\n", upgraded.stderr
        assert set(answers) == {303}
        assert old.get("/readyz").status_code == 200

        new = Portal(next_version, of_next).wait()
        assert early.is_signed_in(new)
        assert Browser().sign_in_by_sso(old, "p1@acme.example").status_code == 303
        late = Browser()
        assert late.get(new, late.at_provider(late.submit(old, "p2@acme.example"))).is_redirect
        assert late.is_signed_in(old)

        add_migration(next_version, "next2", before="next1", fits_from="next2")
        assert run("db", "upgrade", env=of_next, folder=next_version).returncode == 0
        eventually(lambda: old.get("/readyz").status_code == 503, within=15)
        said = old.get("/readyz").json()["checks"]["migrations"]
        assert "is too old for: install a newer one" in said
    finally:
        old.end()
        if new:
            new.end()

"""Migrations: reversible, in agreement with the models, safe to run twice at once."""

import inspect as python
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import portal.store.partial_indexes  # noqa: F401 - so that the metadata knows every index and table
from portal.store import schema
from portal.store.columns import METADATA
from portal.store.engine import Database


def test_migrated_schema_is_what_the_models_say(database: Database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_every_migration_can_be_undone(database: Database):
    schema.downgrade(database, "base")
    tables = inspect(database.engine).get_table_names()
    assert set(tables) <= {"alembic_version"}
    schema.upgrade(database)
    with database.read() as connection:
        assert schema.current(connection) == schema.head()


def test_several_upgrades_at_once_end_well(database_url: str):
    databases = [Database(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(schema.upgrade, databases))
    with databases[0].read() as connection:
        assert schema.current(connection) == schema.head()
    for one in databases:
        one.close()


def test_database_that_was_never_migrated_is_named_with_the_mend(database_url: str):
    database = Database(database_url)
    database.make_file()
    with pytest.raises(schema.NotMigratedError, match="portal db upgrade"):
        schema.check_migrated(database)
    database.close()


def test_revisions_are_those_that_alembic_finds():
    """They are told by the names of the files, so that a worker need not load Alembic."""
    scripts = schema._scripts()
    assert schema.head() == scripts.get_current_head()
    assert schema._known() == {step.revision for step in scripts.walk_revisions()}


# --- versions side by side

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
fits_from = {fits_from!r}


def upgrade() -> None:
    op.add_column("tenants", sa.Column("note_{revision}", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenants", "note_{revision}")
"""


@contextmanager
def version(monkeypatch: pytest.MonkeyPatch, folder: Path, **later: str | None) -> Iterator[None]:
    """Be a version with further migrations; each with the oldest that it fits, if any."""
    before = schema.head()
    shutil.copytree(schema._FOLDER, folder)
    for revision, fits_from in later.items():
        step = LATER.format(revision=revision, before=before, fits_from=fits_from)
        (folder / "versions" / f"{revision}.py").write_text(step)
        before = revision
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_FOLDER", folder)
        forget()
        yield
    forget()


def forget() -> None:
    schema.head.cache_clear()
    schema._known.cache_clear()


def why_unfit(database: Database) -> str:
    with database.read() as connection:
        return schema.why_unfit(connection) or ""


def test_version_runs_on_a_newer_schema_that_only_adds(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with version(monkeypatch, tmp_path / "new", one=None, two=None):
        schema.upgrade(database)
        assert why_unfit(database) == ""
    assert why_unfit(database) == ""
    schema.check_migrated(database)
    schema.upgrade(database)  # by the old version: nothing is undone
    with database.read() as connection:
        assert schema.current(connection) == "two"


def test_version_is_refused_a_newer_schema_that_took_something_away(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with version(monkeypatch, tmp_path / "new", one=None, two="two"):
        schema.upgrade(database)
        assert why_unfit(database) == ""
    assert why_unfit(database).startswith("at two schema, which this version (for ")
    assert why_unfit(database).endswith("is too old for: install a newer one")
    with pytest.raises(schema.NotMigratedError, match="install a newer one"):
        schema.upgrade(database)


def test_version_before_runs_on_a_schema_without_what_it_no_longer_used(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with version(monkeypatch, tmp_path / "new", one=None, two="one"):
        schema.upgrade(database)
    assert why_unfit(database)
    with version(monkeypatch, tmp_path / "before", one=None):
        assert why_unfit(database) == ""


def test_version_is_refused_an_older_schema(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    at = schema.head()
    with version(monkeypatch, tmp_path / "new", one=None):
        mend = "this version needs one: run `portal db upgrade`"
        assert why_unfit(database) == f"at {at} schema, {mend}"
        schema.upgrade(database)
        schema.downgrade(database, at)
        assert why_unfit(database) == f"at {at} schema, {mend}"
    assert why_unfit(database) == ""


def test_migration_that_takes_away_says_who_does_without():
    takes_away = re.compile(r"\b(drop_table|drop_column|rename_table|new_column_name)\b")
    steps = list(schema._scripts().walk_revisions())
    assert len(steps) > 5
    for step in steps:
        if takes_away.search(python.getsource(step.module.upgrade)):
            assert step.module.fits_from, step.revision

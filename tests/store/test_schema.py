"""Migrations: reversible, in agreement with the models, safe to run twice at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import portal.store.tables  # noqa: F401 - so that the metadata knows every table
from portal.store import schema
from portal.store.columns import Base
from portal.store.engine import Database


def test_migrated_schema_is_what_the_models_say(database: Database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


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
    with pytest.raises(schema.NotMigratedError, match="portal db upgrade"):
        schema.check_migrated(database)
    database.close()

"""Alembic's entry: runs the migrations on the connection that `portal.store.schema` hands over."""

from alembic import context

import portal.store.partial_indexes  # noqa: F401 - so that the metadata knows every index and table
from portal.store.columns import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
context.run_migrations()

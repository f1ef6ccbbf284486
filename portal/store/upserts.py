"""INSERT ... ON CONFLICT, for which SQLAlchemy has a class in each dialect.

A dialect is loaded where the database speaks it: PostgreSQL's is five megabytes in memory.
"""

from typing import TYPE_CHECKING

from sqlalchemy import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def upsert(table: Table, *, dialect: str) -> "sqlite.Insert | postgresql.Insert":
    """Give an insert that can say what happens where the row is there already."""
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite

        return insert_into_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert

    return insert(table)

"""What the columns of the tables hold, and how their constraints are named."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary, MetaData, TypedColumns
from sqlalchemy.types import TypeDecorator

from portal.core.registry import Sealed


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; give UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back that SQLite does not keep."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SealedText(TypeDecorator[Sealed]):
    """A secret as the vault sealed it; it is never opened here."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        """Take nothing but a sealed value."""
        del dialect
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("only a sealed secret may be stored")
        return value.token if value is not None else None

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        """Give it back sealed."""
        del dialect
        return Sealed(bytes(value)) if value is not None else None


METADATA = MetaData(  # every constraint is named, so that migrations can name it too
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Columns(TypedColumns):
    """The columns of a table, each with what it holds.

    Text, times, JSON and secrets name their type as well: SQLAlchemy would choose another one.
    """

    # What is no column of the table is an error to the type checker, not a column of anything.
    __getattr__: None  # type: ignore[assignment, misc]

"""What the columns of the tables hold, and how their constraints are named."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase
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


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class setting
        datetime: UtcDateTime(),
        Sealed: SealedText(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        str: Text(),
    }


def table(row: type[Base]) -> Table:
    """Give the plain table behind a row class: statements over it take the short way."""
    found = row.__table__
    assert isinstance(found, Table)
    return found

"""Errors that an operator can mend, as clear lines; what is not here is a bug of ours."""

from alembic.util import CommandError
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import DatabaseError

from portal.seeding.problems import SeedError
from portal.settings import SettingsError
from portal.store.causes import cause_of
from portal.store.engine import DatabaseGoneError, DatabaseMissingError
from portal.store.pooler import PoolerError
from portal.store.schema import NotMigratedError


def lines_for(error: Exception) -> list[str]:
    """Give the lines that say what is wrong and how to mend it; none for a bug."""
    match error:
        case SettingsError():
            return ["; ".join(error.problems)]
        case SeedError():
            return [str(problem) for problem in error.problems]
        case NotMigratedError() | PoolerError():
            return [str(error)]
        case DatabaseMissingError():
            return [f"{error}: {error.mend}"]
        case DatabaseGoneError():
            return [f"the database cannot be reached: {cause_of(error)}; check PORTAL_DATABASE_URL"]
        case DatabaseError(orig=InsufficientPrivilege()):
            return [f"the database refuses it: {cause_of(error)}; grant it to the portal"]
        case DatabaseError() if type(error) is DatabaseError:
            return [f"the database cannot be read: {cause_of(error)}; check PORTAL_DATABASE_URL"]
        case CommandError():
            return [f"the schema cannot be migrated: {error}; is the database of a newer portal?"]
        case OSError(filename=str()):
            return [f"{error.filename}: {error.strerror}"]
        case _:
            return []

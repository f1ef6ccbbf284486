"""Why the database could not be used, in its driver's own words."""

from sqlalchemy.exc import DatabaseError

from portal.store.engine import DatabaseGoneError


def cause_of(error: DatabaseGoneError | DatabaseError) -> str:
    """Give the first line of what the driver said; no driver repeats a password there."""
    cause = error.__cause__ or error
    said = str(getattr(cause, "orig", None) or cause).strip().splitlines()
    return said[0].rstrip(".") if said else type(cause).__name__

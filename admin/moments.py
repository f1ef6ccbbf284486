"""Times as the pages of a sign-in tell them."""

from datetime import UTC, datetime

TIMES = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at", "session_expiry"})


def moment_of(at: datetime) -> str:
    """Give a time to the second, as the steps of a sign-in need it."""
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def time_in(claim: str, value: str) -> datetime | None:
    """Give the time that a claim names in seconds since 1970, None where it names none."""
    if claim not in TIMES or not value.isascii() or not value.isdigit() or len(value) > 10:
        return None
    return datetime.fromtimestamp(int(value), UTC)

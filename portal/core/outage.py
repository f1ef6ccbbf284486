"""When people are told that something went down, or is back: once each, and never in a flutter.

What was told last decides, not what happened last: what goes down and up again between two mails
is no news, and nothing is told of as back that nobody was told of as down.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

BETWEEN = timedelta(hours=1)  # two mails of one kind


class News(StrEnum):
    """What there is to tell."""

    DOWN = "down"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Told:
    """What was told so far: the last word, and when each was said."""

    is_down: bool = False
    down_at: datetime | None = None
    back_at: datetime | None = None


def news(told: Told, *, is_down: bool, now: datetime) -> News | None:
    """Give what is to be told now, None where nothing is."""
    if is_down == told.is_down:
        return None
    before = told.down_at if is_down else told.back_at
    if before is not None and now - before < BETWEEN:
        return None
    return News.DOWN if is_down else News.BACK

"""How something is that nobody has to sign in to find out, in plain words with the mend."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. UNKNOWN is neither good nor bad: nobody has looked, or nothing happened."""

    GOOD = "good"
    UNKNOWN = "unknown"
    WATCH = "watch"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at: how it is, what was found, and how to mend it.

    `place` is where to mend it: `application`, `failures`, or nowhere here.
    """

    level: Level
    title: str
    text: str
    mend: str = ""
    place: str = ""


_RISING = (Level.UNKNOWN, Level.GOOD, Level.WATCH, Level.TROUBLE)


def worst(signs: Iterable[Sign]) -> Level:
    """Give the worst level of some signs; what is unknown takes nothing from what is known."""
    return max((sign.level for sign in signs), key=_RISING.index, default=Level.UNKNOWN)

"""What is wrong with seed files: every problem with its file, line and key, all in one go."""

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from portal.core.entries import Place

MOST_OF_ONE_FILE = 1000
MOST_HINTS = 50
"""For how many wrong words a close one is looked for, where thousands are known."""


NO_TEXT = "is not UTF-8 text; save it as UTF-8"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it is, and how to mend it."""

    place: Place
    message: str

    def __str__(self) -> str:
        key = f"{self.place.key}: " if self.place.key else ""
        return _on_one_line(f"{self.place.file}:{self.place.line}: {key}{self.message}")


def _on_one_line(text: str) -> str:
    """Spell out what would steer a terminal: names and keys are whatever somebody wrote."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


class SeedError(Exception):
    """The seed files are refused; `problems` says everything that is wrong with them."""

    def __init__(self, problems: Iterable[Problem], *, unlisted: int = 0) -> None:
        self.problems = sorted(
            problems, key=lambda problem: (problem.place.file, problem.place.line)
        )
        self.unlisted = unlisted
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Problems:
    """Collects problems. Of one file a thousand are kept, the rest is counted."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._by_file: Counter[str] = Counter()

    def add(self, place: Place, message: str) -> None:
        """Note a problem, once: a file is checked again after each mend."""
        problem = Problem(place, message)
        if problem in self._found:
            return
        self._by_file[place.file] += 1
        if self._by_file[place.file] <= MOST_OF_ONE_FILE:
            self._found[problem] = None

    @property
    def found(self) -> tuple[Problem, ...]:
        """What is wrong so far."""
        return tuple(self._found)

    def refuse_if_any(self) -> None:
        """Raise SeedError with all that was found."""
        if self._found:
            raise SeedError(self._found, unlisted=self._by_file.total() - len(self._found))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Give `; did you mean "..."?` where one of the known words is close, else nothing."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""

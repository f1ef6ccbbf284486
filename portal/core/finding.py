"""What a check found, for `portal doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is: a failure stops sign-ins, commands or the start; a warning is advice."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what it looked at, what it found, and how to mend it."""

    name: str
    state: State
    detail: str
    mend: str = ""


def fine(name: str, detail: str) -> Finding:
    """Give a finding that nothing is wrong with."""
    return Finding(name, State.OK, detail)


def advice(name: str, detail: str, mend: str) -> Finding:
    """Give a finding that nobody is kept out by."""
    return Finding(name, State.WARNING, detail, mend)


def failure(name: str, detail: str, mend: str) -> Finding:
    """Give a finding that keeps somebody out, or the portal from starting."""
    return Finding(name, State.FAILURE, detail, mend)

"""A seed file as plain data, with the line on which each key stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
DEEPEST = 20
TOO_DEEP = f"nested too deeply; {DEEPEST} levels are the most"
LARGEST = 8 * 1024 * 1024
"""Bytes of one file that is read whole; CSV files are streamed and may have any size."""


class UnreadableError(Exception):
    """The text is no document of its format; the message and the line say why."""

    def __init__(self, message: str, line: int = 1, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.path = path


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dicts, lists, texts, numbers, booleans, None) and the lines of its keys.

    `faults` are problems that leave the rest of the file readable, such as a key that stands
    twice: they are told together with what the rest is found to lack.
    """

    data: Any
    lines: Mapping[Path, int]
    faults: tuple[UnreadableError, ...] = ()

    def line(self, path: Path) -> int:
        """Give the line of a key, or of the nearest thing around it that has one."""
        for length in range(len(path), -1, -1):
            found = self.lines.get(path[:length])
            if found is not None:
                return found
        return 1


def spell(path: Path) -> str:
    """Give a path as people write it: `users[0].email`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text

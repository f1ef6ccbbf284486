"""TOML as plain data with lines: tomllib reads, and a look at the keys finds their lines."""

import re
import tomllib
from typing import Any

from portal.seeding.document import DEEPEST, TOO_DEEP, Document, Path, UnreadableError

_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_PART = re.compile(_BARE_OR_QUOTED)
_AT = re.compile(r" \(at line (\d+), column \d+\)$")


def read_toml(text: str) -> Document:
    """Read one TOML document. Raises UnreadableError.

    The keys inside an inline table have the line on which the table begins.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise UnreadableError(f"TOML: {_AT.sub('', str(error))}", line) from None
    except ValueError:  # Python reads no number of more than some thousand digits
        long = re.search(r"\d[\d_]{4000}", text)
        line = text.count("\n", 0, long.start() if long else 0) + 1
        raise UnreadableError("TOML: a number has too many digits", line) from None
    except RecursionError:
        raise UnreadableError(TOO_DEEP) from None
    if _depth_exceeds(data, DEEPEST):
        raise UnreadableError(TOO_DEEP)
    return Document(data, _lines(text))


def _depth_exceeds(data: Any, most: int) -> bool:
    waiting: list[tuple[Any, int]] = [(data, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth > most:
                return True
            inner = value.values() if isinstance(value, dict) else value
            waiting.extend((item, depth + 1) for item in inner)
    return False


def _lines(text: str) -> dict[Path, int]:
    lines: dict[Path, int] = {(): 1}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(_without_long_strings(text).split("\n"), start=1):
        if header := _TABLE.match(line):
            table = _parts(header.group(2))
            if header.group(1) == "[[":
                index = counts.get(table, 0)
                counts[table] = index + 1
                lines.setdefault(table, number)
                table = (*table, index)
            _note(lines, table, number)
        elif key := _KEY.match(line):
            _note(lines, table + _parts(key.group(1)), number)
    return lines


def _note(lines: dict[Path, int], path: Path, number: int) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], number)


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") if part[0] in "\"'" else part for part in _PART.findall(dotted))


def _without_long_strings(text: str) -> str:
    """Blank out what stands between triple quotes, keeping its line breaks."""
    return re.sub(
        r'("""|\'\'\').*?\1', lambda found: "\n" * found.group().count("\n"), text, flags=re.DOTALL
    )

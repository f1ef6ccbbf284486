"""JSON as plain data with lines; strict, so that a typing slip is told where it is."""

import json
import re
from typing import Any

from portal.seeding.document import DEEPEST, TOO_DEEP, Document, Path, UnreadableError

_SPACE = re.compile(r"[ \t\r\n]*")
_ATOM = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"', re.DOTALL)


def read_json(text: str) -> Document:
    """Read one JSON document (RFC 8259). Raises UnreadableError."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = (0, 1)
        self._lines: dict[Path, int] = {}
        self._faults: list[UnreadableError] = []

    def read(self) -> Document:
        self._skip()
        self._lines[()] = self._line()
        data = self._value(())
        self._skip()
        if self._at < len(self._text):
            raise self._wrong("nothing may follow the document")
        return Document(data, self._lines, tuple(self._faults))

    def _value(self, path: Path) -> Any:
        self._skip()
        following = self._text[self._at : self._at + 1]
        if following in {"{", "["} and len(path) >= DEEPEST:
            raise UnreadableError(TOO_DEEP, self._line(), path[:3])
        if following == "{":
            return self._object(path)
        if following == "[":
            return self._array(path)
        if following == '"':
            return self._string()
        found = _ATOM.match(self._text, self._at)
        if not found:
            comment = "; there are no comments in JSON" if following in {"/", "#"} else ""
            raise self._wrong(f"a value is expected here{comment}")
        self._at = found.end()
        if self._text[self._at : self._at + 1].isdigit():
            raise self._wrong("the number has too many digits, or a 0 before them")
        return json.loads(found.group())

    def _object(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self._at += 1
        if self._took("}"):
            return members
        while True:
            self._skip()
            if self._text.startswith("}", self._at):
                raise self._wrong("no comma may stand before the end")
            line = self._line()
            key = self._string()
            here = (*path, key)
            if key in members:
                message = f"stands twice, first on line {self._lines[here]}"
                self._faults.append(UnreadableError(message, line, here))
            else:
                self._lines[here] = line
            if not self._took(":"):
                raise self._wrong('":" is expected after a key')
            members.setdefault(key, self._value(here))
            if self._took("}"):
                return members
            if not self._took(","):
                raise self._wrong('"," or "}" is expected here')

    def _array(self, path: Path) -> list[Any]:
        items: list[Any] = []
        self._at += 1
        if self._took("]"):
            return items
        while True:
            self._skip()
            here = (*path, len(items))
            self._lines[here] = self._line()
            items.append(self._value(here))
            if self._took("]"):
                return items
            if not self._took(","):
                raise self._wrong('"," or "]" is expected here')

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if not found:
            raise self._wrong("a text in double quotes is expected here")
        self._at = found.end()
        try:
            text = str(json.loads(found.group()))
            text.encode()
        except (ValueError, UnicodeError):
            raise self._wrong("the text has an escape that stands for nothing") from None
        return text

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "the pattern matches nothing too"
        self._at = found.end()

    def _took(self, mark: str) -> bool:
        self._skip()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += 1
        return True

    def _line(self) -> int:
        counted, line = self._counted
        line += self._text.count("\n", counted, self._at)
        self._counted = (self._at, line)
        return line

    def _wrong(self, message: str) -> UnreadableError:
        return UnreadableError(f"JSON: {message}", self._line())

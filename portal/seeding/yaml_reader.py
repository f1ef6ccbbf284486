"""YAML 1.2 as plain data with lines; whatever a seed file has no need of is refused."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from portal.seeding.document import DEEPEST, TOO_DEEP, Document, Path, UnreadableError

_MOST_BY_ALIASES = 1024 * 1024  # characters that aliases stand for, in one file
_NODE = 16  # what a value costs beside its text
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


def read_yaml(text: str) -> Document:
    """Read one YAML document by the core schema of YAML 1.2 (`country: NO` is a text).

    Tags, several documents and nesting beyond 20 levels are refused before anything is built from
    them. An alias is a copy of what its anchor marks, and a problem in it is told with the line
    where it is written; all of them together are bounded, so that a few lines cannot become
    gigabytes. Merge keys (`<<`) are no part of YAML 1.2. Raises UnreadableError.
    """
    try:
        return _Builder(YAML(typ="safe", pure=True).parse(text)).build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "is not readable"
        mend = "; write spaces in its place" if r"'\t'" in message else ""
        raise UnreadableError(f"YAML: {message}{mend}", mark.line + 1 if mark else 1) from None
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise UnreadableError("YAML: a character that may not stand in it", line) from None


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor marks: its value, the lines of the keys in it, and what a copy costs."""

    value: Any
    lines: tuple[tuple[Path, int], ...]
    size: int


class _Builder:
    """Builds data from parser events, so that limits hold while the text is read."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._lines: dict[Path, int] = {(): 1}
        self._in_order: list[tuple[Path, int]] = []
        self._anchors: dict[str, _Anchored] = {}
        self._size = 0
        self._by_aliases = 0
        self._faults: list[UnreadableError] = []

    def build(self) -> Document:
        documents = 0
        data: Any = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnreadableError("YAML: one document a file; split it", _line(event))
            elif isinstance(event, NodeEvent):
                data = self._node(event, ())
        return Document(data, self._lines, tuple(self._faults))

    def _node(self, event: Event, path: Path) -> Any:
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        lines, size = len(self._in_order), self._size
        value = self._value(event, path)
        if anchor := getattr(event, "anchor", None):
            inside = self._in_order[lines:]
            self._anchors[anchor] = _Anchored(
                value,
                tuple((place[len(path) :], line) for place, line in inside),
                self._size - size,
            )
        return value

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        """Copy what was anchored before. An anchor is known when its value ends: no loops."""
        found = self._anchors.get(event.anchor)
        if found is None:
            message = f"YAML: the alias *{event.anchor} needs its anchor &{event.anchor} before it"
            raise UnreadableError(message, _line(event), path)
        if len(path) + max((len(place) for place, _ in found.lines), default=0) > DEEPEST:
            raise UnreadableError(TOO_DEEP, _line(event), path[:3])
        self._size += found.size
        self._by_aliases += found.size
        if self._by_aliases > _MOST_BY_ALIASES:
            message = "YAML: its aliases stand for over 1 MiB; bulk domains belong in a CSV file"
            raise UnreadableError(message, _line(event), path)
        for place, line in found.lines:
            self._note(line, (*path, *place))
        return copy.deepcopy(found.value)

    def _note(self, line: int, path: Path) -> None:
        self._lines[path] = line
        self._in_order.append((path, line))

    def _value(self, event: Event, path: Path) -> Any:
        self._refuse_tags(event, path)
        self._size += _NODE
        if isinstance(event, ScalarEvent):
            self._size += len(event.value)
            return _scalar(event)
        if len(path) >= DEEPEST:
            raise UnreadableError(TOO_DEEP, _line(event), path[:3])
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        assert isinstance(event, SequenceStartEvent)
        items: list[Any] = []
        for inner in self._events:
            if isinstance(inner, SequenceEndEvent):
                break
            self._note(_line(inner), (*path, len(items)))
            items.append(self._node(inner, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, path)
            here = (*path, key)
            if key in members:
                first = self._lines[here]
                self._faults.append(
                    UnreadableError(f"stands twice, first on line {first}", _line(event), here)
                )
            else:
                self._note(_line(event), here)
            value = self._node(next(self._events), here)
            members.setdefault(key, value)
        return members

    def _key(self, event: Event, path: Path) -> str:
        self._refuse_tags(event, path)
        if not isinstance(event, ScalarEvent) or event.anchor:
            message = "YAML: a key must be a plain text, without anchor or alias"
            raise UnreadableError(message, _line(event), path)
        if event.value == "<<" and event.style is None:
            message = "YAML: there are no merge keys (<<) in YAML 1.2; write the keys out"
            raise UnreadableError(message, _line(event), path)
        self._size += len(event.value)
        return str(event.value)

    def _refuse_tags(self, event: Event, path: Path) -> None:
        tag = getattr(event, "ctag", None) or getattr(event, "tag", None)
        if tag:
            raise UnreadableError(
                f"YAML: tags are refused ({tag}); leave it out", _line(event), path
            )


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: ScalarEvent) -> Any:
    """Give a scalar's value by the core schema (YAML 1.2.2, 10.3.2); quoted, it is a text."""
    text = str(event.value)
    if event.style is not None:
        return text
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text

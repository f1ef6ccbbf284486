"""YAML 1.2 as plain data with lines; whatever a seed file has no need of is refused."""

import re
from collections.abc import Iterator
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

from portal.seeding.document import DEEPEST, Document, Path, UnreadableError

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


def read_yaml(text: str) -> Document:
    """Read one YAML document by the core schema of YAML 1.2 (`country: NO` is a text).

    Anchors, aliases, tags, several documents and nesting beyond 20 levels are refused before
    anything is built from them, so that a few lines cannot become gigabytes.
    Raises UnreadableError.
    """
    try:
        return _Builder(YAML(typ="safe", pure=True).parse(text)).build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "is not readable"
        raise UnreadableError(f"YAML: {message}", mark.line + 1 if mark else 1) from None
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise UnreadableError("YAML: a character that may not stand in it", line) from None


class _Builder:
    """Builds data from parser events, so that limits hold while the text is read."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._lines: dict[Path, int] = {(): 1}
        self._faults: list[UnreadableError] = []

    def build(self) -> Document:
        documents = 0
        data: Any = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnreadableError("YAML: one document a file", _line(event))
            elif isinstance(event, NodeEvent):
                data = self._node(event, ())
        return Document(data, self._lines, tuple(self._faults))

    def _node(self, event: Event, path: Path) -> Any:
        self._refuse_extras(event, path)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if len(path) >= DEEPEST:
            raise UnreadableError("nested too deeply", _line(event), path[:3])
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        assert isinstance(event, SequenceStartEvent)
        items: list[Any] = []
        for inner in self._events:
            if isinstance(inner, SequenceEndEvent):
                break
            self._lines[*path, len(items)] = _line(inner)
            items.append(self._node(inner, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            self._refuse_extras(event, path)
            if not isinstance(event, ScalarEvent):
                raise UnreadableError("YAML: a key must be a plain text", _line(event), path)
            key = str(event.value)
            here = (*path, key)
            if key in members:
                first = self._lines[here]
                self._faults.append(
                    UnreadableError(f"stands twice, first on line {first}", _line(event), here)
                )
            else:
                self._lines[here] = _line(event)
            value = self._node(next(self._events), here)
            members.setdefault(key, value)
        return members

    def _refuse_extras(self, event: Event, path: Path) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise UnreadableError("YAML: anchors and aliases are refused", _line(event), path)
        tag = getattr(event, "ctag", None) or getattr(event, "tag", None)
        if tag:
            raise UnreadableError(f"YAML: tags are refused ({tag})", _line(event), path)


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

"""JSON from strangers, read so that no two readers can take it differently."""

import json
import math
from typing import cast

DEEPEST = 20


class JsonError(ValueError):
    """The text is not one plain JSON object; the message says why, never what it held."""


def read_object(raw: bytes, *, deepest: int = DEEPEST) -> dict[str, object]:
    """Give the JSON object that `raw` is (RFC 8259, with the limits of RFC 7493).

    Refused with JsonError: other than UTF-8, anything but an object at the top, a member twice in
    one object, NaN and infinities, lone surrogates, NUL, and nesting beyond `deepest`.
    """
    try:
        text = raw.decode("utf-8")
        value: object = _READER.decode(text)
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError("not readable as JSON") from error
    if not isinstance(value, dict):
        raise JsonError("not a JSON object")
    if not _is_plainly_sound(text, deepest):
        _check_contents(value, deepest)
    return cast("dict[str, object]", value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers that pick different ones of a pair see two different documents.
        raise JsonError("a member stands twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JsonError("a number beyond all bounds")
    return number


def _no_constant(_name: str) -> float:
    raise JsonError("NaN and Infinity are not JSON")


_READER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
)


def _is_plainly_sound(text: str, deepest: int) -> bool:
    """Whether the contents need no look: what they may not hold takes an escape, or many brackets.

    Unescaped, the reader takes no control character (RFC 8259, 7), and UTF-8 no half of one.
    """
    return "\\u" not in text and text.count("{") + text.count("[") <= deepest


def _check_contents(top: dict[str, object], deepest: int) -> None:
    waiting: list[tuple[object, int]] = [(top, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > deepest:
                raise JsonError("nested too deeply")
            if isinstance(value, dict):
                waiting.extend((name, depth) for name in value)
                value = list(value.values())
            waiting.extend((item, depth + 1) for item in value)


def _check_text(text: str) -> None:
    # Both are valid escapes and neither can be stored or logged everywhere: a way to a 500.
    if "\x00" in text:
        raise JsonError("a text holds NUL")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise JsonError("a text holds half a character") from error

"""Pydantic's findings in plain words, each with the path of the key it is about."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from portal.seeding.document import Path
from portal.seeding.problems import suggestion

_WORDS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "secret_str": "must be a text",
}
_KINDS = {_WORDS["string_type"], _WORDS["int_type"], _WORDS["bool_type"]}
_SLUG = "must be a slug: small letters, digits and inner hyphens, 63 at most"


def words_for(
    error: ValidationError, model: type[BaseModel], data: Any
) -> Iterator[tuple[Path, str]]:
    """Give each finding once, as the path of its key and a message that says how to mend it."""
    said: dict[Path, dict[str, None]] = {}
    for item in error.errors(include_url=False, include_input=False):
        path = _path(item["loc"], data)
        said.setdefault(path, {})[_message(dict(item), path, model)] = None
    for path, messages in said.items():
        for message in _of_unions(list(messages)):
            yield path, message


def _of_unions(messages: list[str]) -> Iterator[str]:
    """Give messages, with what each kind of a union says as one: `must be a text or ...`."""
    kinds = [message for message in messages if message in _KINDS]
    if len(kinds) > 1:
        yield "must be " + ", or ".join(kind.removeprefix("must be ") for kind in kinds)
    yield from (message for message in messages if len(kinds) < 2 or message not in kinds)


def domain_mend(raw: str) -> str:
    """Say how to write what is no domain, where its looks tell what was meant."""
    if raw.startswith(("*.", ".")):
        return " Write the domain itself; its setting `subdomains` takes in those below it."
    if "/" in raw or ":" in raw or "@" in raw:
        return " Write the domain alone, as in example.com."
    if raw.endswith("."):
        return " Leave out the last dot."
    return ""


def _path(location: tuple[int | str, ...], data: Any) -> Path:
    """Follow a location into the data: Pydantic also names union members and `[key]` there."""
    path: list[int | str] = []
    here = data
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(here, dict) and (part in here or (last and part != "[key]")):
            if part in {"str", "int", "bool"} and part not in here:
                continue
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _message(item: dict[str, Any], path: Path, model: type[BaseModel]) -> str:
    kind = str(item["type"])
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key{suggestion(str(path[-1]), _known_keys(model, path[:-1]))}"
    if kind == "string_pattern_mismatch":
        return _SLUG if context["pattern"].startswith("^[a-z0-9]([") else "has letters it may not"
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = context.get("ge", context.get("le"))
        return f"must be {'at least' if 'ge' in context else 'at most'} {bound}"
    if kind == "string_too_long":
        return f"must have {context['max_length']} characters at most"
    if kind in {"too_short", "string_too_short"}:
        return "must not be empty"
    return _WORDS.get(kind, str(item["msg"]).removeprefix("Value error, "))


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Give the keys that the mapping at `path` may have."""
    schema = model.model_json_schema(by_alias=True)
    here: dict[str, Any] = schema
    for part in path:
        inner = here.get("properties", {}).get(part) or here.get("items")
        inner = inner or here.get("additionalProperties")
        if not isinstance(inner, dict):
            inner = next(iter(here.get("patternProperties", {}).values()), {})
        reference = str(inner.get("$ref", ""))
        here = schema["$defs"][reference.rpartition("/")[2]] if reference else inner
    return [key for key in here.get("properties", {}) if not key.startswith("$")]

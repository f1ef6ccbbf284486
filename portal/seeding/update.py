"""A seeds folder edited in place: comments and order stay, only what differs is touched."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.util import load_yaml_guess_indent

from portal.core.address import Address, AddressError, Domain
from portal.core.changes import FieldChange, Item, Kind
from portal.seeding.csv_rows import HEADER
from portal.seeding.documents import Part, SecretText, plain, way_part
from portal.seeding.export import csv_row, replacing

_SESSION = ("idle_minutes", "absolute_hours")
_SECRETS = ("client_secret", "private_key")


class CannotUpdateError(Exception):
    """The file's format cannot be edited in place; the message names the file and the mend."""


class DocumentEditor:
    """A YAML or JSON seed file that is being edited. `save` writes it where it was changed."""

    def __init__(self, path: Path, secret: SecretText) -> None:
        if path.suffix == ".toml":
            raise CannotUpdateError(f"{path.name}: TOML cannot be updated in place; use YAML")
        self._path = path
        self._secret = secret
        self._yaml = YAML()
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            self._data: Any = json.loads(text)
        else:
            if any(isinstance(e, AliasEvent) for e in YAML(typ="safe", pure=True).parse(text)):
                mend = "write out what they stand for"
                raise CannotUpdateError(f"{path.name}: aliases cannot be updated in place; {mend}")
            self._yaml.preserve_quotes = True
            self._yaml.width = 4096
            self._data, indent, offset = load_yaml_guess_indent(text, yaml=self._yaml)
            self._yaml.indent(mapping=2, sequence=indent or 4, offset=offset or 0)
        self._changed = False

    def put(self, section: str, key: str, part: Part) -> None:
        """Add an object under its key."""
        self._section(section, {})[key] = part
        self._changed = True

    def put_person(self, section: str, part: Part) -> None:
        """Add a person to `users` or `operators`."""
        self._section(section, []).append(part)
        self._changed = True

    def remove(self, kind: Kind, key: str) -> None:
        """Remove an object."""
        section, at = self._find(kind, key)
        del section[at]
        self._changed = True

    def change(self, item: Item, fields: tuple[FieldChange, ...]) -> None:
        """Set fields of an object to what the registry has; `item` is the object there."""
        part = self._data
        if item.kind is not Kind.TENANT:
            section, at = self._find(item.kind, item.key)
            if section[at] is None:  # `acme.example:` alone
                section[at] = {}
            part = section[at]
        for field in fields:
            self._set(part, item, field.name)
        self._changed = True

    def save(self) -> bool:
        """Write the file where it was changed, and say whether it was."""
        if self._changed:
            with replacing(self._path) as file:
                if self._path.suffix == ".json":
                    json.dump(self._data, file, indent=2, ensure_ascii=False)
                    file.write("\n")
                else:
                    self._yaml.dump(self._data, file)
        return self._changed

    def _section(self, name: str, empty: Any) -> Any:
        if self._data.get(name) is None:
            self._data[name] = empty
        return self._data[name]

    def _find(self, kind: Kind, key: str) -> tuple[Any, Any]:
        if kind in {Kind.USER, Kind.OPERATOR}:
            people = self._data["users" if kind is Kind.USER else "operators"]
            return people, next(i for i, p in enumerate(people) if _address(p["email"]) == key)
        section = self._data[f"{kind.value}s"]
        if kind is Kind.DOMAIN:
            return section, next(name for name in section if Domain.parse(str(name)).name == key)
        return section, key

    def _set(self, part: Any, item: Item, name: str) -> None:
        value = item.fields[name]
        base = name.removesuffix("_ref")
        if name in _SESSION and item.kind is Kind.TENANT:
            self._section("session", {})[name] = value
        elif base in _SECRETS:
            _put(part, base, self._secret(item, base))
        elif base == "password":
            part.pop("password", None)
            _put(part, "password_hash", self._secret(item, "password"))
        elif name == "connections":
            _set_way(part, way_part(value))
        elif value is None:
            part.pop(name, None)
        else:
            part[name] = plain(value)


def update_rows(
    path: Path,
    *,
    removed: set[str],
    changed: Mapping[str, Item],
    added: list[Item],
) -> None:
    """Edit a CSV file of domains: each row stays where it is."""
    with path.open(encoding="utf-8-sig", newline="") as old, replacing(path) as new:
        writer = csv.writer(new, lineterminator="\n")
        writer.writerow(HEADER)
        for row in _rows(old):
            name = Domain.parse(row[1].strip()).name
            if name in changed:
                writer.writerow(csv_row(changed[name]))
            elif name not in removed:
                writer.writerow(row)
        writer.writerows(csv_row(item) for item in added)


def _rows(file: Any) -> Iterator[list[str]]:
    rows = csv.reader(file, strict=True)
    next(rows)
    return (row for row in rows if row)


def _set_way(part: Any, way: Part) -> None:
    """Put `connection` or `connections` where the other one stood."""
    order = list(part)
    stood = [order.index(name) for name in ("connection", "connections") if name in part]
    for name, value in way.items():
        if name in part:
            part[name] = value
        elif hasattr(part, "insert"):
            part.insert(min(stood, default=0), name, value)
        else:
            part[name] = value
    for name in {"connection", "connections"} - way.keys():
        part.pop(name, None)


def _put(part: Any, name: str, value: str | None) -> None:
    if value is None:
        part.pop(name, None)
    else:
        part[name] = value


def _address(text: object) -> str | None:
    try:
        return Address.parse(str(text)).key
    except AddressError:
        return None

"""What must change for a registry to be as wanted: a pure comparison of plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portal.core.registry import Sealed


class Kind(StrEnum):
    """What an object of the registry is; in the order in which they are written."""

    TENANT = "tenant"
    CLIENT = "client"
    CONNECTION = "connection"
    DOMAIN = "domain"
    USER = "user"
    OPERATOR = "operator"


class Action(StrEnum):
    """What happens to an object. People are disabled where other things are removed."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    DISABLED = "disabled"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that may be compared and never seen: two are equal when their marks are.

    `stored` is the form at rest: sealed, or a password's hash. `fresh` is a new value that is not
    sealed or hashed yet; it never leaves the flow that made it.
    """

    mark: str
    stored: Sealed | str | None = field(default=None, compare=False, repr=False)
    fresh: str | None = field(default=None, compare=False, repr=False)


Value = str | int | bool | tuple[str, ...] | Mapping[str, object] | Secret | None


@dataclass(frozen=True, slots=True)
class Item:
    """An object of the registry as the comparison sees it. `tenant` is a slug, or nothing."""

    kind: Kind
    tenant: str
    key: str
    fields: Mapping[str, Value]
    origin: str = field(default="", compare=False)

    @property
    def identity(self) -> tuple[Kind, str, str]:
        """What makes two items the same object."""
        return (self.kind, self.tenant, self.key)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an object, before and after."""

    name: str
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object; a created one lists all its fields. `note` says why or how."""

    action: Action
    kind: Kind
    tenant: str
    key: str
    fields: tuple[FieldChange, ...] = ()
    note: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether something is to be written."""
        return self.action is not Action.KEPT

    def value(self, name: str) -> Value:
        """Give the new value of a field that changes."""
        return next(change.new for change in self.fields if change.name == name)


def diff(current: Iterable[Item], desired: Iterable[Item], *, prune: bool) -> tuple[Change, ...]:
    """Give the changes that lead from `current` to `desired`; equal objects give none.

    What only `current` has is kept, and listed. With `prune` it goes where a seed made it: people
    are disabled, never removed.
    """
    there = {item.identity: item for item in current}
    changes: list[Change] = []
    for item in desired:
        before = there.pop(item.identity, None)
        if before is None:
            changes.append(created(item))
        elif found := field_changes(before, item):
            changes.append(Change(Action.CHANGED, item.kind, item.tenant, item.key, found))
    changes.extend(_absent(item, prune=prune) for item in there.values())
    return tuple(changes)


def created(item: Item) -> Change:
    """Give the change that makes an object."""
    fields = tuple(FieldChange(name, None, value) for name, value in item.fields.items())
    return Change(Action.CREATED, item.kind, item.tenant, item.key, fields)


def field_changes(before: Item, after: Item) -> tuple[FieldChange, ...]:
    """Give the fields in which two states of an object differ."""
    return tuple(
        FieldChange(name, before.fields.get(name), value)
        for name, value in after.fields.items()
        if before.fields.get(name) != value
    )


def _absent(item: Item, *, prune: bool) -> Change:
    action, note = Action.KEPT, ""
    if item.origin != "seed":
        note = "made in the admin pages" if item.origin == "admin" else ""
    elif prune and item.kind in {Kind.USER, Kind.OPERATOR}:
        action = Action.KEPT if item.fields.get("disabled") else Action.DISABLED
    elif prune:
        action = Action.REMOVED
    return Change(action, item.kind, item.tenant, item.key, note=note)


def shown(value: Value) -> object:
    """Give a value as a plan, an audit entry or a page may show it: never a secret."""
    if isinstance(value, Secret):
        return "(secret)"
    if isinstance(value, tuple):
        return list(value)
    return value

"""What a form of the admin pages changes: one object of one tenant, all or nothing.

    lock the tenant -> compare with what the editor saw -> guards -> write, version, trail

Two people who edit the same object are told of each other: the second one's form is refused with
what has changed, and nothing is overwritten in silence. Two who edit different objects of one
tenant do not disturb each other.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from portal.core.changes import (
    Action,
    Change,
    FieldChange,
    Item,
    Kind,
    Secret,
    Value,
    created,
    field_changes,
    shown,
)
from portal.core.registry import Account, Role
from portal.flows.changes.registry_changes import write
from portal.flows.changes.registry_trail import Source
from portal.flows.outcomes import Visitor
from portal.services import Services
from portal.store import trail
from portal.store.tenant_items import TenantRef, lock_tenant, read_item


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, from where, and in which session.

    `rule` bounds everything that this actor writes: it stands beside the guards of each form.
    """

    account: Account
    visitor: Visitor = field(default_factory=Visitor)
    session_id: int | None = None
    rule: "Rule | None" = None

    @property
    def is_operator(self) -> bool:
        """Whether the person runs the portal, and so may override what a tenant's admin may not."""
        return self.account.role is Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Saved:
    """It was written, as this change set."""

    change_set: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The object is as wanted already."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Somebody else changed the object since the form was opened; nothing was written.

    `fields` say what is different now; `seen` is what the form should carry from here on.
    """

    fields: tuple[FieldChange, ...]
    by: str
    at: datetime | None
    seen: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The object is not there any more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An object of that name is there already."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """A rule stands against it; `why` is for the person, beside the field where there is one."""

    why: str
    field: str = ""


SaveOutcome = Saved | Unchanged | Overtaken | Gone | Taken | NotAllowed
Guard = Callable[[Connection, TenantRef, Item | None], NotAllowed | None]
"""Looks at the object as it is, inside the transaction that would change it."""
Rule = Callable[[Connection, TenantRef, Item | None, Item], NotAllowed | None]
"""Looks at the object as it is and as it is wanted, inside that transaction."""
_NOT_YOURS = NotAllowed("That is for an admin to do.")


def save(
    services: Services,
    actor: Actor,
    wanted: Item,
    *,
    seen: str | None = None,
    regardless: bool = False,
    guard: Guard | None = None,
    note: str = "",
) -> SaveOutcome:
    """Make an object as `wanted`; fields that it does not name stay.

    `seen` is what `seen_text` gave when the form was opened: None makes a new object.
    `regardless` changes one that is there whatever was seen, as a single button does. `note` is
    kept in the trail, such as the reason somebody gave.
    """
    with services.database.transaction() as connection:
        tenant = lock_tenant(connection, wanted.tenant)
        if tenant is None:
            return Gone()
        before = read_item(connection, tenant, wanted.kind, wanted.key)
        if before is not None and _is_so(before, wanted, anew=seen is None and not regardless):
            return Unchanged()
        refused = None if regardless else _compare(connection, tenant, before, seen=seen)
        if refused is None and regardless and before is None:
            refused = Gone()
        if refused is None and actor.rule is not None:
            refused = actor.rule(connection, tenant, before, wanted)
        if refused is None and guard is not None:
            refused = guard(connection, tenant, before)
        if refused is not None:
            return refused
        change = _change(before, wanted, note)
        change_set = _write(services, connection, actor, change)
    return Saved(change_set, change.fields)


def remove(
    services: Services,
    actor: Actor,
    item: Item,
    *,
    seen: str = "",
    guard: Guard | None = None,
) -> SaveOutcome:
    """Remove an object, as it was when the question was asked (`seen`), or whatever it is."""
    if actor.rule is not None:
        return _NOT_YOURS
    with services.database.transaction() as connection:
        tenant = lock_tenant(connection, item.tenant)
        before = read_item(connection, tenant, item.kind, item.key) if tenant else None
        if tenant is None or before is None:
            return Gone()
        if seen and (overtaken := _compare(connection, tenant, before, seen=seen)):
            return overtaken
        if guard and (refused := guard(connection, tenant, before)):
            return refused
        fields = tuple(FieldChange(name, value, None) for name, value in before.fields.items())
        change = Change(Action.REMOVED, item.kind, item.tenant, item.key, fields)
        return Saved(_write(services, connection, actor, change))


def create_tenant(services: Services, actor: Actor, wanted: Item) -> SaveOutcome:
    """Make a new tenant."""
    if actor.rule is not None:
        return _NOT_YOURS
    with services.database.transaction() as connection:
        tenant = lock_tenant(connection, wanted.key)
        if tenant is not None:
            before = read_item(connection, tenant, wanted.kind, wanted.key)
            return Unchanged() if before and _is_so(before, wanted, anew=True) else Taken()
        return Saved(_write(services, connection, actor, created(wanted)))


def _compare(
    connection: Connection, tenant: TenantRef, before: Item | None, *, seen: str | None
) -> SaveOutcome | None:
    if seen is None and before is not None:
        return Taken()
    if seen is not None:
        if before is None:
            return Gone()
        if differing := _differing(before, seen):
            entry = trail.latest_about(connection, tenant.id, _about(before))
            by, at = (entry.actor, entry.at) if entry else ("", None)
            return Overtaken(differing, by, at, seen_text(before))
    return None


def _is_so(before: Item, wanted: Item, *, anew: bool) -> bool:
    """Whether nothing is left to do: a form may be sent twice at once.

    Of something made `anew` the secrets are left aside, as no two seals of one are the same.
    """
    found = field_changes(before, wanted)
    return not [change for change in found if not (anew and isinstance(change.new, Secret))]


def _change(before: Item | None, wanted: Item, note: str) -> Change:
    if before is None:
        return created(wanted)
    fields = field_changes(before, wanted)
    return Change(Action.CHANGED, wanted.kind, wanted.tenant, wanted.key, fields, note)


def _write(services: Services, connection: Connection, actor: Actor, change: Change) -> str:
    source = Source(actor.visitor.network, actor.visitor.reference, change.note)
    return write(
        connection,
        [change],
        now=services.now(),
        by=actor.account.email,
        source=source,
        keep=actor.session_id,
    )


def sealed(services: Services, text: str) -> Secret:
    """Give a secret that somebody typed as it is stored."""
    return Secret(secrets.token_hex(8), services.vault.seal(text))


def seen_text(item: Item) -> str:
    """Give what a form carries to tell whether its object changed meanwhile; no secret in it."""
    fields = {name: _plain(value) for name, value in item.fields.items()}
    return json.dumps(fields, sort_keys=True, ensure_ascii=False)


def _differing(now: Item, seen: str) -> tuple[FieldChange, ...]:
    try:
        before = json.loads(seen)
    except (ValueError, RecursionError):
        before = None
    if not isinstance(before, Mapping):
        before = {}
    return tuple(
        FieldChange(name, _readable(before.get(name)), value)
        for name, value in now.fields.items()
        if before.get(name) != json.loads(json.dumps(_plain(value)))
    )


def _plain(value: Value) -> object:
    return f"secret {value.mark[:16]}" if isinstance(value, Secret) else shown(value)


def _readable(value: object) -> Value:
    if isinstance(value, list):
        return tuple(str(part) for part in value)
    if isinstance(value, str) and value.startswith("secret "):
        return Secret(value)
    return value if isinstance(value, str | int | bool | Mapping) else None


def _about(item: Item) -> str:
    name = item.key if item.kind is Kind.TENANT else f"{item.tenant}/{item.key}"
    return f"{item.kind.value} {name}"

"""Changes of the registry in the audit trail: who changed what, in one change set, no secrets."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from portal.core.changes import Action, Change, shown
from portal.core.counting import counted
from portal.store.audit import Entry, Event, record

NAMES_OF_AN_ENTRY = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """From where a change came, and the reason that somebody gave."""

    network: str = ""
    reference: str = ""
    note: str = ""


NOWHERE = Source()


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change set, and when."""

    by: str
    change_set: str
    at: datetime
    source: Source


@dataclass(frozen=True, slots=True)
class Trail:
    """Writes the entries of one change set."""

    connection: Connection
    tenant_id: Callable[[str], int | None]
    author: Author

    def record(self, changes: Iterable[Change]) -> None:
        """Append an entry for each change."""
        record(self.connection, *(self._own_entry(change) for change in changes))

    def record_names(self, action: Action, domains: Iterable[tuple[str, str]]) -> None:
        """Append what happened to domains by the thousand: entries that hold a thousand names.

        `domains` are pairs of tenant and name.
        """
        waiting: defaultdict[str, list[str]] = defaultdict(list)
        for tenant, name in domains:
            names = waiting[tenant]
            names.append(name)
            if len(names) == NAMES_OF_AN_ENTRY:
                record(self.connection, self._shared_entry(action, tenant, names))
                names.clear()
        for tenant, names in waiting.items():
            if names:
                record(self.connection, self._shared_entry(action, tenant, names))

    def _own_entry(self, change: Change) -> Entry:
        same = change.tenant in {"", change.key}
        name = change.key if same else f"{change.tenant}/{change.key}"
        detail: dict[str, object] = {"fields": _fields(change)} if change.fields else {}
        return self._entry(change.action, change.tenant, f"{change.kind.value} {name}", detail)

    def _shared_entry(self, action: Action, tenant: str, names: list[str]) -> Entry:
        detail: dict[str, object] = {"count": len(names), "domains": list(names)}
        return self._entry(action, tenant, f"{tenant}: {counted(len(names), 'domain')}", detail)

    def _entry(self, action: Action, tenant: str, about: str, detail: dict[str, object]) -> Entry:
        author = self.author
        note = {"note": author.source.note} if author.source.note else {}
        return Entry(
            at=author.at,
            event=Event.REGISTRY_CHANGED,
            outcome=action.value,
            actor=author.by,
            tenant_id=self.tenant_id(tenant),
            object=about,
            network=author.source.network,
            reference=author.source.reference,
            change_set=author.change_set,
            detail={**detail, **note},
        )


def _fields(change: Change) -> dict[str, object]:
    if change.action is Action.CREATED:
        return {field.name: shown(field.new) for field in change.fields}
    return {field.name: [shown(field.old), shown(field.new)] for field in change.fields}

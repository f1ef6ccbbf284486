"""Changes of the registry in the audit trail: who changed what, in one change set, no secrets."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby, islice

from sqlalchemy import Connection

from portal.core.changes import Action, Change, shown
from portal.store.audit import Entry, Event, record

_NAMES_OF_AN_ENTRY = 1000
_SEPARATE_ENTRIES = 50


def record_changes(
    connection: Connection,
    changes: Iterable[Change],
    domains: Iterable[Change],
    *,
    tenant_id: Callable[[str], int | None],
    change_set: str,
    now: datetime,
    by: str,
) -> None:
    """Append an entry for each change; domains that come by the thousand share entries."""

    def entry(change: Change, detail: dict[str, object], about: str) -> Entry:
        return Entry(
            at=now,
            event=Event.REGISTRY_CHANGED,
            outcome=change.action.value,
            actor=by,
            tenant_id=tenant_id(change.tenant),
            object=about,
            change_set=change_set,
            detail=detail,
        )

    def own_entry(change: Change) -> Entry:
        about = f"{change.kind.value} {_name(change)}"
        return entry(change, {"fields": _fields(change)} if change.fields else {}, about)

    record(connection, *(own_entry(change) for change in changes))
    pending = (change for change in domains if change.is_pending)
    for _, group in groupby(pending, key=lambda change: (change.action, change.tenant)):
        written = 0
        while some := _take(group, _NAMES_OF_AN_ENTRY):
            if written + len(some) <= _SEPARATE_ENTRIES:
                record(connection, *(own_entry(change) for change in some))
            else:
                names = [change.key for change in some]
                detail: dict[str, object] = {"count": len(names), "domains": names}
                record(connection, entry(some[0], detail, f"{len(names):,} domains"))
            written += len(some)


def _name(change: Change) -> str:
    same = change.tenant in {"", change.key}
    return change.key if same else f"{change.tenant}/{change.key}"


def _fields(change: Change) -> dict[str, object]:
    if change.action is Action.CREATED:
        return {field.name: shown(field.new) for field in change.fields}
    return {field.name: [shown(field.old), shown(field.new)] for field in change.fields}


def _take(changes: Iterable[Change], most: int) -> list[Change]:
    return list(islice(changes, most))

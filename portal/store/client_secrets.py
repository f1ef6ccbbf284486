"""A client's secret or key while a new one replaces it: the columns, and who stands where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from portal.core.changes import Action, Change
from portal.core.registry import AuthMethod, Sealed
from portal.store.tables import CLIENTS
from portal.store.tenant_items import TenantRef

_MOVES = frozenset({"issuer", "client_id", "auth_method"})
_OLD = {
    "client_secret": ("secret", "old_secret"),
    "private_key": ("private_key", "old_private_key"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Which secret a client has since when, and which old one is still kept beside it.

    `name` is the field of the one in use: `client_secret` or `private_key`, "" where none is.
    `refused_at` is when the issuer last refused the new one while the old one let people in.
    """

    name: str
    newest: Sealed | None
    set_at: datetime | None
    old: Sealed | None
    old_set_at: datetime | None
    refused_at: datetime | None


def standing(connection: Connection, tenant: TenantRef, key: str) -> Standing | None:
    """Give how a client's secret stands, None where there is no such client."""
    query = select(CLIENTS).where(CLIENTS.c.tenant_id == tenant.id, CLIENTS.c.key == key)
    row = connection.execute(query).first()
    if row is None:
        return None
    newest: Sealed | None = None
    name, old = "", None
    if row.auth_method == AuthMethod.PRIVATE_KEY_JWT:
        name, newest, old = "private_key", row.private_key, row.old_private_key
    elif row.auth_method != AuthMethod.NONE:
        name, newest, old = "client_secret", row.secret, row.old_secret
    return Standing(name, newest, row.secret_set_at, old, row.old_set_at, row.refused_at)


def note_refused(connection: Connection, tenant_id: int, key: str, *, now: datetime) -> None:
    """Note that the issuer refused a client's new secret and took the old one."""
    mine = (CLIENTS.c.tenant_id == tenant_id, CLIENTS.c.key == key)
    connection.execute(update(CLIENTS).where(*mine).values(refused_at=now))


def columns_beside(change: Change, *, now: datetime) -> dict[str, Any]:
    """Give what else is written where a change touches a client's secret or key.

    The one that is replaced is kept; of several that were replaced before any new one worked,
    the first. At another issuer, or as another client, an old one is never sent.
    """
    fields = {field.name: field.new for field in change.fields}
    given = [name for name in _OLD if fields.get(name) is not None]
    if change.action is Action.CREATED:
        return {"secret_set_at": now} if given else {}
    if any(old in fields for _, old in _OLD.values()):
        forgotten: dict[str, Any] = {"old_set_at": None, "refused_at": None}
        return {**forgotten, "secret_set_at": CLIENTS.c.old_set_at} if given else forgotten
    values: dict[str, Any] = {"secret_set_at": now} if given else {}
    if _MOVES & fields.keys():
        nothing = ("old_secret", "old_private_key", "old_set_at", "refused_at")
        return {**values, **dict.fromkeys(nothing)}
    for name in given:
        column, kept = (CLIENTS.c[part] for part in _OLD[name])
        values[kept.key] = func.coalesce(kept, column)
        values["old_set_at"] = case(
            (kept.is_(None), CLIENTS.c.secret_set_at), else_=CLIENTS.c.old_set_at
        )
        values["refused_at"] = None
    return values

"""The append-only trail: who did what, when, from where, and how it ended."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from portal.core.values import quick_value
from portal.store.prepared import Place, Statement, insert_into
from portal.store.tables import AUDIT

_INSERT = Statement(insert_into(AUDIT))

SHARED = " domains"
"""How the object of an entry about many domains ends; their names stand in its detail."""


class Event(StrEnum):
    """What an entry is about, as `subject:action`."""

    SIGN_IN_PASSWORD = "sign_in:password"  # noqa: S105 - an event, not a secret
    SIGN_IN_SSO = "sign_in:sso"
    SIGN_OUT = "session:sign_out"
    SESSION_REVOKED = "session:revoked"
    SESSION_ENDED_BY_PROVIDER = "session:ended_by_provider"
    STEP_UP = "session:confirmed"
    DOMAIN_CHECKED = "domain:checked"
    CONNECTION_TRIED = "connection:tried"
    LINK_MADE = "link:made"
    LINK_MAILED = "link:mailed"
    LINK_USED = "link:used"
    LINK_REVOKED = "link:revoked"
    LINK_FINISHED = "link:finished"
    ROLLOUT_PLANNED = "rollout:planned"
    REGISTRY_CHANGED = "registry:changed"


@quick_value
class Entry:
    """One entry. `outcome` is `success` or a code; `detail` never holds a secret or a token."""

    at: datetime
    event: Event
    outcome: str
    actor: str
    tenant_id: int | None = None
    user_id: int | None = None
    object: str = ""
    network: str = ""
    reference: str = ""
    change_set: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(place: Place, *entries: Entry) -> None:
    """Append entries to the trail."""
    for entry in entries:
        _INSERT.ask(place, _values(entry))


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "event": entry.event.value,
        "outcome": entry.outcome,
        "actor": entry.actor[:320],
        "tenant_id": entry.tenant_id,
        "user_id": entry.user_id,
        "object": entry.object,
        "network": entry.network,
        "reference": entry.reference,
        "change_set": entry.change_set,
        "detail": dict(entry.detail),
    }

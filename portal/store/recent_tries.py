"""How the sign-ins by SSO of one domain ended lately."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from portal.core.rollout_alarm import Try
from portal.store.audit import Event
from portal.store.tables import AUDIT

_MOST = 5000
_NOT_SENT_YET = frozenset({"state", "registry"})


def of_domain(
    connection: Connection, tenant_id: int, domain: str, *, subdomains: bool, since: datetime
) -> Iterator[Try]:
    """Give the tries that began and ended since then, the oldest first.

    An answer that belongs to no sign-in begun by that browser is none, nor is one that came when
    the connection had been changed meanwhile.
    """
    ends = (f"@{domain}", f".{domain}") if subdomains else (f"@{domain}",)
    query = (
        select(AUDIT.c.outcome, AUDIT.c.actor, AUDIT.c.detail)
        .where(
            AUDIT.c.tenant_id == tenant_id,
            AUDIT.c.event == Event.SIGN_IN_SSO.value,
            AUDIT.c.at >= since,
        )
        .order_by(AUDIT.c.id.desc())
        .limit(_MOST)
    )
    for row in reversed(connection.execute(query).all()):
        detail: dict[str, Any] = row.detail
        if row.outcome != "success" and detail.get("stage") in _NOT_SENT_YET:
            continue
        sent_at = detail.get("sent_at")
        if sent_at and datetime.fromisoformat(sent_at) < since:
            continue
        vouched = _vouched(detail)
        found = Try(
            outcome=row.outcome,
            typed=row.actor.lower(),
            vouched=vouched,
            known_browser=bool(detail.get("known_browser")),
        )
        if (found.person or found.typed).endswith(ends):
            yield found


def _vouched(detail: dict[str, Any]) -> str:
    """Give the address in the verified claims of somebody whom the portal did not admit."""
    claims = detail.get("claims") or {}
    return str(claims.get("email", "")).lower() if detail.get("stage") == "admission" else ""

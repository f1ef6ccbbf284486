"""What the trail knows of others, and of the same people later, where a sign-in went astray."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from portal.store.setup_progress import PASSWORD, SSO
from portal.store.started import Started
from portal.store.tables import AUDIT


def came_back_since(connection: Connection, tenant_id: int, slug: str, *, since: datetime) -> bool:
    """Whether anybody has come in by a connection of a tenant since a time."""
    query = select(AUDIT.c.id).where(
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.object == f"connection {slug}",
        AUDIT.c.event == SSO,
        AUDIT.c.outcome == "success",
        AUDIT.c.at >= since,
    )
    return connection.execute(query.limit(1)).first() is not None


def came_in_later(
    connection: Connection, tenant_id: int, those: Sequence[Started]
) -> Mapping[str, datetime]:
    """Give when the people of these sign-ins came in after them, by the sign-in's key."""
    people = {one.actor.lower() for one in those if one.actor}
    if not people:
        return {}
    query = (
        select(func.lower(AUDIT.c.actor), func.max(AUDIT.c.at))
        .where(
            AUDIT.c.tenant_id == tenant_id,
            AUDIT.c.event.in_((SSO, PASSWORD)),
            AUDIT.c.outcome == "success",
            AUDIT.c.at >= min(one.at for one in those),
            func.lower(AUDIT.c.actor).in_(people),
        )
        .group_by(func.lower(AUDIT.c.actor))
    )
    last = {row[0]: row[1] for row in connection.execute(query)}
    found = {one.key: last.get(one.actor.lower()) for one in those}
    return {one.key: at for one in those if (at := found[one.key]) and at > one.at}

"""Connections that are down: since when, why, and what their admins were told of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from portal.core.outage import Told
from portal.store.setup_progress import SSO
from portal.store.tables import AUDIT, CLIENTS, CONNECTIONS, TENANTS
from portal.store.tenant_items import TenantRef
from portal.store.watch_tables import OUTAGES


class Cause(StrEnum):
    """What a connection is down by: its issuer cannot be read, or sign-ins fail at it."""

    ISSUER = "issuer"
    SIGN_INS = "sign_ins"


@dataclass(frozen=True, slots=True)
class Way:
    """A connection that people are sent through, with what it hangs on."""

    id: int
    slug: str
    name: str
    tenant: TenantRef
    company: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Outage:
    """How a connection stands: down since a time, or not any more."""

    down_since: datetime | None = None
    cause: Cause | None = None
    told: Told = field(default_factory=Told)


def ways(
    connection: Connection, *, issuers: Collection[str], ids: Collection[int], default: str
) -> list[Way]:
    """Give the connections that are on, at these issuers or by number; by tenant."""
    issuer = func.coalesce(CLIENTS.c.issuer, default)
    query = (
        select(CONNECTIONS, TENANTS.c.slug, TENANTS.c.name.label("company"), issuer.label("at"))
        .join(TENANTS, TENANTS.c.id == CONNECTIONS.c.tenant_id)
        .outerjoin(CLIENTS, CLIENTS.c.id == CONNECTIONS.c.client_id)
        .where(
            CONNECTIONS.c.enabled,
            TENANTS.c.status == "active",
            or_(issuer.in_(issuers), CONNECTIONS.c.id.in_(ids)),
        )
        .order_by(TENANTS.c.id, CONNECTIONS.c.id)
    )
    return [
        Way(row.id, row.key, row.name, TenantRef(row.tenant_id, row.slug), row.company, row.at)
        for row in connection.execute(query)
    ]


def known(connection: Connection, ids: Iterable[int] | None = None) -> dict[int, Outage]:
    """Give how connections stand by their number, where anything is known: these, or all."""
    query = select(OUTAGES)
    if ids is not None:
        query = query.where(OUTAGES.c.connection_id.in_(list(ids)))
    return {row.connection_id: _outage(row) for row in connection.execute(query)}


def put(connection: Connection, number: int, outage: Outage) -> None:
    """Write how a connection stands, in the place of what was."""
    values = {
        "down_since": outage.down_since,
        "cause": outage.cause.value if outage.cause else "",
        "is_told_down": outage.told.is_down,
        "down_told_at": outage.told.down_at,
        "back_told_at": outage.told.back_at,
    }
    mine = OUTAGES.c.connection_id == number
    if not connection.execute(update(OUTAGES).where(mine).values(**values)).rowcount:
        connection.execute(insert(OUTAGES).values(connection_id=number, **values))


def forget(connection: Connection, numbers: Collection[int]) -> None:
    """Forget connections of which there is nothing more to tell."""
    if numbers:
        connection.execute(delete(OUTAGES).where(OUTAGES.c.connection_id.in_(numbers)))


def came_in(connection: Connection, way: Way, *, since: datetime | None = None) -> bool:
    """Whether anybody came in by a connection, ever or since a time; a test is nobody."""
    where = [
        AUDIT.c.tenant_id == way.tenant.id,
        AUDIT.c.object == f"connection {way.slug}",
        AUDIT.c.event == SSO,
        AUDIT.c.outcome == "success",
    ]
    if since is not None:
        where.append(AUDIT.c.at > since)
    return connection.execute(select(AUDIT.c.id).where(*where).limit(1)).first() is not None


def _outage(row: Any) -> Outage:
    told = Told(bool(row.is_told_down), row.down_told_at, row.back_told_at)
    return Outage(row.down_since, Cause(row.cause) if row.cause else None, told)

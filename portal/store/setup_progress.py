"""How far a tenant has come with its sign-in, in facts and numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from portal.store.audit import Event
from portal.store.tables import AUDIT, CONNECTIONS, DOMAIN_CONNECTIONS, DOMAINS

SSO, PASSWORD = Event.SIGN_IN_SSO.value, Event.SIGN_IN_PASSWORD.value
TEST = Event.CONNECTION_TRIED.value


@dataclass(frozen=True, slots=True)
class Progress:
    """What a tenant has; the texts name one domain, or one connection, of each kind."""

    domains: int
    proven: int
    required: int
    connected: int
    connections: int
    enabled: int
    unproven: str
    unconnected: str
    optional: str
    enabled_key: str


@dataclass(frozen=True, slots=True)
class SignIns:
    """A tenant's sign-ins since some time: how many came in by each way, how many failed."""

    by_sso: int
    by_password: int
    failed: int
    people_by_sso: int


def of_tenant(connection: Connection, tenant_id: int) -> Progress:
    """Give what a tenant has set up."""
    mine = DOMAINS.c.tenant_id == tenant_id
    leads_on = (
        select(DOMAIN_CONNECTIONS.c.domain_id)
        .where(DOMAIN_CONNECTIONS.c.domain_id == DOMAINS.c.id)
        .exists()
    )
    counts = connection.execute(
        select(
            func.count(),
            func.count().filter(DOMAINS.c.verified),
            func.count().filter(DOMAINS.c.policy == "required"),
            func.count().filter(leads_on, DOMAINS.c.policy != "password"),
        ).where(mine)
    ).one()
    ways = connection.execute(
        select(func.count(), func.count().filter(CONNECTIONS.c.enabled)).where(
            CONNECTIONS.c.tenant_id == tenant_id
        )
    ).one()
    return Progress(
        *counts,
        *ways,
        unproven=_first(connection, mine, ~DOMAINS.c.verified),
        unconnected=_first(connection, mine, (DOMAINS.c.policy == "password") | ~leads_on),
        enabled_key=_enabled(connection, tenant_id),
        optional=_first(connection, mine, DOMAINS.c.verified, DOMAINS.c.policy == "optional"),
    )


def _first(connection: Connection, *where: Any) -> str:
    query = select(DOMAINS.c.name).where(*where).order_by(DOMAINS.c.name).limit(1)
    return connection.execute(query).scalar() or ""


def _enabled(connection: Connection, tenant_id: int) -> str:
    query = select(CONNECTIONS.c.key).where(
        CONNECTIONS.c.tenant_id == tenant_id, CONNECTIONS.c.enabled
    )
    return connection.execute(query.order_by(CONNECTIONS.c.id.desc()).limit(1)).scalar() or ""


def has_come_in(connection: Connection, tenant_id: int, *events: str) -> bool:
    """Whether anybody of a tenant has ever come in by one of these events."""
    query = select(AUDIT.c.id).where(
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.event.in_(events),
        AUDIT.c.outcome == "success",
    )
    return connection.execute(query.limit(1)).first() is not None


def sign_ins(connection: Connection, tenant_id: int, *, since: datetime) -> SignIns:
    """Count a tenant's sign-ins since a time."""
    is_sso, is_password = AUDIT.c.event == SSO, AUDIT.c.event == PASSWORD
    succeeded = AUDIT.c.outcome == "success"
    row = connection.execute(
        select(
            func.count().filter(is_sso, succeeded),
            func.count().filter(is_password, succeeded),
            func.count().filter(is_sso | is_password, ~succeeded),
            func.count(AUDIT.c.user_id.distinct()).filter(is_sso, succeeded),
        ).where(AUDIT.c.tenant_id == tenant_id, AUDIT.c.at >= since)
    ).one()
    return SignIns(*row)

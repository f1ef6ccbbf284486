"""How far a tenant has come with its sign-in, in facts and numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from portal.store.audit import Event
from portal.store.tables import AuditRow, ConnectionRow, DomainConnectionRow, DomainRow

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
    mine = DomainRow.tenant_id == tenant_id
    leads_on = (
        select(DomainConnectionRow.domain_id)
        .where(DomainConnectionRow.domain_id == DomainRow.id)
        .exists()
    )
    counts = connection.execute(
        select(
            func.count(),
            func.count().filter(DomainRow.verified),
            func.count().filter(DomainRow.policy == "required"),
            func.count().filter(leads_on, DomainRow.policy != "password"),
        ).where(mine)
    ).one()
    ways = connection.execute(
        select(func.count(), func.count().filter(ConnectionRow.enabled)).where(
            ConnectionRow.tenant_id == tenant_id
        )
    ).one()
    return Progress(
        *counts,
        *ways,
        unproven=_first(connection, mine, ~DomainRow.verified),
        unconnected=_first(connection, mine, (DomainRow.policy == "password") | ~leads_on),
        enabled_key=_enabled(connection, tenant_id),
        optional=_first(connection, mine, DomainRow.verified, DomainRow.policy == "optional"),
    )


def _first(connection: Connection, *where: Any) -> str:
    query = select(DomainRow.name).where(*where).order_by(DomainRow.name).limit(1)
    return connection.execute(query).scalar() or ""


def _enabled(connection: Connection, tenant_id: int) -> str:
    query = select(ConnectionRow.key).where(
        ConnectionRow.tenant_id == tenant_id, ConnectionRow.enabled
    )
    return connection.execute(query.order_by(ConnectionRow.id.desc()).limit(1)).scalar() or ""


def has_come_in(connection: Connection, tenant_id: int, *events: str) -> bool:
    """Whether anybody of a tenant has ever come in by one of these events."""
    query = select(AuditRow.id).where(
        AuditRow.tenant_id == tenant_id,
        AuditRow.event.in_(events),
        AuditRow.outcome == "success",
    )
    return connection.execute(query.limit(1)).first() is not None


def sign_ins(connection: Connection, tenant_id: int, *, since: datetime) -> SignIns:
    """Count a tenant's sign-ins since a time."""
    is_sso, is_password = AuditRow.event == SSO, AuditRow.event == PASSWORD
    succeeded = AuditRow.outcome == "success"
    row = connection.execute(
        select(
            func.count().filter(is_sso, succeeded),
            func.count().filter(is_password, succeeded),
            func.count().filter(is_sso | is_password, ~succeeded),
            func.count(AuditRow.user_id.distinct()).filter(is_sso, succeeded),
        ).where(AuditRow.tenant_id == tenant_id, AuditRow.at >= since)
    ).one()
    return SignIns(*row)

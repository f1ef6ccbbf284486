"""What is known about a tenant before it requires SSO: who came in how, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select

from portal.store.audit import Event
from portal.store.setup_progress import PASSWORD, SSO, TEST
from portal.store.tables import AuditRow, ConnectionRow, IdentityRow, UserRow


@dataclass(frozen=True, slots=True)
class Known:
    """An enabled person of a domain. `has_used_sso`: an identity is linked to the account."""

    key: str
    is_exempt: bool
    has_used_sso: bool


def people_of_domain(
    connection: Connection, tenant_id: int, domain: str, *, subdomains: bool
) -> list[Known]:
    """Give a tenant's enabled people whose addresses are of a domain, or of one below it."""
    linked = exists().where(IdentityRow.user_id == UserRow.id)
    query = select(UserRow.email_key, UserRow.sso_exempt, linked).where(
        *_are_of(tenant_id, domain, subdomains=subdomains)
    )
    return [Known(*row) for row in connection.execute(query)]


def count_people(connection: Connection, tenant_id: int, domain: str, *, subdomains: bool) -> int:
    """Count them."""
    mine = _are_of(tenant_id, domain, subdomains=subdomains)
    return connection.execute(select(func.count()).select_from(UserRow).where(*mine)).scalar_one()


def _are_of(tenant_id: int, domain: str, *, subdomains: bool) -> list[ColumnElement[bool]]:
    of_domain = UserRow.email_key.endswith(f"@{domain}", autoescape=True)
    if subdomains:
        of_domain |= UserRow.email_key.endswith(f".{domain}", autoescape=True)
    return [UserRow.tenant_id == tenant_id, ~UserRow.disabled, of_domain]


def came_by_password(connection: Connection, tenant_id: int, *, since: datetime) -> set[str]:
    """Give the keys of the people of a tenant who have signed in by password since then."""
    query = (
        select(UserRow.email_key)
        .join(AuditRow, AuditRow.user_id == UserRow.id)
        .where(
            AuditRow.tenant_id == tenant_id,
            AuditRow.event == PASSWORD,
            AuditRow.outcome == "success",
            AuditRow.at >= since,
        )
        .distinct()
    )
    return set(connection.execute(query).scalars())


def break_glass(connection: Connection, tenant_id: int) -> dict[str, str]:
    """Give the people who may use a password in any case and have one: key to address."""
    query = select(UserRow.email_key, UserRow.email).where(
        UserRow.tenant_id == tenant_id,
        UserRow.sso_exempt,
        ~UserRow.disabled,
        UserRow.password_hash.is_not(None),
    )
    return {row.email_key: row.email for row in connection.execute(query)}


def last_changed(connection: Connection, tenant_id: int, abouts: Sequence[str]) -> datetime | None:
    """Give when one of these objects was last changed."""
    query = select(func.max(AuditRow.id)).where(
        AuditRow.tenant_id == tenant_id,
        AuditRow.object.in_(abouts),
        AuditRow.event == Event.REGISTRY_CHANGED.value,
    )
    newest = connection.execute(query).scalar()
    if newest is None:
        return None
    return connection.execute(select(AuditRow.at).where(AuditRow.id == newest)).scalar_one()


def came_through(
    connection: Connection, tenant_id: int, key: str, *, after: datetime | None
) -> bool:
    """Whether anybody has come through a connection, or a test of it has passed, since then."""
    query = select(ConnectionRow.id).where(
        ConnectionRow.tenant_id == tenant_id, ConnectionRow.key == key
    )
    number = connection.execute(query).scalar()
    where = [
        AuditRow.tenant_id == tenant_id,
        AuditRow.object.in_((f"connection {key}", f"connection {number}")),
        AuditRow.event.in_((SSO, TEST)),
        AuditRow.outcome == "success",
    ]
    if after is not None:
        where.append(AuditRow.at > after)
    return connection.execute(select(AuditRow.id).where(*where).limit(1)).first() is not None

"""What is known about a tenant before it requires SSO: who came in how, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select

from portal.store.audit import Event
from portal.store.setup_progress import PASSWORD, SSO, TEST
from portal.store.tables import AUDIT, CONNECTIONS, IDENTITIES, USERS


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
    linked = exists().where(IDENTITIES.c.user_id == USERS.c.id)
    query = select(USERS.c.email_key, USERS.c.sso_exempt, linked).where(
        *_are_of(tenant_id, domain, subdomains=subdomains)
    )
    return [Known(*row) for row in connection.execute(query)]


def count_people(connection: Connection, tenant_id: int, domain: str, *, subdomains: bool) -> int:
    """Count them."""
    mine = _are_of(tenant_id, domain, subdomains=subdomains)
    return connection.execute(select(func.count()).select_from(USERS).where(*mine)).scalar_one()


def _are_of(tenant_id: int, domain: str, *, subdomains: bool) -> list[ColumnElement[bool]]:
    of_domain = USERS.c.email_key.endswith(f"@{domain}", autoescape=True)
    if subdomains:
        of_domain |= USERS.c.email_key.endswith(f".{domain}", autoescape=True)
    return [USERS.c.tenant_id == tenant_id, ~USERS.c.disabled, of_domain]


def came_by_password(connection: Connection, tenant_id: int, *, since: datetime) -> set[str]:
    """Give the keys of the people of a tenant who have signed in by password since then."""
    query = (
        select(USERS.c.email_key)
        .join(AUDIT, AUDIT.c.user_id == USERS.c.id)
        .where(
            AUDIT.c.tenant_id == tenant_id,
            AUDIT.c.event == PASSWORD,
            AUDIT.c.outcome == "success",
            AUDIT.c.at >= since,
        )
        .distinct()
    )
    return set(connection.execute(query).scalars())


def break_glass(connection: Connection, tenant_id: int) -> dict[str, str]:
    """Give the people who may use a password in any case and have one: key to address."""
    query = select(USERS.c.email_key, USERS.c.email).where(
        USERS.c.tenant_id == tenant_id,
        USERS.c.sso_exempt,
        ~USERS.c.disabled,
        USERS.c.password_hash.is_not(None),
    )
    return {row.email_key: row.email for row in connection.execute(query)}


def last_changed(connection: Connection, tenant_id: int, abouts: Sequence[str]) -> datetime | None:
    """Give when one of these objects was last changed."""
    query = select(func.max(AUDIT.c.id)).where(
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.object.in_(abouts),
        AUDIT.c.event == Event.REGISTRY_CHANGED.value,
    )
    newest = connection.execute(query).scalar()
    if newest is None:
        return None
    return connection.execute(select(AUDIT.c.at).where(AUDIT.c.id == newest)).scalar_one()


def came_through(
    connection: Connection, tenant_id: int, key: str, *, after: datetime | None
) -> bool:
    """Whether anybody has come through a connection, or a test of it has passed, since then."""
    query = select(CONNECTIONS.c.id).where(
        CONNECTIONS.c.tenant_id == tenant_id, CONNECTIONS.c.key == key
    )
    number = connection.execute(query).scalar()
    where = [
        AUDIT.c.tenant_id == tenant_id,
        AUDIT.c.object.in_((f"connection {key}", f"connection {number}")),
        AUDIT.c.event.in_((SSO, TEST)),
        AUDIT.c.outcome == "success",
    ]
    if after is not None:
        where.append(AUDIT.c.at > after)
    return connection.execute(select(AUDIT.c.id).where(*where).limit(1)).first() is not None

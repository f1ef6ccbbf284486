"""One person of a tenant, with what their ways in depend on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, or_, select

from portal.store.tables import IDENTITIES, USERS


@dataclass(frozen=True, slots=True)
class Person:
    """A person. `issuers` are those at which they have an identity.

    `seen` is what a form told of them when somebody decided; nothing: it does not matter.
    """

    id: int
    key: str
    email: str
    name: str
    role: str
    group_role: str | None
    sso_exempt: bool
    disabled: bool
    has_password: bool
    issuers: tuple[str, ...]
    created_at: datetime
    last_sign_in_at: datetime | None
    seen: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether the person administers the tenant, by their role or by a group."""
        return "admin" in {self.role, self.group_role}


def person(connection: Connection, tenant_id: int, user_id: int) -> Person | None:
    """Give a person of this tenant by number."""
    query = select(USERS).where(USERS.c.tenant_id == tenant_id, USERS.c.id == user_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    issuers = select(IDENTITIES.c.issuer).where(IDENTITIES.c.user_id == user_id).distinct()
    return Person(
        id=row.id,
        key=row.email_key,
        email=row.email,
        name=row.name,
        role=row.role,
        group_role=row.group_role,
        sso_exempt=row.sso_exempt,
        disabled=row.disabled,
        has_password=row.password_hash is not None,
        issuers=tuple(connection.execute(issuers.order_by(IDENTITIES.c.issuer)).scalars()),
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
    )


def other_admins(connection: Connection, tenant_id: int, key: str) -> int:
    """Count the tenant's admins but for one who are enabled and have a way in."""
    linked = exists().where(IDENTITIES.c.user_id == USERS.c.id)
    query = select(func.count()).where(
        USERS.c.tenant_id == tenant_id,
        USERS.c.email_key != key,
        ~USERS.c.disabled,
        or_(USERS.c.role == "admin", USERS.c.group_role == "admin"),
        or_(USERS.c.password_hash.is_not(None), linked),
    )
    return connection.execute(query).scalar_one()


def admin_addresses(connection: Connection, tenant_id: int) -> list[str]:
    """Give the addresses of a tenant's admins who are enabled."""
    query = select(USERS.c.email).where(
        USERS.c.tenant_id == tenant_id,
        ~USERS.c.disabled,
        or_(USERS.c.role == "admin", USERS.c.group_role == "admin"),
    )
    return list(connection.execute(query.order_by(USERS.c.id)).scalars())


def number_of(connection: Connection, key: str) -> int | None:
    """Give the number of the account of an address."""
    return connection.execute(select(USERS.c.id).where(USERS.c.email_key == key)).scalar()

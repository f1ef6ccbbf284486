"""Numbers about a tenant's people, as pages show them before something changes for them."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from portal.store.tables import SESSIONS, USERS


@dataclass(frozen=True, slots=True)
class Population:
    """How many people a tenant has, and what of them."""

    people: int
    admins: int
    sessions: int


def of_tenant(connection: Connection, *, tenant_id: int) -> Population:
    """Count a tenant's people who are not disabled, its admins among them, and all sessions."""
    mine = (USERS.c.tenant_id == tenant_id, ~USERS.c.disabled)
    is_admin = or_(USERS.c.role == "admin", USERS.c.group_role == "admin")
    people, admins = connection.execute(
        select(func.count(), func.count().filter(is_admin)).where(*mine)
    ).one()
    sessions = connection.execute(
        select(func.count())
        .select_from(SESSIONS)
        .join(USERS, USERS.c.id == SESSIONS.c.user_id)
        .where(USERS.c.tenant_id == tenant_id)
    ).scalar_one()
    return Population(people, admins, sessions)

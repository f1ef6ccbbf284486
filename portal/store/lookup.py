"""The one query of the sign-in path: a domain with its parents, and the account of an address.

It runs as a prepared statement through `Database.fetch`, and its rows are named here.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, select

from portal.core.registry import Account, Role, Tenant
from portal.store.engine import Database, Prepared
from portal.store.held import HeldPlace
from portal.store.lanes import Rows
from portal.store.tables import DOMAIN_CONNECTIONS, DOMAINS, TENANTS, USERS

_NAMES = tuple(f"name_{n}" for n in range(128))  # more than a domain of 253 characters has labels

_HOMES = TENANTS.alias()


class LookupRow(NamedTuple):
    """One row: an entry of the registry, one of its connections, and the account asked for."""

    id: int
    name: str
    policy: str
    subdomains: bool
    verified: bool
    rollout: int
    tenant_id: int
    slug: str
    tenant_name: str
    status: str
    idle_minutes: int
    absolute_hours: int
    version: int
    position: int | None
    connection_id: int | None
    user_id: int | None
    email: str
    user_name: str
    role: str
    group_role: str | None
    disabled: bool
    sso_exempt: bool
    password_hash: str | None
    home_id: int | None
    home_slug: str
    home_name: str
    home_status: str
    home_idle_minutes: int
    home_absolute_hours: int


class Lookups:
    """Prepares the query once for each number of names; `find` and `ask` run it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[int, Prepared] = {}

    def find(self, names: tuple[str, ...], email_key: str) -> list[LookupRow]:
        """Give the entries of these domain names; the account stands in every row."""
        prepared, values = self._query(names, email_key)
        return in_their_order(self._database.fetch(prepared, values))

    def ask(self, place: HeldPlace, names: tuple[str, ...]) -> Callable[[], list[LookupRow]]:
        """Ask for the entries in a transaction; what is given back gives them."""
        prepared, values = self._query(names, "")
        answer = place.lane.ask(prepared.sql, prepared.arrange(values))
        return lambda: in_their_order(answer.rows())

    def _query(self, names: tuple[str, ...], email_key: str) -> tuple[Prepared, dict[str, str]]:
        count = min(len(names), len(_NAMES))
        prepared = self._prepared.get(count)
        if prepared is None:
            prepared = self._prepared[count] = self._database.prepare(_statement(count))
        return prepared, dict(zip(_NAMES, names, strict=False), email_key=email_key)


def in_their_order(found: Rows) -> list[LookupRow]:
    """Give the rows by entry, and by the order of its connections.

    There is one nearly always: a database would make ready to sort it all the same.
    """
    rows = list(map(LookupRow._make, found))
    if len(rows) > 1:
        rows.sort(key=lambda row: (row.id, row.position or 0))
    return rows


def account_of(row: LookupRow) -> Account | None:
    """Give the account that a row carries, None where the address has none."""
    if row.user_id is None:
        return None
    home = None
    if row.home_id is not None:
        home = Tenant(
            id=row.home_id,
            slug=row.home_slug,
            name=row.home_name,
            suspended=row.home_status != "active",
            idle_minutes=row.home_idle_minutes,
            absolute_hours=row.home_absolute_hours,
        )
    return Account(
        id=row.user_id,
        email=row.email,
        name=row.user_name,
        role=Role.highest(row.role, row.group_role),
        tenant=home,
        disabled=bool(row.disabled),
        sso_exempt=bool(row.sso_exempt),
        password_hash=row.password_hash,
    )


def _statement(count: int) -> Select[*tuple[object, ...]]:
    names: list[BindParameter[str]] = [bindparam(name) for name in _NAMES[:count]]
    return (
        select(
            DOMAINS.c.id,
            DOMAINS.c.name,
            DOMAINS.c.policy,
            DOMAINS.c.subdomains,
            DOMAINS.c.verified,
            DOMAINS.c.rollout,
            TENANTS.c.id,
            TENANTS.c.slug,
            TENANTS.c.name,
            TENANTS.c.status,
            TENANTS.c.idle_minutes,
            TENANTS.c.absolute_hours,
            TENANTS.c.version,
            DOMAIN_CONNECTIONS.c.position,
            DOMAIN_CONNECTIONS.c.connection_id,
            USERS.c.id,
            USERS.c.email,
            USERS.c.name,
            USERS.c.role,
            USERS.c.group_role,
            USERS.c.disabled,
            USERS.c.sso_exempt,
            USERS.c.password_hash,
            _HOMES.c.id,
            _HOMES.c.slug,
            _HOMES.c.name,
            _HOMES.c.status,
            _HOMES.c.idle_minutes,
            _HOMES.c.absolute_hours,
        )
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .outerjoin(DOMAIN_CONNECTIONS, DOMAIN_CONNECTIONS.c.domain_id == DOMAINS.c.id)
        .outerjoin(USERS, USERS.c.email_key == bindparam("email_key"))
        .outerjoin(_HOMES, _HOMES.c.id == USERS.c.tenant_id)
        .where(DOMAINS.c.name.in_(names))
    )

"""Long lists in pages: searched, sorted and cut by the database, so that any length is quick."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_

from portal.store.engine import AnyRow
from portal.store.tables import (
    CONNECTIONS,
    DOMAIN_CONNECTIONS,
    DOMAINS,
    SESSIONS,
    TENANTS,
    USERS,
)

PAGE = 50
_BATCH = 500
_ESCAPE = "\\"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of a list: its lines, which page it is, and how many lines there are in all."""

    lines: tuple[T, ...]
    number: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        """The number of the first line, counted from one."""
        return (self.number - 1) * PAGE + 1 if self.lines else 0

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.lines) - 1 if self.lines else 0


@dataclass(frozen=True, slots=True)
class TenantLine:
    """A tenant in the list of all."""

    slug: str
    name: str
    suspended: bool
    domains: int
    people: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DomainLine:
    """A domain in the list of its tenant; `connections` are the names that people see."""

    id: int
    name: str
    policy: str
    verified: bool
    subdomains: bool
    rollout: int
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person in the list of their tenant."""

    id: int
    email: str
    name: str
    role: str
    group_role: str | None
    disabled: bool
    sso_exempt: bool
    has_password: bool
    sessions: int
    last_sign_in_at: datetime | None


_TENANT_ORDERS: dict[str, tuple[Any, ...]] = {
    "name": (func.lower(TENANTS.c.name), TENANTS.c.id),
    "newest": (TENANTS.c.id.desc(),),
    "suspended": (TENANTS.c.status.desc(), func.lower(TENANTS.c.name), TENANTS.c.id),
}
TENANT_SORTS = tuple(_TENANT_ORDERS)


def tenants(
    connection: Connection, *, search: str = "", sort: str = "name", number: int = 1
) -> Slice[TenantLine]:
    """Give a page of all tenants whose name, slug or a domain of theirs holds the search."""
    where: list[ColumnElement[bool]] = []
    if search:
        of_domain = select(DOMAINS.c.tenant_id).where(_begins(DOMAINS.c.name, search.lower()))
        where.append(
            or_(
                _holds(func.lower(TENANTS.c.name), search.lower()),
                _holds(TENANTS.c.slug, search.lower()),
                TENANTS.c.id.in_(of_domain),
            )
        )
    domains = _count(DOMAINS, DOMAINS.c.tenant_id == TENANTS.c.id)
    people = _count(USERS, USERS.c.tenant_id == TENANTS.c.id)
    query = (
        select(
            TENANTS.c.slug,
            TENANTS.c.name,
            TENANTS.c.status,
            TENANTS.c.created_at,
            domains.label("domains"),
            people.label("people"),
        )
        .where(*where)
        .order_by(*_TENANT_ORDERS.get(sort, _TENANT_ORDERS["name"]))
    )
    rows, number, total = _page(connection, query, _count_of(TENANTS, where), number)
    lines = (
        TenantLine(r.slug, r.name, r.status != "active", r.domains, r.people, r.created_at)
        for r in rows
    )
    return Slice(tuple(lines), number, total)


_DOMAIN_FILTERS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "": (),
    "unproven": (~DOMAINS.c.verified,),
    "password": (DOMAINS.c.policy == "password",),
    "optional": (DOMAINS.c.policy == "optional",),
    "required": (DOMAINS.c.policy == "required",),
}
DOMAIN_FILTERS = tuple(_DOMAIN_FILTERS)


def domains(
    connection: Connection, tenant_id: int, *, search: str = "", only: str = "", number: int = 1
) -> Slice[DomainLine]:
    """Give a page of a tenant's domains, by name."""
    where = [DOMAINS.c.tenant_id == tenant_id, *_DOMAIN_FILTERS.get(only, ())]
    if search:
        where.append(_holds(DOMAINS.c.name, search.lower()))
    query = (
        select(
            DOMAINS.c.id,
            DOMAINS.c.name,
            DOMAINS.c.policy,
            DOMAINS.c.verified,
            DOMAINS.c.subdomains,
            DOMAINS.c.rollout,
        )
        .where(*where)
        .order_by(DOMAINS.c.name)
    )
    rows, number, total = _page(connection, query, _count_of(DOMAINS, where), number)
    names = _of_connections(connection, CONNECTIONS.c.name, [row.id for row in rows])
    lines = (
        DomainLine(
            r.id,
            r.name,
            r.policy,
            r.verified,
            r.subdomains,
            r.rollout,
            tuple(names.get(r.id, ())),
        )
        for r in rows
    )
    return Slice(tuple(lines), number, total)


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """A domain as a seed file of domains has it; `connections` are keys."""

    tenant: str
    name: str
    connections: tuple[str, ...]
    policy: str


def all_domains(
    connection: Connection, tenant_id: int | None, *, search: str = "", only: str = ""
) -> Iterator[DomainRecord]:
    """Give a tenant's domains, or with None those of all, a batch at a time."""
    where = [*_DOMAIN_FILTERS.get(only, ())]
    if tenant_id is not None:
        where.append(DOMAINS.c.tenant_id == tenant_id)
    if search:
        where.append(_holds(DOMAINS.c.name, search.lower()))
    query = (
        select(DOMAINS.c.id, DOMAINS.c.tenant_id, DOMAINS.c.name, DOMAINS.c.policy, TENANTS.c.slug)
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .where(*where)
        .order_by(DOMAINS.c.tenant_id, DOMAINS.c.name)
        .limit(_BATCH)
    )
    place = tuple_(DOMAINS.c.tenant_id, DOMAINS.c.name)
    rows = connection.execute(query).all()
    while rows:
        keys = _of_connections(connection, CONNECTIONS.c.key, [row.id for row in rows])
        for row in rows:
            yield DomainRecord(row.slug, row.name, tuple(keys.get(row.id, ())), row.policy)
        last = rows[-1]
        rows = connection.execute(query.where(place > (last.tenant_id, last.name))).all()


def _of_connections(connection: Connection, column: Any, ids: list[int]) -> dict[int, list[str]]:
    query = (
        select(DOMAIN_CONNECTIONS.c.domain_id, column)
        .join(CONNECTIONS, CONNECTIONS.c.id == DOMAIN_CONNECTIONS.c.connection_id)
        .where(DOMAIN_CONNECTIONS.c.domain_id.in_(ids))
        .order_by(DOMAIN_CONNECTIONS.c.domain_id, DOMAIN_CONNECTIONS.c.position)
    )
    names: dict[int, list[str]] = {}
    for domain_id, name in connection.execute(query):
        names.setdefault(domain_id, []).append(name)
    return names


_IS_ADMIN = or_(USERS.c.role == "admin", USERS.c.group_role == "admin")
_PEOPLE_FILTERS: dict[str, tuple[Any, ...]] = {
    "": (),
    "admins": (_IS_ADMIN,),
    "break_glass": (USERS.c.sso_exempt,),
    "disabled": (USERS.c.disabled,),
}
PEOPLE_FILTERS = tuple(_PEOPLE_FILTERS)


def people(
    connection: Connection, tenant_id: int, *, search: str = "", only: str = "", number: int = 1
) -> Slice[PersonLine]:
    """Give a page of a tenant's people, by address."""
    where = [USERS.c.tenant_id == tenant_id, *_PEOPLE_FILTERS.get(only, ())]
    if search:
        where.append(
            or_(
                _holds(USERS.c.email_key, search.lower()),
                _holds(func.lower(USERS.c.name), search.lower()),
            )
        )
    query = (
        select(
            USERS.c.id,
            USERS.c.email,
            USERS.c.name,
            USERS.c.role,
            USERS.c.group_role,
            USERS.c.disabled,
            USERS.c.sso_exempt,
            USERS.c.password_hash.is_not(None).label("has_password"),
            _count(SESSIONS, SESSIONS.c.user_id == USERS.c.id).label("sessions"),
            USERS.c.last_sign_in_at,
        )
        .where(*where)
        .order_by(USERS.c.email_key)
    )
    rows, number, total = _page(connection, query, _count_of(USERS, where), number)
    return Slice(tuple(PersonLine(*row) for row in rows), number, total)


def _count(table: Any, where: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(table).where(where).scalar_subquery()


def _count_of(table: Any, where: list[ColumnElement[bool]]) -> Select[int]:
    return select(func.count()).select_from(table).where(and_(True, *where))


def _page(
    connection: Connection, query: Any, counting: Select[int], number: int
) -> tuple[list[AnyRow], int, int]:
    """Cut a page out; a number beyond the end gives the last page."""
    total = connection.execute(counting).scalar_one()
    last = max(1, -(-total // PAGE))
    number = min(max(1, number), last)
    rows = connection.execute(query.limit(PAGE).offset((number - 1) * PAGE)).all()
    return list(rows), number, total


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    return column.like(f"%{_literal(text)}%", escape=_ESCAPE)  # type: ignore[no-any-return]  # a column expression


def _begins(column: Any, text: str) -> ColumnElement[bool]:
    return column.like(f"{_literal(text)}%", escape=_ESCAPE)  # type: ignore[no-any-return]  # a column expression


def _literal(text: str) -> str:
    """Take their meaning from the signs of a LIKE pattern."""
    for sign in (_ESCAPE, "%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text

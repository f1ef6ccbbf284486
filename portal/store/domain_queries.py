"""The queries of `domain_plan`: wanted domains beside those of the registry."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Select, Table, and_, func, or_, select

from portal.store.domain_staging import NO_CONNECTION, gone, pending, routes, wanted
from portal.store.tables import DomainConnectionRow, DomainRow, TenantRow

SETTINGS = ("policy", "subdomains", "verified", "rollout")
DOMAINS = cast("Table", DomainRow.__table__)
LINKS = cast("Table", DomainConnectionRow.__table__)


def to_create() -> Select[Any]:
    """Give what is to be created."""
    return select(*pending.c).where(pending.c.domain_id.is_(None))


def to_change() -> Select[Any]:
    """Give what is to be changed."""
    return select(*pending.c).where(pending.c.domain_id.is_not(None))


def is_gone() -> Any:
    """Say whether a domain is to be removed."""
    return DOMAINS.c.id.in_(select(gone.c.domain_id))


def differing() -> Select[Any]:
    """Give the wanted domains that are not there, or not so.

    Domains with several connections are always among them: the plan looks closer.
    """
    lead, second = LINKS.alias(), LINKS.alias()
    route = and_(routes.c.tenant == wanted.c.tenant, routes.c.way == wanted.c.way)
    here = and_(DOMAINS.c.name == wanted.c.name, DOMAINS.c.tenant_id == routes.c.tenant_id)
    differs = or_(
        DOMAINS.c.id.is_(None),
        *(DOMAINS.c[name] != wanted.c[name] for name in SETTINGS),
        func.coalesce(lead.c.connection_id, NO_CONNECTION) != routes.c.lead,
        second.c.connection_id.is_not(None),
        routes.c.several,
    )
    return (
        select(*wanted.c, DOMAINS.c.id)
        .select_from(
            wanted.join(routes, route)
            .outerjoin(DOMAINS, here)
            .outerjoin(lead, and_(lead.c.domain_id == DOMAINS.c.id, lead.c.position == 0))
            .outerjoin(second, and_(second.c.domain_id == DOMAINS.c.id, second.c.position == 1))
        )
        .where(differs)
        .order_by(wanted.c.name)
    )


def absent(scope: Sequence[int]) -> Select[Any]:
    """Give the domains of these tenants that are not wanted."""
    there = (
        select(wanted.c.name)
        .where(wanted.c.name == DOMAINS.c.name, wanted.c.tenant == TenantRow.slug)
        .correlate(DOMAINS, TenantRow)
    )
    return (
        select(*DOMAINS.c, TenantRow.slug.label("tenant"))
        .join(TenantRow, TenantRow.id == DOMAINS.c.tenant_id)
        .where(DOMAINS.c.tenant_id.in_(scope), ~there.exists())
    )

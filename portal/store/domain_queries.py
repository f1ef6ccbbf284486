"""The queries of `domain_plan`: wanted domains beside those of the registry."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, and_, cast, exists, false, func, or_, select

from portal.store.domain_staging import NO_CONNECTION, gone, pending, routes, wanted
from portal.store.tables import DOMAIN_CONNECTIONS, DOMAIN_PROOFS, DOMAINS, TENANTS

SETTINGS = ("policy", "subdomains", "verified", "rollout")


def to_create() -> Select[Any]:
    """Give what is to be created."""
    return select(*pending.c).where(pending.c.domain_id.is_(None))


def to_change() -> Select[Any]:
    """Give what is to be changed."""
    return select(*pending.c).where(pending.c.domain_id.is_not(None))


def is_gone() -> Any:
    """Say whether a domain is to be removed."""
    return DOMAINS.c.id.in_(select(gone.c.domain_id))


def differing(*, keeps_unnamed: bool) -> Select[Any]:
    """Give the wanted domains that are not there, or not so.

    Domains with several connections are always among them: the plan looks closer. With
    `keeps_unnamed` a domain that is there keeps what a CSV has no column for.
    """
    lead, second = DOMAIN_CONNECTIONS.alias(), DOMAIN_CONNECTIONS.alias()
    route = and_(routes.c.tenant == wanted.c.tenant, routes.c.way == wanted.c.way)
    here = and_(DOMAINS.c.name == wanted.c.name, DOMAINS.c.tenant_id == routes.c.tenant_id)
    # What the files do not vouch for, and its owner has proven, stays verified.
    is_proven = exists().where(
        DOMAIN_PROOFS.c.domain_id == DOMAINS.c.id, DOMAIN_PROOFS.c.proven_at.is_not(None)
    )
    effective: dict[str, Any] = {c.name: c for c in wanted.c}
    effective["verified"] = or_(wanted.c.verified, and_(DOMAINS.c.verified, is_proven))
    if keeps_unnamed:
        there = func.coalesce(DOMAINS.c.verified, false())
        effective["verified"] = or_(wanted.c.verified, there)
        for name in ("subdomains", "rollout"):
            effective[name] = func.coalesce(DOMAINS.c[name], wanted.c[name])
    differs = or_(
        DOMAINS.c.id.is_(None),
        *(DOMAINS.c[name] != effective[name] for name in SETTINGS),
        func.coalesce(lead.c.connection_id, NO_CONNECTION) != routes.c.lead,
        second.c.connection_id.is_not(None),
        routes.c.several,
    )
    return (
        select(*(column.label(name) for name, column in effective.items()), DOMAINS.c.id)
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
        .where(wanted.c.name == DOMAINS.c.name, wanted.c.tenant == TENANTS.c.slug)
        .correlate(DOMAINS, TENANTS)
    )
    return (
        select(*DOMAINS.c, TENANTS.c.slug.label("tenant"))
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .where(DOMAINS.c.tenant_id.in_(scope), ~there.exists())
    )


def becoming_required(*, anew: bool) -> Select[Any]:
    """Give the ways of domains that require SSO from now on: tenant, keys, how many, and one."""
    query = (
        select(pending.c.tenant, pending.c.way, func.count(), func.min(pending.c.name))
        .outerjoin(DOMAINS, DOMAINS.c.id == pending.c.domain_id)
        .where(pending.c.policy == "required")
        .group_by(pending.c.tenant, pending.c.way)
    )
    return query.where(func.coalesce(DOMAINS.c.policy, "") != "required") if anew else query


def held_elsewhere(going: Sequence[str]) -> Select[Any]:
    """Give the wanted domains that another tenant has verified, and will go on to have."""
    return (
        select(pending.c.name, TENANTS.c.slug, DOMAINS.c.origin)
        .join(DOMAINS, and_(DOMAINS.c.name == pending.c.name, DOMAINS.c.verified))
        .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
        .where(TENANTS.c.slug != pending.c.tenant, TENANTS.c.slug.not_in(going), ~is_gone())
        .order_by(pending.c.name)
    )


def unverified() -> Select[Any]:
    """Give the ids of what is written and waits for its proof."""
    here = and_(DOMAINS.c.name == pending.c.name, DOMAINS.c.tenant_id == TENANTS.c.id)
    return (
        select(DOMAINS.c.id)
        .select_from(pending)
        .join(TENANTS, TENANTS.c.slug == pending.c.tenant)
        .join(DOMAINS, here)
        .where(~pending.c.verified)
        .order_by(pending.c.name)
    )


def state_of_all() -> tuple[Any, Any]:
    """Give sums over all domains, and over their connections, that nearly any change moves."""
    number = cast(DOMAINS.c.id, BigInteger)
    marked = (
        DOMAINS.c.verified,
        DOMAINS.c.subdomains,
        DOMAINS.c.policy == "required",
        DOMAINS.c.policy == "optional",
    )
    place = DOMAIN_CONNECTIONS.c.position + 1
    return (
        select(
            func.count(),
            func.max(number),
            func.sum(number * DOMAINS.c.rollout),
            *(func.sum(number).filter(condition) for condition in marked),
        ),
        select(
            func.count(),
            func.sum(cast(DOMAIN_CONNECTIONS.c.domain_id, BigInteger) * place),
            func.sum(cast(DOMAIN_CONNECTIONS.c.connection_id, BigInteger) * place),
        ),
    )

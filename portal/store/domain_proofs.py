"""The DNS challenges of claimed domains."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select, update

from portal.crypto import new_token
from portal.store.engine import AnyRow
from portal.store.tables import DOMAIN_PROOFS, DOMAINS, TENANTS
from portal.store.upserts import upsert

_BETWEEN_FIRST_LOOKS = timedelta(seconds=15)  # as many as the portal looks at by itself


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a domain's owner has to publish, and how the last check of it ended."""

    domain_id: int
    domain: str
    tenant: str
    tenant_id: int
    verified: bool
    token: str
    checked_at: datetime | None
    outcome: str
    found: tuple[str, ...]
    lost_since: datetime | None


_CHALLENGES = (
    select(DOMAIN_PROOFS, DOMAINS.c.name, DOMAINS.c.verified, DOMAINS.c.tenant_id, TENANTS.c.slug)
    .join(DOMAINS, DOMAINS.c.id == DOMAIN_PROOFS.c.domain_id)
    .join(TENANTS, TENANTS.c.id == DOMAINS.c.tenant_id)
)


def issue(connection: Connection, tenant_id: int, name: str, *, now: datetime) -> None:
    """Give a domain its challenge, where it has none yet."""
    domain = select(DOMAINS.c.id).where(DOMAINS.c.tenant_id == tenant_id, DOMAINS.c.name == name)
    domain_id = connection.execute(domain).scalar_one()
    insert = upsert(DOMAIN_PROOFS, dialect=connection.dialect.name)
    connection.execute(
        insert.values(
            domain_id=domain_id, token=new_token(), found=[], next_check_at=now
        ).on_conflict_do_nothing()
    )


def issue_all(connection: Connection, domain_ids: Sequence[int], *, now: datetime) -> None:
    """Give many domains their challenges, where they have none yet.

    Nobody waits for all of them at once: the first looks come one after the other.
    """
    insert = upsert(DOMAIN_PROOFS, dialect=connection.dialect.name)
    values = [
        {
            "domain_id": domain_id,
            "token": new_token(),
            "found": [],
            "next_check_at": now + place * _BETWEEN_FIRST_LOOKS,
        }
        for place, domain_id in enumerate(domain_ids)
    ]
    if values:
        connection.execute(insert.on_conflict_do_nothing(), values)


def of_domain(connection: Connection, tenant_id: int, name: str) -> Challenge | None:
    """Give the challenge of a tenant's domain."""
    query = _CHALLENGES.where(DOMAINS.c.tenant_id == tenant_id, DOMAINS.c.name == name)
    row = connection.execute(query).first()
    return _challenge(row) if row else None


def due(connection: Connection, now: datetime, *, most: int) -> list[Challenge]:
    """Give the challenges whose next check has come, the longest waiting first.

    A domain that is proven otherwise, by an operator's word, is never among them.
    """
    by_record = ~DOMAINS.c.verified | DOMAIN_PROOFS.c.proven_at.is_not(None)
    query = (
        _CHALLENGES.where(
            DOMAIN_PROOFS.c.next_check_at <= now, TENANTS.c.status == "active", by_record
        )
        .order_by(DOMAIN_PROOFS.c.next_check_at)
        .limit(most)
    )
    return [_challenge(row) for row in connection.execute(query)]


def put_off(connection: Connection, domain_id: int, until: datetime) -> None:
    """Put the next check of a domain off."""
    connection.execute(
        update(DOMAIN_PROOFS)
        .where(DOMAIN_PROOFS.c.domain_id == domain_id)
        .values(next_check_at=until)
    )


def note(
    connection: Connection,
    challenge: Challenge,
    outcome: str,
    *,
    found: Sequence[str],
    now: datetime,
    next_at: datetime,
) -> None:
    """Note how a check ended, and when the next one is due."""
    values: dict[str, object] = {
        "checked_at": now,
        "outcome": outcome,
        "found": list(found),
        "next_check_at": next_at,
    }
    if outcome == "proven":
        values |= {"lost_since": None} if challenge.verified else {"proven_at": now}
    elif challenge.verified and challenge.lost_since is None:
        values["lost_since"] = now
    connection.execute(
        update(DOMAIN_PROOFS)
        .where(DOMAIN_PROOFS.c.domain_id == challenge.domain_id)
        .values(**values)
    )


def is_proven_elsewhere(connection: Connection, name: str, tenant_id: int) -> bool:
    """Whether another tenant has proven this very domain."""
    query = select(
        exists().where(DOMAINS.c.name == name, DOMAINS.c.verified, DOMAINS.c.tenant_id != tenant_id)
    )
    return bool(connection.execute(query).scalar())


def _challenge(row: AnyRow) -> Challenge:
    return Challenge(
        domain_id=row.domain_id,
        domain=row.name,
        tenant=row.slug,
        tenant_id=row.tenant_id,
        verified=row.verified,
        token=row.token,
        checked_at=row.checked_at,
        outcome=row.outcome,
        found=tuple(row.found),
        lost_since=row.lost_since,
    )

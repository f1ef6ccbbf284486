"""What the trail says of links, and what became of the mail that each went out by."""

from sqlalchemy import Connection

from portal.flows.changes.registry_trail import Source
from portal.services import Services
from portal.store import audit, links
from portal.store.links import Link
from portal.store.tenant_items import TenantRef


def entry(
    services: Services,
    tenant: TenantRef,
    link: Link,
    event: audit.Event,
    *,
    by: str,
    source: Source,
    outcome: str = "success",
    detail: dict[str, str] | None = None,
) -> audit.Entry:
    """Give the trail's entry about a link; the token is in none."""
    return audit.Entry(
        at=services.now(),
        event=event,
        outcome=outcome,
        actor=by,
        tenant_id=tenant.id,
        user_id=link.user_id,
        object=f"link {tenant.slug}/{link.id}",
        network=source.network,
        reference=source.reference,
        detail=detail or {"kind": link.kind.value, "for": link.for_whom},
    )


def is_open(services: Services, connection: Connection, link_id: int) -> bool:
    """Whether the mail of a link still leads somewhere."""
    found = links.of_number(connection, link_id)
    return found is not None and found[0].is_open(services.now())


def note_mail(
    services: Services, connection: Connection, link_id: int, *, is_sent: bool, source: Source
) -> None:
    """Write down whether the mail of a link went out, in the name of who made it."""
    found = links.of_number(connection, link_id)
    if found is None:
        return
    link, tenant = found
    if is_sent:
        links.note_mailed(connection, link.id, services.now())
    outcome = "success" if is_sent else "failed"
    event = audit.Event.LINK_MAILED
    made_by = link.made_by
    written = entry(services, tenant, link, event, by=made_by, source=source, outcome=outcome)
    audit.record(connection, written)

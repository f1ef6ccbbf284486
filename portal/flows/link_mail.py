"""Links that go out by mail: kept, mailed and written down; so many in a day and no more.

keep      bounds, the link and its entry in the trail, in the caller's transaction
hand_over the mail itself, with no transaction open; a failure is told and loses nothing
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from portal.flows.tenant_edits import Actor
from portal.mail import Mail, MailError, send
from portal.observe import log
from portal.services import Services
from portal.store import audit, links
from portal.store.links import Link, NewLink
from portal.store.tenant_items import TenantRef

DAY = timedelta(days=1)
TO_ADDRESS, OF_TENANT = 5, 200  # mails in a day


@dataclass(frozen=True, slots=True)
class Posted:
    """The link is kept. `problem` says why its mail did not go out, "" where it did or need not.

    `url` is for whom it was made alone.
    """

    link: Link
    url: str = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TooMany:
    """No link was made: today's mails are spent. `why` is for the person."""

    why: str


def keep(
    services: Services, connection: Connection, actor: Actor, tenant: TenantRef, new: NewLink
) -> tuple[Link, str] | TooMany:
    """Keep a new link and write it down; the caller holds the tenant's lock.

    Gives the link with its token.
    """
    if new.address and (full := _is_full(connection, new)):
        return full
    link, token = links.make(connection, new)
    detail = {"kind": new.kind.value, "for": new.for_whom, "until": f"{new.expires_at:%Y-%m-%d}"}
    if new.allows:
        detail["allows"] = ", ".join(new.allows)
    audit.record(
        connection, entry(services, actor, tenant, link, audit.Event.LINK_MADE, detail=detail)
    )
    return link, token


def _is_full(connection: Connection, new: NewLink) -> TooMany | None:
    since = new.created_at - DAY
    if links.made_since(connection, new.tenant_id, since, address=new.address) >= TO_ADDRESS:
        return TooMany(
            f"{new.address} has had {TO_ADDRESS} mails from here in 24 hours. "
            "Wait until tomorrow, or reach the person by another way."
        )
    if links.made_since(connection, new.tenant_id, since) >= OF_TENANT:
        return TooMany(f"{OF_TENANT} mails have gone out in 24 hours. Go on tomorrow.")
    return None


def hand_over(
    services: Services, actor: Actor, tenant: TenantRef, link: Link, *, subject: str, text: str
) -> str:
    """Send a link's mail; give "" or, for the person, why it did not go out.

    At once and not by way of the outbox: a token is kept nowhere but as its hash, and whoever
    pressed the button is told how it went.
    """
    problem = ""
    try:
        send(services.settings, Mail(link.address, one_line(subject), text))
    except (MailError, ValueError) as error:  # ValueError: an address that no header can hold
        problem = "The mail server did not take the mail."
        cause = str(error) if isinstance(error, MailError) else type(error).__name__
        log.error("link.not_mailed", tenant=tenant.slug, cause=cause)
    outcome = "failed" if problem else "success"
    event = audit.Event.LINK_MAILED
    with services.database.transaction() as connection:
        if not problem:
            links.note_mailed(connection, link.id, services.now())
        audit.record(connection, entry(services, actor, tenant, link, event, outcome=outcome))
    return problem


def one_line(text: str) -> str:
    """Give a text as a header may hold it: one line of no great length."""
    return " ".join(text.split())[:150]


def host_of(services: Services) -> str:
    """Name the portal as people know it: by its host."""
    return urlsplit(services.settings.base_url).netloc


def told(moment: datetime) -> str:
    """Write a moment as people read it."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def entry(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    link: Link,
    event: audit.Event,
    *,
    outcome: str = "success",
    detail: dict[str, str] | None = None,
) -> audit.Entry:
    """Give the trail's entry about a link; the token is in none."""
    return audit.Entry(
        at=services.now(),
        event=event,
        outcome=outcome,
        actor=actor.account.email,
        tenant_id=tenant.id,
        user_id=link.user_id,
        object=f"link {tenant.slug}/{link.id}",
        network=actor.visitor.network,
        reference=actor.visitor.reference,
        detail=detail or {"kind": link.kind.value, "for": link.for_whom},
    )

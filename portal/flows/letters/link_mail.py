"""Links that go out by mail: kept, mailed and written down; so many in a day and no more.

keep      bounds, the link and its entry in the trail, in the caller's transaction
hand_over the mail itself, with no transaction open; a failure is told and loses nothing, and a
          slow server keeps nobody waiting
"""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from portal.flows.changes.registry_trail import Source
from portal.flows.changes.tenant_edits import Actor
from portal.flows.letters import link_trail
from portal.flows.letters.outgoing_mail import Handed, send_now
from portal.mail import Mail
from portal.services import Services
from portal.store import audit, links
from portal.store.links import Link, NewLink
from portal.store.tenant_items import TenantRef

DAY = timedelta(days=1)
TO_ADDRESS, OF_TENANT = 5, 200  # mails in a day


@dataclass(frozen=True, slots=True)
class Posted:
    """The link is kept. `mail` is what became of its mail, None where there is none.

    `url` is for whom it was made alone.
    """

    link: Link
    url: str = field(repr=False)
    mail: Handed | None = None


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


def hand_over(services: Services, actor: Actor, link: Link, *, subject: str, text: str) -> Handed:
    """Send a link's mail, and say what became of it: whoever pressed the button is told."""
    mail = Mail(link.address, one_line(subject), text)
    return send_now(services, mail, link_id=link.id, source=_source(actor))


def one_line(text: str) -> str:
    """Give a text as a header may hold it: one line of no great length."""
    return " ".join(text.split())[:150]


def host_of(services: Services) -> str:
    """Name the portal as people know it: by its host."""
    return urlsplit(services.settings.base_url).netloc


def entry(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    link: Link,
    event: audit.Event,
    *,
    detail: dict[str, str] | None = None,
) -> audit.Entry:
    """Give the trail's entry about what somebody did with a link."""
    by, source = actor.account.email, _source(actor)
    return link_trail.entry(services, tenant, link, event, by=by, source=source, detail=detail)


def _source(actor: Actor) -> Source:
    return Source(actor.visitor.network, actor.visitor.reference)

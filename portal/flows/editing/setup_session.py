"""Set-up links: an IT person without an account proves the domain and sets the connection up.

    make      by an operator or an admin of the tenant, for somebody, for some days
    look_at   what stands behind a link that was opened; spends nothing
    start     the button: the link is spent, and a set-up session begins in that browser
    guest_of  who a set-up session belongs to, and what it may do
    finish    the last button: the session ends, and whoever made the link is told

A set-up session is no account and no `portal_session`: it is one row of one link.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.address import Address, AddressError
from portal.core.registry import Account, Role, Tenant
from portal.core.spans import moment_words
from portal.flows.changes.tenant_edits import Actor
from portal.flows.editing import setup_rules
from portal.flows.editing.form_checks import Wrong
from portal.flows.editing.invitations import Closed, Over, over_of
from portal.flows.editing.setup_rules import May
from portal.flows.letters.link_mail import (
    Posted,
    TooMany,
    entry,
    hand_over,
    host_of,
    keep,
    one_line,
)
from portal.flows.letters.outgoing_mail import post
from portal.flows.outcomes import Visitor
from portal.mail import Mail
from portal.services import Services
from portal.store import audit, links
from portal.store.links import Link, LinkKind, NewLink
from portal.store.registry import Bundle
from portal.store.tenant_items import TenantRef, lock_tenant

SESSION = timedelta(hours=8)
MOST_DAYS, MOST_OPEN = 30, 20
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form of a new set-up link says."""

    for_whom: str
    address: str
    days: str
    may: frozenset[May]


@dataclass(frozen=True, slots=True)
class Offer:
    """A link that is good, as its page shows it."""

    link: Link
    tenant: Tenant


@dataclass(frozen=True, slots=True)
class Started:
    """The set-up session began; the browser has its token already."""

    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody in a set-up session: of one tenant, for some steps, until a time."""

    link: Link
    bundle: Bundle
    ends_at: datetime

    @property
    def may(self) -> frozenset[May]:
        """Which steps the link allows."""
        return setup_rules.allowed(self.link)

    @property
    def account(self) -> Account:
        """How the trail names them."""
        return account_of(self.link, self.bundle.tenant)


def make(
    services: Services, actor: Actor, tenant: Tenant, wanted: Wanted
) -> Posted | TooMany | Wrong:
    """Make a set-up link, and mail it where an address is given. Its url is shown this once."""
    checked = _checked(wanted)
    if isinstance(checked, Wrong):
        return checked
    address, days = checked
    now = services.now()
    ref = TenantRef(tenant.id, tenant.slug)
    new = NewLink(
        kind=LinkKind.SETUP,
        tenant_id=tenant.id,
        for_whom=one_line(wanted.for_whom),
        address=address,
        allows=tuple(sorted(may.value for may in wanted.may)),
        made_by=actor.account.email,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    with services.database.transaction() as connection:
        lock_tenant(connection, tenant.slug)
        if len(links.live_of_tenant(connection, tenant.id, now)) >= MOST_OPEN:
            return TooMany(f"{MOST_OPEN} links are open. Take one back first.")
        kept = keep(services, connection, actor, ref, new)
    if isinstance(kept, TooMany):
        return kept
    link, token = kept
    url = f"{services.settings.base_url}/setup/link/{token}"
    if not address:
        return Posted(link, url)
    subject = f"Set up single sign-on for {tenant.name}"
    text = _invitation(services, actor, tenant, link, url=url)
    return Posted(link, url, hand_over(services, actor, link, subject=subject, text=text))


def _checked(wanted: Wanted) -> tuple[str, int] | Wrong:
    wrong: dict[str, str] = {}
    if not wanted.for_whom:
        wrong["for_whom"] = "Say whom it is for: the name stands in the audit trail."
    elif len(wanted.for_whom) > _LONGEST_NAME:
        wrong["for_whom"] = f"The name has at most {_LONGEST_NAME} characters."
    address = ""
    try:
        address = str(Address.parse(wanted.address)) if wanted.address else ""
    except AddressError as error:
        wrong["address"] = f"The address {error}"
    raw = wanted.days
    days = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else 0
    if not 1 <= days <= MOST_DAYS:
        wrong["days"] = f"Write a number of days from 1 to {MOST_DAYS}."
    if not wanted.may:
        wrong["may"] = "Tick at least one step."
    elif May.OPTIONAL in wanted.may and May.CONNECTION not in wanted.may:
        wrong["may"] = "Who switches SSO on must be allowed to set the connection up, too."
    return Wrong(wrong) if wrong else (address, days)


def _invitation(services: Services, actor: Actor, tenant: Tenant, link: Link, *, url: str) -> str:
    by = actor.account
    who = one_line(f"{by.name} ({by.email})" if by.name else by.email)
    until = moment_words(link.expires_at)
    return (
        f"Hello {link.for_whom},\n\n{who} asks you to set up single sign-on for\n"
        f"{one_line(tenant.name)} at {host_of(services)}. You need no account: this link leads\n"
        f"you through it, step by step.\n\n{url}\n\n"
        f"It can be started once, until {until}. If you did not expect this mail,\n"
        "leave it: nothing happens by itself.\n"
    )


def take_back(services: Services, actor: Actor, tenant: TenantRef, link_id: int) -> bool:
    """Take a link back, and end the session that it began at once; whether it was there."""
    now = services.now()
    with services.database.transaction() as connection:
        found = links.live_of_tenant(connection, tenant.id, now)
        link = next((one for one in found if one.id == link_id), None)
        if link is None or not links.revoke(connection, tenant.id, link_id, now):
            return False
        event = audit.Event.LINK_REVOKED
        audit.record(connection, entry(services, actor, tenant, link, event))
    return True


def look_at(services: Services, token: str) -> Offer | Closed:
    """Give what stands behind a link that was opened; spends nothing and writes nothing."""
    with services.database.read() as connection:
        link = links.by_token(connection, token)
    bundle = services.registry.tenant_by_id(link.tenant_id) if link else None
    if link is None or link.kind is not LinkKind.SETUP or bundle is None:
        return Closed(Over.UNKNOWN)
    over = over_of(link, services) or (Over.SUSPENDED if bundle.tenant.suspended else None)
    return Closed(over, link.made_by) if over else Offer(link, bundle.tenant)


def start(services: Services, token: str, session: str, visitor: Visitor) -> Started | Closed:
    """Spend a link: the browser's `session` token, made at the page before, counts from now on.

    The same browser may press twice at once: both times it is in.
    """
    offer = look_at(services, token)
    if isinstance(offer, Closed) and offer.over is not Over.USED:
        return offer
    now = services.now()
    with services.database.transaction() as connection:
        if isinstance(offer, Offer) and links.use(
            connection, offer.link.id, now, session=session, session_ends_at=now + SESSION
        ):
            guest = account_of(offer.link, offer.tenant)
            ref = TenantRef(offer.tenant.id, offer.tenant.slug)
            event = audit.Event.LINK_USED
            audit.record(connection, entry(services, Actor(guest, visitor), ref, offer.link, event))
            return Started(now + SESSION)
        mine, asked = links.by_session(connection, session), links.by_token(connection, token)
    if mine and asked and mine.id == asked.id and mine.session_ends_at and mine.is_under_way(now):
        return Started(mine.session_ends_at)
    return Closed(Over.USED, asked.made_by if asked else "")


def account_of(link: Link, tenant: Tenant) -> Account:
    """Give how the trail names who uses a link; no account has the number 0."""
    name = f"set-up link {link.id} ({link.for_whom})"
    return Account(0, name, link.for_whom, Role.MEMBER, tenant)


def guest_of(services: Services, session: str) -> Guest | Closed | None:
    """Give who a set-up session belongs to, why it is over, or None where it never was one."""
    with services.database.read() as connection:
        link = links.by_session(connection, session)
    bundle = services.registry.tenant_by_id(link.tenant_id) if link else None
    if link is None or bundle is None or link.session_ends_at is None:
        return None
    if link.revoked_at is not None:
        return Closed(Over.REVOKED, link.made_by)
    if not link.is_under_way(services.now()):
        return Closed(Over.ENDED, link.made_by)
    if bundle.tenant.suspended:
        return Closed(Over.SUSPENDED, link.made_by)
    return Guest(link, bundle, link.session_ends_at)


def finish(services: Services, guest: Guest, visitor: Visitor, *, done: tuple[str, ...]) -> None:
    """End the set-up session, and tell whoever made the link what is `done`."""
    tenant = guest.bundle.tenant
    page = f"{services.settings.base_url}/admin/tenants/{tenant.slug}"
    lines = "\n".join(f"- {line}" for line in done)
    text = (
        f"{guest.link.for_whom} has finished with the set-up link that you made for\n"
        f"{one_line(tenant.name)}.\n\n{lines}\n\nWhat is left to do: {page}\n"
    )
    subject = f"{one_line(tenant.name)}: single sign-on is set up by {guest.link.for_whom}"
    actor = Actor(guest.account, visitor)
    with services.database.transaction() as connection:
        if not links.end_session(connection, guest.link.id, services.now()):
            return
        event = audit.Event.LINK_FINISHED
        ref = TenantRef(tenant.id, tenant.slug)
        audit.record(connection, entry(services, actor, ref, guest.link, event))
        post(services, connection, Mail(guest.link.made_by, subject, text))

"""Invitations, and links to a new password: made by an admin, used by the person alone.

    send_link         make one and mail it; an older one of the same person ends
    take_back         before it is used
    look              what an opened link leads to: the sign-in page, a form, or why nowhere
    set_own_password  the form

Opening spends nothing, for mail scanners follow links; setting the password does.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import SecretStr
from sqlalchemy import Connection

from portal.core.address import Address
from portal.core.registry import Account, Role, Tenant
from portal.core.routing import Asked, UsePassword
from portal.core.spans import moment_words
from portal.flows.changes.tenant_edits import Actor, NotAllowed, Saved
from portal.flows.editing.form_checks import Wrong
from portal.flows.editing.people_edits import set_password, wrong_password
from portal.flows.letters.link_mail import (
    Posted,
    TooMany,
    entry,
    hand_over,
    host_of,
    keep,
    one_line,
)
from portal.flows.outcomes import Visitor
from portal.flows.signing.sign_in import judge, route_of
from portal.services import Services
from portal.store import audit, links, people
from portal.store.links import Link, LinkKind, NewLink
from portal.store.people import Person
from portal.store.tenant_items import TenantRef, lock_tenant

LIVES = {LinkKind.INVITATION: timedelta(days=7), LinkKind.PASSWORD: timedelta(days=1)}
_USED_UP = "the link was used a moment before"


class Over(StrEnum):
    """Why a link leads nowhere."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    USED = "used"
    SUSPENDED = "suspended"
    DISABLED = "disabled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Closed:
    """The link leads nowhere; `by` is whom to ask for another, "" where nobody knows."""

    over: Over
    by: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The link is good. `leads_to_sso`: its person needs no password, the sign-in page knows."""

    link: Link
    tenant: Tenant
    who: Person
    leads_to_sso: bool


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """The password is set; `leads_to_sso`: the sign-in page will offer the company's first."""

    email: str
    leads_to_sso: bool


def send_link(
    services: Services, actor: Actor, tenant: Tenant, who: Person, *, kind: LinkKind
) -> Posted | TooMany | NotAllowed:
    """Make a link for a person and mail it."""
    if who.disabled:
        return NotAllowed("The account is switched off. Switch it on first.")
    now = services.now()
    new = NewLink(
        kind=kind,
        tenant_id=tenant.id,
        user_id=who.id,
        for_whom=who.email,
        address=who.email,
        made_by=actor.account.email,
        created_at=now,
        expires_at=now + LIVES[kind],
    )
    ref = TenantRef(tenant.id, tenant.slug)
    with services.database.transaction() as connection:
        lock_tenant(connection, tenant.slug)
        kept = keep(services, connection, actor, ref, new)
        if isinstance(kept, TooMany):
            return kept
        link, token = kept
        links.revoke_of_user(connection, who.id, now, but=link.id)
    url = f"{services.settings.base_url}/welcome/{token}"
    subject, text = _mail(services, actor, tenant, link, url=url)
    return Posted(link, url, hand_over(services, actor, link, subject=subject, text=text))


def _mail(
    services: Services, actor: Actor, tenant: Tenant, link: Link, *, url: str
) -> tuple[str, str]:
    by = actor.account
    who = one_line(f"{by.name} ({by.email})" if by.name else by.email)
    company, host, until = one_line(tenant.name), host_of(services), moment_words(link.expires_at)
    if link.kind is LinkKind.INVITATION:
        subject = f"You are invited to {company} at {host}"
        first = f"{who} has made an account for you at {company}.\n\nTo get in, open"
    else:
        subject = f"Set a new password for {company} at {host}"
        first = f"{who} sends you a link to set a new password at {company}.\n\nOpen"
    return subject, (
        f"Hello,\n\n{first}\n\n{url}\n\n"
        f"It works once, until {until}, and for {link.for_whom} alone. If you did not expect\n"
        "this mail, leave it: nothing happens by itself.\n"
    )


def take_back(services: Services, actor: Actor, tenant: TenantRef, who: Person) -> bool:
    """Take a person's open link back; whether there was one."""
    now = services.now()
    with services.database.transaction() as connection:
        link = links.latest_of_user(connection, who.id)
        if link is None or not links.revoke_of_user(connection, who.id, now):
            return False
        event = audit.Event.LINK_REVOKED
        audit.record(connection, entry(services, actor, tenant, link, event))
    return True


def look(services: Services, token: str) -> Welcome | Closed:
    """Give what an opened link leads to; spends nothing and writes nothing."""
    with services.database.read() as connection:
        link = links.by_token(connection, token)
        if link is None or link.kind is LinkKind.SETUP or link.user_id is None:
            return Closed(Over.UNKNOWN)
        who = people.person(connection, link.tenant_id, link.user_id)
    bundle = services.registry.tenant_by_id(link.tenant_id)
    if who is None or bundle is None:
        return Closed(Over.UNKNOWN)
    over = over_of(link, services) or _stands_against(bundle.tenant, who)
    if over:
        return Closed(over, link.made_by, who.email)
    return Welcome(link, bundle.tenant, who, _needs_no_password(services, link, who))


def over_of(link: Link, services: Services) -> Over | None:
    """Say why a link does not count any more, None where it does."""
    if link.used_at is not None:
        return Over.USED
    if link.revoked_at is not None:
        return Over.REVOKED
    return Over.EXPIRED if services.now() >= link.expires_at else None


def _stands_against(tenant: Tenant, who: Person) -> Over | None:
    if tenant.suspended:
        return Over.SUSPENDED
    return Over.DISABLED if who.disabled else None


def _needs_no_password(services: Services, link: Link, who: Person) -> bool:
    """Whether the sign-in page is all that the person needs.

    An invitation leads to SSO wherever there is some. Who was sent a link to a new password gets
    the form, unless no password would be looked at.
    """
    verdict, _ = judge(services, Address.parse(who.email), asked=Asked(password_typed=True))
    if link.kind is LinkKind.INVITATION and not who.sso_exempt:
        return verdict.route.has_sso
    return not isinstance(verdict.decision, UsePassword)


def set_own_password(
    services: Services, token: str, password: SecretStr, visitor: Visitor
) -> PasswordSet | Wrong | Closed:
    """Spend a link for a new password. Every session and other link of the account ends."""
    found = look(services, token)
    if isinstance(found, Closed):
        return found
    who, tenant = found.who, found.tenant
    address = Address.parse(who.email)
    if wrong := wrong_password(password, address, tenant.name, tenant.slug):
        return Wrong({"new_password": wrong})
    account = Account(who.id, who.email, who.name, Role(who.role), tenant)
    actor, ref = Actor(account, visitor), TenantRef(tenant.id, tenant.slug)

    def spend(connection: Connection) -> NotAllowed | None:
        if not links.use(connection, found.link.id, services.now()):
            return NotAllowed(_USED_UP)
        event = audit.Event.LINK_USED
        audit.record(connection, entry(services, actor, ref, found.link, event))
        return None

    outcome = set_password(services, actor, ref, who, password=password, first=spend)
    if isinstance(outcome, Wrong):
        return outcome
    if not isinstance(outcome, Saved):
        return Closed(Over.USED, found.link.made_by, who.email)
    return PasswordSet(who.email, route_of(services, address).has_sso)

"""What people read of a planned rollout: on the sign-in page and at the dashboard."""

from portal.core.address import Address, AddressError
from portal.core.registry import DomainRule
from portal.core.rollout_words import day_words
from portal.core.session import Session
from portal.flows.rollout.rollout_ahead import Ahead, ahead, ahead_of_tenant
from portal.flows.signing.sign_in import route_of
from portal.store.registry import Bundle
from portal.web.context import services
from portal.web.pages import Notice, Tone


def banner_for(email: str) -> str:
    """Give the announcement for an address that was typed, or nothing."""
    try:
        address = Address.parse(email)
    except AddressError:
        return ""
    return banner_of(route_of(services(), address).rule, address)


def banner_of(rule: DomainRule | None, address: Address) -> str:
    """Give the announcement for an address whose domain is known."""
    found = ahead(services(), rule, address)
    return f"{_from(found)} you sign in with {_ways(found)}." if found else ""


def banner_of_tenant(bundle: Bundle) -> str:
    """Give the announcement for the sign-in page of a tenant; of several the first to come."""
    found = min(ahead_of_tenant(services(), bundle), key=lambda one: one.on, default=None)
    if found is None:
        return ""
    return f"{_from(found)} people of {found.domain.display} sign in with {_ways(found)}."


def notice_for(session: Session) -> Notice | None:
    """Give the notice for somebody who signed in by a password that soon does no more."""
    account = session.account
    if session.by.method != "password" or account.tenant is None or account.sso_exempt:
        return None
    address = Address.parse(account.email)
    rule = route_of(services(), address).rule
    words = banner_of(rule, address) if rule and rule.tenant.id == account.tenant.id else ""
    text = "Your password will not be asked for any more. Until then nothing changes."
    return Notice(tone=Tone.INFO, title=words, text=text) if words else None


def _from(found: Ahead) -> str:
    return f"From {day_words(found.on, today=services().now().date())}"


def _ways(found: Ahead) -> str:
    return " or ".join(found.ways) or "single sign-on"

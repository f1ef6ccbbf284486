"""A break-glass sign-in is never a quiet one: noted, audited, and mailed to all admins."""

from sqlalchemy import Connection

from portal.core.registry import Account, Policy, Role
from portal.core.routing import Verdict
from portal.flows.letters.outgoing_mail import post_to_admins
from portal.flows.outcomes import Visitor
from portal.services import Services
from portal.store import break_glass


def is_break_glass(verdict: Verdict, account: Account | None) -> bool:
    """Whether the password may be used only because the person is marked.

    Operators keep their password anyway: they are of no company.
    """
    rule = verdict.route.rule
    if rule is None or rule.policy is not Policy.REQUIRED:
        return False
    marked = account is not None and account.sso_exempt and account.role is not Role.OPERATOR
    return marked and any(step.rule == "exemption" for step in verdict.trace)


def raise_alarm(
    services: Services, connection: Connection, account: Account, visitor: Visitor
) -> None:
    """Note a break-glass sign-in, in its transaction; one mail for a person in 15 minutes.

    Nothing is sent here: the mail goes out once the sign-in is committed.
    """
    now = services.now()
    if not break_glass.note_use(connection, account.id, now=now) or account.tenant is None:
        return
    base = f"{services.settings.base_url}/admin/tenants/{account.tenant.slug}"
    text = (
        f"{account.email} signed in with a password at {now:%H:%M} UTC on {now.day} {now:%B %Y}, "
        f"where SSO is required, from {visitor.network or 'an unknown network'}. "
        "They may: they are marked as break-glass.\n\n"
        "If nobody of you knows of it, switch the account off at once:\n"
        f"{base}/people/{account.id}\n\n"
        f"Reference: {visitor.reference}\n"
    )
    subject = f"{account.tenant.name}: a break-glass account was used"
    post_to_admins(services, connection, account.tenant.id, subject=subject, text=text)

"""Claimed domains looked at again by themselves, and proven ones for life.

    due claims            checked ever less often; the record proves the domain without a click
    proven by a record    looked at daily; a record that is gone is told to the admins by mail

A proof that went stale never sends anybody back to passwords: the domain stays proven here.
"""

from datetime import timedelta

from portal.core.registry import Account, Role
from portal.flows.changes.tenant_edits import Actor
from portal.flows.domains.domain_proof import Checked, Finding, check, look, record_of
from portal.flows.letters.outgoing_mail import post_to_admins
from portal.services import Services
from portal.store import domain_proofs
from portal.store.domain_proofs import Challenge
from portal.store.tenant_items import TenantRef

_NOBODY = Actor(Account(0, "the portal itself", "", Role.MEMBER, None))
_LONGEST_WAIT = timedelta(days=1)
_FIRST_WAIT = timedelta(minutes=5)


def recheck_due(services: Services, *, most: int = 20) -> int:
    """Check the domains whose time has come, the longest waiting first; give how many.

    Each is put off before it is looked at, so that two processes rarely look at the same one;
    where they do, the second finds what the first wrote.
    """
    now = services.now()
    with services.database.read() as connection:
        found = domain_proofs.due(connection, now, most=most)
    for challenge in found:
        with services.database.transaction() as connection:
            domain_proofs.put_off(connection, challenge.domain_id, now + _FIRST_WAIT)
        if challenge.verified:
            _look_again(services, challenge)
        else:
            _check_claim(services, challenge)
    return len(found)


def _check_claim(services: Services, challenge: Challenge) -> None:
    """Look for the record of a claim; where nothing changed, nothing is told."""
    checked = look(services, challenge)
    if checked.finding is Finding.PROVEN:
        tenant = TenantRef(challenge.tenant_id, challenge.tenant)
        check(services, _NOBODY, tenant, challenge.domain)
        return
    _note(services, challenge, checked, wait=_wait(services, challenge))


def _wait(services: Services, challenge: Challenge) -> timedelta:
    """Give the next delay: twice as long as the last one, a day at most."""
    if challenge.checked_at is None:
        return _FIRST_WAIT
    return min(max(2 * (services.now() - challenge.checked_at), _FIRST_WAIT), _LONGEST_WAIT)


def _look_again(services: Services, challenge: Challenge) -> None:
    """Look whether a proven domain's record still stands; a first miss is told by mail.

    A name server that is silent or broken says nothing about the record.
    """
    checked = look(services, challenge)
    if checked.finding in {Finding.SILENT, Finding.BROKEN}:
        return
    _note(services, challenge, checked, wait=_LONGEST_WAIT)
    if checked.finding is not Finding.PROVEN and challenge.lost_since is None:
        _warn(services, challenge)


def _note(services: Services, challenge: Challenge, checked: Checked, *, wait: timedelta) -> None:
    now = services.now()
    with services.database.transaction() as connection:
        domain_proofs.note(
            connection,
            challenge,
            checked.finding.value,
            found=checked.found,
            now=now,
            next_at=now + wait,
        )


def _warn(services: Services, challenge: Challenge) -> None:
    record = record_of(challenge)
    page = f"{services.settings.base_url}/admin/tenants/{challenge.tenant}/domains"
    text = (
        f"The TXT record that proves {challenge.domain} is no longer in DNS.\n\n"
        f"Name:  {record.name}\nValue: {record.value}\n\n"
        "Nothing has changed for your people. Please put the record back; more is at\n"
        f"{page}/{challenge.domain}\n"
    )
    subject = f"{challenge.domain}: the proof of your domain is gone"
    with services.database.transaction() as connection:
        post_to_admins(services, connection, challenge.tenant_id, subject=subject, text=text)

"""The one way for mail out of the portal: written down first, sent by housekeeping.

    post            in the transaction of what the mail is about: both are there, or neither
    deliver_due     by the running portal, outside any transaction, once across processes

A mail server that is dead or slow keeps no request waiting, and a killed process loses no mail: at
worst one goes out twice. What cannot be handed over is tried ever less often, for three days.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from portal.crypto import UnreadableSecretError
from portal.mail import Mail, MailError, send
from portal.observe import log, masked
from portal.services import Services
from portal.store import outbox, people
from portal.store.outbox import Waiting

KEPT = timedelta(days=3)
_FIRST_WAIT = timedelta(minutes=2)  # longer than handing one over may take
_LONGEST_WAIT = timedelta(hours=1)
_AT_ONCE = 20


def post(services: Services, connection: Connection, *mails: Mail) -> None:
    """Have mails sent once the caller's transaction is committed."""
    sealed = [(mail.to, mail.subject, services.vault.seal(mail.text)) for mail in mails]
    outbox.put(connection, sealed, now=services.now())


def post_to_admins(
    services: Services, connection: Connection, tenant_id: int, *, subject: str, text: str
) -> None:
    """Have a mail sent to each admin of a tenant."""
    admins = people.admin_addresses(connection, tenant_id)
    post(services, connection, *(Mail(address, subject, text) for address in admins))


def deliver_due(services: Services) -> int:
    """Send the mails whose time has come; give how many were handed over.

    A server that fails ends the round: it is likely to fail for the rest too.
    """
    now = services.now()
    with services.database.read() as connection:
        found = outbox.due(connection, now, most=_AT_ONCE)
    sent = 0
    for mail in found:
        with services.database.transaction() as connection:
            mine = outbox.take(connection, mail, again_at=now + _wait(mail))
        if mine and not _deliver(services, mail, now):
            break
        sent += mine
    return sent


def _wait(mail: Waiting) -> timedelta:
    doubled: int = 2 ** min(mail.tries, 10)
    return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)


def _deliver(services: Services, mail: Waiting, now: datetime) -> bool:
    """Hand one mail over; whether that ended well."""
    told = {"mail": mail.id, "to": masked(mail.recipient), "tries": mail.tries + 1}
    try:
        send(
            services.settings, Mail(mail.recipient, mail.subject, services.vault.open(mail.content))
        )
    except (MailError, UnreadableSecretError) as error:
        is_over = now - mail.created_at >= KEPT
        if is_over:
            log.error("mail.given_up", cause=str(error), **told)
        else:
            log.warning("mail.put_off", cause=str(error), **told)
        sound = False
    else:
        is_over = sound = True
    if is_over:
        with services.database.transaction() as connection:
            outbox.drop(connection, mail)
    return sound

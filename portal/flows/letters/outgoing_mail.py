"""The one way for mail out of the portal: written down first, sent by housekeeping.

    post            in the transaction of what the mail is about: both are there, or neither
    deliver_due     by the running portal, outside any transaction, once across processes
    send_now        the mail of a link, for whom somebody waits: seconds, then as the others

A mail server that is dead or slow keeps no request waiting, and a killed process loses no mail: at
worst one goes out twice. What cannot be handed over is tried ever less often, for three days.
"""

import contextvars
import threading
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from portal.crypto import UnreadableSecretError
from portal.flows.changes.registry_trail import NOWHERE, Source
from portal.flows.letters import link_trail
from portal.mail import Mail, MailError, send
from portal.observe import log, masked
from portal.services import Services
from portal.store import outbox, people
from portal.store.engine import DatabaseGoneError
from portal.store.outbox import Waiting

KEPT = timedelta(days=3)
_FIRST_WAIT = timedelta(minutes=2)  # longer than handing one over may take
_LONGEST_WAIT = timedelta(hours=1)
_AT_ONCE = 20
_PATIENCE = 3.0  # seconds, of somebody who has pressed a button


class Handed(StrEnum):
    """What became of a mail while somebody waited for it."""

    SENT = "sent"
    REFUSED = "refused"
    WAITING = "waiting"


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


def send_now(services: Services, mail: Mail, *, link_id: int, source: Source) -> Handed:
    """Send the mail of a link, and write down how it went.

    It is written down first, as every mail. A server that says no is told of at once, and the mail
    is dropped; one that says nothing for seconds goes on with it behind the back of the request.
    """
    now = services.now()
    with services.database.transaction() as connection:
        waiting = outbox.put_taken(
            connection,
            (mail.to, mail.subject, services.vault.seal(mail.text)),
            link_id=link_id,
            now=now,
            again_at=now + _FIRST_WAIT,
        )
    ended: list[bool] = []

    def hand_over() -> None:
        try:
            ended.append(_deliver(services, waiting, now, source=source))
        except DatabaseGoneError as error:
            log.warning("mail.not_noted", mail=waiting.id, cause=str(error))

    context = contextvars.copy_context()  # the log names the request
    thread = threading.Thread(target=context.run, args=(hand_over,), name="mail", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if not ended:
        return Handed.WAITING
    if ended[0]:
        return Handed.SENT
    with services.database.transaction() as connection:
        outbox.drop(connection, waiting)
        link_trail.note_mail(services, connection, link_id, is_sent=False, source=source)
    return Handed.REFUSED


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


def _deliver(services: Services, mail: Waiting, now: datetime, *, source: Source = NOWHERE) -> bool:
    """Hand one mail over; whether that ended well. One whose link has ended is left unsent."""
    if mail.link_id is not None and not _is_wanted(services, mail.link_id):
        _end(services, mail, is_sent=False, source=source)
        return True
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
        _end(services, mail, is_sent=sound, source=source)
    return sound


def _is_wanted(services: Services, link_id: int) -> bool:
    with services.database.read() as connection:
        return link_trail.is_open(services, connection, link_id)


def _end(services: Services, mail: Waiting, *, is_sent: bool, source: Source) -> None:
    with services.database.transaction() as connection:
        outbox.drop(connection, mail)
        if mail.link_id is not None:
            link_trail.note_mail(services, connection, mail.link_id, is_sent=is_sent, source=source)

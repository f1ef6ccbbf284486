"""Mail on its way: written with what it is about, taken by one process at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from portal.core.registry import Sealed
from portal.store.rollout_tables import OUTBOX


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that waits to be sent; `tries` have failed so far. `link_id`: it carries that link."""

    id: int
    created_at: datetime
    due_at: datetime
    tries: int
    recipient: str
    subject: str
    content: Sealed = field(repr=False)
    link_id: int | None = None


def put(connection: Connection, mails: Sequence[tuple[str, str, Sealed]], *, now: datetime) -> None:
    """Add mails, each as its recipient, subject and sealed text."""
    rows = [
        {"created_at": now, "due_at": now, "recipient": to, "subject": subject, "content": content}
        for to, subject, content in mails
    ]
    if rows:
        connection.execute(insert(OUTBOX), rows)


def put_taken(
    connection: Connection,
    mail: tuple[str, str, Sealed],
    *,
    link_id: int,
    now: datetime,
    again_at: datetime,
) -> Waiting:
    """Add the mail of a link that the caller sends now; it comes up again should that not end."""
    to, subject, content = mail
    values = {"recipient": to, "subject": subject, "content": content, "link_id": link_id}
    values |= {"created_at": now, "due_at": again_at, "tries": 1}
    added = insert(OUTBOX).values(**values).returning(OUTBOX.c.id)
    number = connection.execute(added).scalar_one()
    return Waiting(number, now, again_at, 1, to, subject, content, link_id)


def waiting_links(connection: Connection, link_ids: Sequence[int]) -> set[int]:
    """Give those of some links whose mail still waits."""
    query = select(OUTBOX.c.link_id).where(OUTBOX.c.link_id.in_(link_ids))
    return {number for number in connection.execute(query).scalars() if number is not None}


def due(connection: Connection, now: datetime, *, most: int) -> list[Waiting]:
    """Give the mails whose time has come, the longest waiting first."""
    names = (OUTBOX.c.id, OUTBOX.c.created_at, OUTBOX.c.due_at, OUTBOX.c.tries)
    query = select(*names, OUTBOX.c.recipient, OUTBOX.c.subject, OUTBOX.c.content, OUTBOX.c.link_id)
    found = query.where(OUTBOX.c.due_at <= now).order_by(OUTBOX.c.due_at).limit(most)
    return [Waiting(*row) for row in connection.execute(found)]


def take(connection: Connection, mail: Waiting, *, again_at: datetime) -> bool:
    """Whether this process is the one that sends it now; it comes up again should it not end."""
    mine = (OUTBOX.c.id == mail.id, OUTBOX.c.due_at == mail.due_at)
    taken = update(OUTBOX).where(*mine).values(due_at=again_at, tries=mail.tries + 1)
    return connection.execute(taken).rowcount == 1


def drop(connection: Connection, mail: Waiting) -> None:
    """Remove a mail that was handed over, or never will be."""
    connection.execute(delete(OUTBOX).where(OUTBOX.c.id == mail.id))

"""Sign-ins that were sent to a provider: which are under way, and which never came back.

The submit writes nothing: it puts a line into a bounded buffer, and a thread of the process
writes what has gathered in one batch each second. What a killed process had not written is lost,
and so is what a flood brings beyond the bound.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from portal.core.address import Address, AddressError
from portal.core.attempt import LIFETIME
from portal.core.values import quick_value
from portal.observe import log
from portal.store.engine import Database, DatabaseGoneError
from portal.store.listing import PAGE, Slice
from portal.store.registry import Registry
from portal.store.upserts import upsert
from portal.store.watch_tables import STARTED_SIGN_INS

MOST_WAITING = 500
SETTLE = timedelta(seconds=3)  # another process may still have to write what came back here

_CAME_BACK = (
    update(STARTED_SIGN_INS)
    .where(STARTED_SIGN_INS.c.key == bindparam("its_key"))
    .values(back_at=bindparam("its_return"))
)


@quick_value
class Started:
    """A sign-in that was sent to a provider; `key` names its attempt, `back_at` its return."""

    key: str
    at: datetime
    tenant_id: int
    connection_id: int
    actor: str
    network: str = field(repr=False)
    reference: str
    back_at: datetime | None = None

    def returned(self, now: datetime) -> "Started":
        """Give it as one that came back; `replace` would go through all fields at each callback."""
        return Started(
            key=self.key,
            at=self.at,
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            actor=self.actor,
            network=self.network,
            reference=self.reference,
            back_at=now,
        )

    def is_timed_out(self, now: datetime) -> bool:
        """Whether it never came back and cannot any more."""
        return self.back_at is None and now - self.at >= LIFETIME


class StartedLog:
    """Takes down sign-ins that begin and come back, at the cost of a line in memory."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._lock = threading.Lock()
        self._started: dict[str, Started] = {}
        self._doubtful: set[str] = set()
        self._back: dict[str, datetime] = {}
        self._dropped = 0

    def note(self, started: Started, *, is_theirs: bool = False) -> None:
        """Note that somebody was sent to a provider.

        `is_theirs` where it is known already that the address is of a domain of the tenant.
        """
        with self._lock:
            if len(self._started) >= MOST_WAITING:
                self._dropped += 1
                return
            self._started[started.key] = started
            if not is_theirs:
                self._doubtful.add(started.key)

    def note_back(self, key: str, *, now: datetime) -> None:
        """Note that the answer came, whatever it says."""
        with self._lock:
            waiting = self._started.get(key)
            if waiting is not None:
                self._started[key] = waiting.returned(now)
            elif len(self._back) < MOST_WAITING:
                self._back[key] = now

    def find(self, key: str) -> Started | None:
        """Give the sign-in of an attempt, where it is known."""
        with self._lock:
            waiting = self._started.get(key)
            is_doubtful = key in self._doubtful
        if waiting is not None:
            return self._told(waiting) if is_doubtful else waiting
        with self._database.read(brief=True) as connection:
            row = connection.execute(
                select(STARTED_SIGN_INS).where(STARTED_SIGN_INS.c.key == key)
            ).first()
        return _started(row) if row else None

    def flush(self, *, now: datetime, everything: bool = False) -> None:
        """Write what has gathered. Raises DatabaseGoneError; what it could not write it keeps."""
        with self._lock:
            started, self._started = self._started, {}
            doubtful, self._doubtful = self._doubtful, set()
            settled = {k: at for k, at in self._back.items() if everything or at <= now - SETTLE}
            for key in settled:
                del self._back[key]
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("started_sign_ins.dropped", count=dropped)
        if not started and not settled:
            return
        try:
            told = [self._told(s) if key in doubtful else s for key, s in started.items()]
            with self._database.transaction(brief=True) as connection:
                save(connection, told, came_back=settled)
        except DatabaseGoneError:
            with self._lock:
                self._started = {**started, **self._started}
                self._doubtful |= doubtful
                self._back = {**settled, **self._back}
            raise

    def _told(self, one: Started) -> Started:
        """Keep the address only where it is of a domain of the tenant that it was sent for."""
        try:
            domain = Address.parse(one.actor).domain
        except AddressError:
            return replace(one, actor="")
        rules = self._registry.candidates(domain)
        is_theirs = any(r.tenant.id == one.tenant_id and r.applies_to(domain) for r in rules)
        return one if is_theirs else replace(one, actor="")


def save(
    connection: Connection, started: Iterable[Started], *, came_back: Mapping[str, datetime]
) -> None:
    """Write sign-ins that began, and the returns of others."""
    names = [column.name for column in STARTED_SIGN_INS.c]
    rows = [{name: getattr(one, name) for name in names} for one in started]
    if rows:
        insert = upsert(STARTED_SIGN_INS, dialect=connection.dialect.name)
        connection.execute(insert.on_conflict_do_nothing(), rows)
    if came_back:
        back = [{"its_key": key, "its_return": at} for key, at in came_back.items()]
        connection.execute(_CAME_BACK, back)


def not_back(
    connection: Connection, tenant_id: int, *, person: str = "", number: int = 1, most: int = PAGE
) -> Slice[Started]:
    """Give a page of a tenant's sign-ins that have not come back, the newest first."""
    where = [STARTED_SIGN_INS.c.tenant_id == tenant_id, STARTED_SIGN_INS.c.back_at.is_(None)]
    if person:
        where.append(func.lower(STARTED_SIGN_INS.c.actor).contains(person.lower(), autoescape=True))
    counting = select(func.count()).select_from(STARTED_SIGN_INS).where(*where)
    total = connection.execute(counting).scalar_one()
    number = min(max(1, number), max(1, -(-total // PAGE)))
    query = (
        select(STARTED_SIGN_INS)
        .where(*where)
        .order_by(STARTED_SIGN_INS.c.at.desc(), STARTED_SIGN_INS.c.key)
        .limit(most)
        .offset((number - 1) * PAGE)
    )
    return Slice(tuple(_started(row) for row in connection.execute(query)), number, total)


def timed_out_by_connection(
    connection: Connection, tenant_id: int, *, since: datetime, now: datetime
) -> dict[int, int]:
    """Count a tenant's sign-ins since a time that never came back, by their connection."""
    query = (
        select(STARTED_SIGN_INS.c.connection_id, func.count())
        .where(
            STARTED_SIGN_INS.c.tenant_id == tenant_id,
            STARTED_SIGN_INS.c.back_at.is_(None),
            STARTED_SIGN_INS.c.at >= since,
            STARTED_SIGN_INS.c.at <= now - LIFETIME,
        )
        .group_by(STARTED_SIGN_INS.c.connection_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def by_reference(connection: Connection, tenant_id: int | None, reference: str) -> Started | None:
    """Give the newest sign-in whose beginning bears a reference, of one tenant or of any."""
    where = [STARTED_SIGN_INS.c.reference == reference]
    if tenant_id is not None:
        where.append(STARTED_SIGN_INS.c.tenant_id == tenant_id)
    query = select(STARTED_SIGN_INS).where(*where).order_by(STARTED_SIGN_INS.c.at.desc()).limit(1)
    row = connection.execute(query).first()
    return _started(row) if row else None


def _started(row: Any) -> Started:
    return Started(**row._mapping)  # noqa: SLF001 - SQLAlchemy's name for a row as a mapping

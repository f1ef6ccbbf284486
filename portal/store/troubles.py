"""Which connections have trouble at the moment: a small set, read at most every few seconds.

For the pages that warn before somebody is sent there. It decides nothing: who tries anyway is
sent, and the set may be some seconds old.
"""

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection as DbConnection
from sqlalchemy import Text, and_, cast, func, or_, select

from portal.core.errors import FailureCode
from portal.core.registry import Connection
from portal.observe import log
from portal.store import issuer_health
from portal.store.engine import Database, DatabaseGoneError
from portal.store.setup_progress import SSO
from portal.store.tables import AUDIT

LOOKS = 2  # in a row that failed
LOOK_COUNTS = timedelta(minutes=15)
FAILURES = 3  # of sign-ins, and nobody who came in since
FAILURES_COUNT = timedelta(minutes=10)
_REFUSED = ("(invalid_client)", "token endpoint answered 401 ")  # a secret that has run out
_KEPT = timedelta(seconds=15)
_MOST = 1000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """Issuers and connections (by id) with trouble, as of a moment."""

    at: datetime
    issuers: frozenset[str] = frozenset()
    connections: frozenset[int] = frozenset()


class Troubles:
    """Knows which connections have trouble."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known = Known(_LONG_AGO)

    def has(self, connection: Connection, *, now: datetime) -> bool:
        """Whether a connection has trouble; what cannot be read now is as it was last."""
        if now - self._known.at >= _KEPT and self._lock.acquire(blocking=False):
            try:
                with self._database.read(brief=True) as database:
                    self._known = read(database, now)
            except DatabaseGoneError as error:
                log.warning("troubles.not_read", cause=str(error))
            finally:
                self._lock.release()
        known = self._known
        issuer = connection.client.issuer if connection.client else ""
        return connection.id in known.connections or issuer in known.issuers


def read(connection: DbConnection, now: datetime) -> Known:
    """Read what has trouble now."""
    issuers = issuer_health.failing(connection, failures=LOOKS, since=now - LOOK_COUNTS)
    return Known(now, frozenset(issuers), frozenset(_failing_sign_ins(connection, now)))


def _failing_sign_ins(connection: DbConnection, now: datetime) -> set[int]:
    """Give the connections whose sign-ins fail as the provider does not answer, or refuses us.

    What the browser brought as the provider's word (`error=temporarily_unavailable`) does not
    count: anybody could bring it.
    """
    since = now - FAILURES_COUNT
    failures = connection.execute(
        select(AUDIT.c.tenant_id, AUDIT.c.object, AUDIT.c.at, AUDIT.c.detail)
        .where(
            AUDIT.c.at >= since,
            AUDIT.c.event == SSO,
            or_(
                AUDIT.c.outcome == FailureCode.PROVIDER_UNAVAILABLE.value,
                and_(
                    AUDIT.c.outcome == FailureCode.OIDC_FAILED.value,
                    or_(*(cast(AUDIT.c.detail, Text).contains(words) for words in _REFUSED)),
                ),
            ),
        )
        .order_by(AUDIT.c.at.desc())
        .limit(_MOST)
    ).all()
    own = [f for f in failures if f.detail.get("stage") != "answer" and "connection_id" in f.detail]
    often = {k for k, n in Counter(_key(f) for f in own).items() if n >= FAILURES}
    if not often:
        return set()
    came_in = _last_successes(connection, since, {about for _, about in often})
    return {
        f.detail["connection_id"]
        for f in own
        if _key(f) in often and f.at > came_in.get(_key(f), _LONG_AGO)
    }


def _key(row: Any) -> tuple[int | None, str]:
    return (row.tenant_id, row.object)


def _last_successes(
    connection: DbConnection, since: datetime, abouts: set[str]
) -> dict[tuple[int | None, str], datetime]:
    query = (
        select(AUDIT.c.tenant_id, AUDIT.c.object, func.max(AUDIT.c.at))
        .where(
            AUDIT.c.at >= since,
            AUDIT.c.event == SSO,
            AUDIT.c.outcome == "success",
            AUDIT.c.object.in_(abouts),
        )
        .group_by(AUDIT.c.tenant_id, AUDIT.c.object)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}

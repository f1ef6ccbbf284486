"""The running portal looks at the issuers by itself: one process at a time, few side by side.

watch      those whose time has come: every five minutes, failing ones every minute
look_now   one, because somebody asks; what is a few seconds old is not asked for again
"""

from datetime import timedelta

from portal.flows.health.issuer_checks import Inspection, inspect_all
from portal.observe import log
from portal.services import Services
from portal.store import housekeeping, issuer_health
from portal.store.issuer_health import Health, Look

TURN = timedelta(minutes=1)
EVERY = timedelta(minutes=5)
AGAIN = timedelta(minutes=1)  # where the last look failed
MOST = 40  # in one turn: with more issuers each is looked at less often
_AT_ONCE = 4
_NEW_ENOUGH = timedelta(seconds=5)


def watch(services: Services) -> int | None:
    """Look at the issuers whose time has come; give how many, None where it is another's turn."""
    now = services.now()
    slot = int(now.timestamp() // TURN.total_seconds())
    if not housekeeping.take_turn(services.database, f"issuers:{slot}", until=now + 2 * TURN):
        return None
    default = services.registry.default_client
    shared = default.issuer if default else ""
    with services.database.transaction() as connection:
        issuer_health.enrol(connection, default=shared, now=now)
        issuers = issuer_health.take_due(
            connection, default=shared, now=now, until=now + EVERY, most=MOST
        )
    looks = inspect_all(services, issuers, progress=lambda *_: None, at_once=_AT_ONCE)
    for seen in looks:
        _note(services, seen)
    return len(looks)


def look_now(services: Services, issuer: str) -> Health:
    """Look at one issuer and give how it is."""
    with services.database.read() as connection:
        known = issuer_health.of_issuers(connection, [issuer]).get(issuer)
    if known and services.now() - known.checked_at < _NEW_ENOUGH:
        return known
    (seen,) = inspect_all(services, [issuer], progress=lambda *_: None)
    _note(services, seen)
    with services.database.read() as connection:
        return issuer_health.of_issuers(connection, [issuer])[issuer]


def _note(services: Services, seen: Inspection) -> None:
    look = Look(
        issuer=seen.issuer,
        problem=seen.problem,
        is_down=seen.is_down,
        keys=seen.keys,
        algorithms=len(seen.metadata.algorithms) if seen.metadata else 0,
        ahead=seen.ahead,
    )
    now = services.now()
    next_at = now + (AGAIN if look.problem else EVERY)
    with services.database.transaction() as connection:
        issuer_health.note(connection, look, now=now, next_at=next_at)
    if look.problem:
        log.warning("issuer.failing", issuer=look.issuer, cause=look.problem)

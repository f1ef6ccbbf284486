"""Housekeeping of the running portal: one process at a time, in small steps, never in the way."""

import random
import threading
from contextlib import suppress
from datetime import timedelta
from multiprocessing.util import Finalize

from portal.flows.chores import start_chores
from portal.flows.domains.domain_rechecks import recheck_due
from portal.observe import log
from portal.services import Services
from portal.store import housekeeping
from portal.store.engine import DatabaseGoneError

EVERY = timedelta(minutes=5)
_REST = 0.05  # seconds between batches: others write too


def sweep(services: Services) -> dict[str, int] | None:
    """Remove what is stale; give how much of each kind, None where it is another's turn.

    Bounded: what one run leaves, the next takes. A run that is killed loses nothing.
    """
    now = services.now()
    slot = int(now.timestamp() // EVERY.total_seconds())
    if not housekeeping.take_turn(services.database, str(slot), until=now + 2 * EVERY):
        return None
    swept: dict[str, int] = {}
    for broom in housekeeping.BROOMS:
        for _ in range(housekeeping.MOST_BATCHES):
            gone = housekeeping.sweep_batch(services.database, broom, now)
            swept[broom.name] = swept.get(broom.name, 0) + gone
            if gone < housekeeping.BATCH:
                break
            threading.Event().wait(_REST)
    return swept


def keep_house(services: Services) -> None:
    """Do what the running portal does by itself, in threads that end with the process."""
    threading.Thread(target=_go_on, args=(services,), name="housekeeping", daemon=True).start()
    start_chores(services)
    # A process that is told to stop runs its finalizers once its requests are answered.
    Finalize(None, _write_last, args=(services,), exitpriority=10)


def _write_last(services: Services) -> None:
    with suppress(DatabaseGoneError):
        services.started.flush(now=services.now(), everything=True)


def _go_on(services: Services) -> None:
    pause = threading.Event()
    every = EVERY.total_seconds()
    pause.wait(random.uniform(0, every / 10))  # noqa: S311 - spreads processes that start at once
    while True:
        try:
            swept = sweep(services)
            if swept and any(swept.values()):
                log.info("housekeeping.done", **swept)
            if swept is not None:
                recheck_due(services)
        except DatabaseGoneError as error:
            log.warning("housekeeping.put_off", cause=str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the next run may do
            log.error("housekeeping.broke", error=type(error).__name__)
        pause.wait(every)

"""What the running portal does every few seconds.

    mail                goes out
    started sign-ins    what has gathered of them is written
    issuers             are looked at, in turns of a minute
    outages             connections that went down or are back: their admins are told
    rollouts            planned steps are taken, and taken back where sign-ins fail

Each chore has a thread of its own, so that a slow mail server holds up nothing else; what one
process has taken, no other takes.
"""

import random
import threading
from collections.abc import Callable

from portal.flows.health.issuer_watch import TURN, watch
from portal.flows.health.outage_watch import TURN as OUTAGES_TURN
from portal.flows.health.outage_watch import watch_outages
from portal.flows.letters.outgoing_mail import deliver_due
from portal.flows.one_by_one import one_by_one
from portal.flows.rollout.planned_rollout import take_due
from portal.flows.rollout.rollout_reminder import remind
from portal.flows.rollout.rollout_watch import watch_rollouts
from portal.observe import log
from portal.services import Services
from portal.store.engine import DatabaseGoneError

_MAIL_SECONDS = 3.0
_STARTED_SECONDS = 1.0
_SOON = 5.0
_ROLLOUT_SECONDS = 20.0


def start_chores(services: Services) -> None:
    """Do the chores from now on, in threads that end with the process."""
    _start("mail", lambda: deliver_due(services), _MAIL_SECONDS)
    _start("started sign-ins", lambda: services.started.flush(now=services.now()), _STARTED_SECONDS)
    _start("issuers", lambda: watch(services), TURN.total_seconds())
    _start("outages", lambda: watch_outages(services), OUTAGES_TURN.total_seconds())
    _start("rollouts", lambda: _roll_out(services), _ROLLOUT_SECONDS)


def _roll_out(services: Services) -> None:
    parts = (watch_rollouts, take_due, remind)
    one_by_one(services, parts, lambda at, part: part(at), name=lambda part: part.__name__)


def _start(name: str, chore: Callable[[], object], seconds: float) -> None:
    threading.Thread(target=_repeat, args=(name, chore, seconds), name=name, daemon=True).start()


def _repeat(name: str, chore: Callable[[], object], seconds: float) -> None:
    pause = threading.Event()
    pause.wait(random.uniform(0, min(seconds, _SOON)))  # noqa: S311 - spreads processes that start at once
    while True:
        try:
            chore()
        except DatabaseGoneError as error:
            log.warning("chore.put_off", chore=name, cause=str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the next run may do
            log.error("chore.broke", chore=name, error=type(error).__name__)
        pause.wait(seconds)

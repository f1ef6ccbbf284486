"""The WSGI application as a worker makes it: settings from the environment.

The supervisor loads this module before it forks the workers: nothing is opened or started before
`make_application` is called.
"""

import gc
import multiprocessing
import os
import signal
import threading
import time

from portal import tracing
from portal.app import create_app
from portal.cli.answering import InTurns
from portal.cli.farewell import Farewell
from portal.cli.serve import DRAIN_SECONDS, THREADS
from portal.cli.slow_bodies import SlowBodies
from portal.cli.turns import Turns
from portal.core.waits import Waits
from portal.flows.sweep import keep_house
from portal.observe import configure_logging
from portal.services import build_services
from portal.settings import load_settings
from portal.web.edge import largest_body
from portal.web.traces import trace_requests

_LOOK_APART = 0.5  # seconds


def make_application() -> InTurns:
    """Make the application of this worker process, and start what runs beside it."""
    settings = load_settings()
    configure_logging(json_lines=settings.is_production)
    turns = Turns()
    waits = Waits(turns.aside, briefly=turns.briefly)
    services = build_services(settings, waits=waits)
    app = create_app(services)
    farewell = Farewell(app, services.stopping)
    if tracing.start():
        trace_requests(app)
    bodies = SlowBodies(farewell, threads=THREADS, most_bytes=largest_body, turns=turns)
    turns.watch()
    keep_house(services)
    _end_with_supervisor()
    # What is here now stays: no collection needs to look at it again.
    gc.collect()
    gc.freeze()
    return InTurns(bodies, turns, before_stop=farewell.begin)


def _end_with_supervisor() -> None:
    """Let this worker end, its requests answered, when its supervisor was killed.

    An orphan would hold the port against the next start.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        while os.getppid() == supervisor.pid:
            time.sleep(_LOOK_APART)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(DRAIN_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()

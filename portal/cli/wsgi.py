"""The WSGI application as a worker process loads it: settings from the environment."""

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
from portal.cli.stop_signal import hear_it
from portal.cli.turns import Turns
from portal.core.waits import Waits
from portal.flows.sweep import keep_house
from portal.observe import configure_logging
from portal.services import build_services
from portal.settings import load_settings
from portal.web.edge import largest_body
from portal.web.traces import trace_requests


def _end_with_supervisor() -> None:
    """Let this worker end, its requests answered, when its supervisor was killed.

    An orphan would hold the port against the next start.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(DRAIN_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


_settings = load_settings()
configure_logging(json_lines=_settings.is_production)
_turns = Turns()
_waits = Waits(_turns.aside, briefly=_turns.briefly, look_up=_turns.look_up)
_services = build_services(_settings, waits=_waits)
_app = create_app(_services)
_farewell = Farewell(_app, _services.stopping)
hear_it(signal.SIGTERM, first=_farewell.begin)  # before any thread is started
if tracing.start():
    trace_requests(_app)
_bodies = SlowBodies(_farewell, threads=THREADS, most_bytes=largest_body, turns=_turns)
application = InTurns(_bodies, _turns)
_turns.watch()
keep_house(_services)
_end_with_supervisor()
# What is here now stays: no collection needs to look at it again.
gc.collect()
gc.freeze()

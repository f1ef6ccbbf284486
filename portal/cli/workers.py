"""The production server: granian's supervisor and the processes that it keeps running."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.util import Finalize
from typing import Any, NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server, mp

from portal.cli.stop_signal import hear_it

APPLICATION = "portal.cli.wsgi:application"
_FOR_EVER = 10**9  # seconds

# structlog loads these wherever they are installed, and a server never uses them; with what they
# bring along they are 4 MiB of each worker. None is "not to be found".
for _unused in ("greenlet", "rich"):
    sys.modules.setdefault(_unused, None)  # type: ignore[arg-type]


@mp.WorkerProcess.wrap_target  # type: ignore[untyped-decorator]
def _work(worker_id: int, application: Any, *args: Any) -> None:
    """Be a worker: as granian's own, but that an application may say itself how it is called."""
    granians_own = vars(mp)["_wsgi_call_wrap"]

    def caller(application: Any, *options: Any) -> Any:
        return getattr(application, "answer", None) or granians_own(application, *options)

    vars(mp)["_wsgi_call_wrap"] = caller  # granian has no setting for it
    mp.MPServer._spawn_wsgi_worker.__wrapped__(worker_id, application, *args)  # noqa: SLF001
    Finalize(None, _leave, exitpriority=0)  # after what others have to do at the end


def _leave() -> NoReturn:
    """End this process without taking Python down.

    A thread may still be at a request whose client has hung up. When it comes back from its wait
    to a Python that is being taken down it is ended inside of the server, which panics.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(0)


class _Supervisor(Server):  # type: ignore[misc,valid-type] # a class that is chosen at run time
    """Replaces workers that were killed or stopped, and gives up on those that cannot start.

    granian ends everything when a worker ends twice within seconds. That is right for one that
    cannot load the application, and wrong for one that somebody else killed or told to stop.
    """

    def __init__(self, *args: Any, beside: Callable[[], object], **options: Any) -> None:
        super().__init__(*args, **options)
        self._beside = beside

    def _spawn_workers(self, *args: Any) -> None:
        self.blocking_threads_idle_timeout = _FOR_EVER  # a resting thread is not an idle one
        with _interrupts_held():
            super()._spawn_workers(*args)
        threading.Thread(target=self._beside, name="beside", daemon=True).start()

    def _respawn_workers(self, workers: list[int], *args: Any, **options: Any) -> None:
        ended = [idx for idx in workers if (self.wrks[idx].inner.exitcode or 0) <= 0]
        with _interrupts_held():
            super()._respawn_workers(workers, *args, **options)
        for idx in ended:
            self.respawned_wrks.pop(idx, None)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that SIGINT does not reach, and SIGTERM does.

    Ctrl-C goes to every process of the terminal; a worker that gets it, and then the supervisor's
    SIGTERM, hangs until it is killed.
    """
    resource_tracker.ensure_running()  # started later, it would undo the mask
    before = signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(
    address: str,
    port: int,
    *,
    workers: int,
    threads: int,
    drain: int,
    beside: Callable[[], object],
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way get `drain` seconds.

    `beside` is done in a thread of its own once the workers have been started. These are started
    afresh, not forked: what this process has imported, opened or locked does not follow them, and
    the counters find their folder in the environment.
    """
    # glibc keeps freed memory apart for nearly every thread; one thread at a time runs Python.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    hear_it(signal.SIGTERM, signal.SIGINT)
    multiprocessing.set_start_method("spawn", force=True)
    _Supervisor(
        APPLICATION,
        beside=beside,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        backpressure=threads * 8,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=32 * 1024),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=drain,
        log_level=LogLevels.error,
    ).serve(spawn_target=_work)

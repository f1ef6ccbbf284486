"""The production server: granian's supervisor and the processes that it keeps running."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server, mp

from portal.cli.stop_signal import hear_it

APPLICATION = "portal.cli.wsgi:make_application()"  # as gunicorn writes what is to be called
WORKER_NAME = "portal-worker"  # as `ps` and `top` show it; the supervisor is `portal`
_FOR_EVER = 10**9  # seconds
_M_ARENA_MAX = -8  # mallopt(3)


def _worker(beside: Callable[[], object]) -> Callable[..., None]:
    """Give what a worker process does, all its life; the first one does `beside` too, in a thread.

    Not the supervisor: a worker that is forked meanwhile would keep the locks of that thread, and
    what it has open, for ever.
    """

    @mp.WorkerProcess.wrap_target  # type: ignore[untyped-decorator]
    def work(worker_id: int, application: Any, *args: Any) -> None:
        # Its threads hold SIGTERM back already: the supervisor's mask came along with the fork.
        hear_it(signal.SIGTERM, first=getattr(application, "before_stop", lambda: None))
        if worker_id == 1:
            threading.Thread(target=beside, name="beside", daemon=True).start()
        _work(worker_id, application, *args)

    def begin(*args: Any) -> None:
        _forget_the_supervisor()
        work(*args)

    return begin


def _forget_the_supervisor() -> None:
    """Let a worker not do on a signal what its supervisor does.

    SIGINT never reaches it: Ctrl-C goes to every process of the terminal, and a worker that gets
    it, and then the supervisor's SIGTERM, hangs until it is killed. SIGTERM waits until the
    application is there: a worker that it ended at once would look like one that failed.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(WORKER_NAME)


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
            if stream is not None:  # it was closed before the start
                stream.flush()
    os._exit(0)


class _Supervisor(Server):  # type: ignore[misc,valid-type] # a class that is chosen at run time
    """Replaces workers that were killed or stopped, and gives up on those that cannot start.

    granian ends everything when a worker ends twice within seconds. That is right for one that
    cannot load the application, and wrong for one that somebody else killed or told to stop.
    """

    def _spawn_workers(self, *args: Any) -> None:
        self.blocking_threads_idle_timeout = _FOR_EVER  # a resting thread is not an idle one
        super()._spawn_workers(*args)

    def _respawn_workers(self, workers: list[int], *args: Any, **options: Any) -> None:
        # granian forgets what comes while it looks at who has ended: a stop, another one's end.
        if self.interrupt_signal or self.interrupt_children:
            self.main_loop_interrupt.set()
        if self.interrupt_signal:
            return
        if "delay" not in options:  # not asked to replace those that live
            workers = [idx for idx, worker in enumerate(self.wrks) if not worker.is_alive()]
        ended = [idx for idx in workers if (self.wrks[idx].inner.exitcode or 0) <= 0]
        super()._respawn_workers(workers, *args, **options)
        for idx in ended:
            self.respawned_wrks.pop(idx, None)

    def shutdown(self, exit_code: int = 0) -> None:
        for worker in self.wrks:
            worker.interrupt_by_parent = True  # who ends now was told to
        try:
            super().shutdown(exit_code)
        except SystemExit:
            if not self.interrupt_signal:  # else one that ended just before the stop is no failure
                raise


def _keep_freed_memory_together() -> None:
    """Have glibc not keep it apart for nearly every thread: one at a time runs Python here.

    As MALLOC_ARENA_MAX=2 does for a process that is started with it; some 10 MiB in a rush.
    """
    with suppress(ImportError, MemoryError, OSError, AttributeError):  # hardened, or another libc
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


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

    `beside` is done in a thread of the first worker. All that workers use is loaded once, here, and
    they are forked: they share its memory, and one that has to be replaced is there at once.
    Nothing is opened here that they would share: they open it themselves.
    """
    _keep_freed_memory_together()
    hear_it(signal.SIGTERM, signal.SIGINT)  # held back here, and so in a worker that begins
    multiprocessing.set_start_method("fork", force=True)
    application = APPLICATION.removesuffix("()")
    import_module(application.partition(":")[0])
    gc.collect()
    gc.freeze()  # no collection of a worker touches, and so copies, what it shares
    _Supervisor(
        application,
        factory=application != APPLICATION,
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
    ).serve(spawn_target=_worker(beside))

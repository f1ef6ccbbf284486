"""Serves one WSGI app as `portal serve` serves the portal: `python -m benchmarks.host APP PORT`.

BENCH_SERVER picks the server: granian (the default) or gunicorn with its threads.
"""

import os
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from portal.cli.serve import DRAIN_SECONDS, THREADS


def main(app: str, port: int) -> None:
    """Serve until SIGTERM: one worker, the threads of `portal serve`."""
    if os.environ.get("BENCH_SERVER", "granian") == "gunicorn":
        _become_gunicorn(app, port)
    _run_granian(app, port)


def _run_granian(app: str, port: int) -> None:
    Granian(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=THREADS,
        backlog=1024,
        backpressure=THREADS * 8,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=32 * 1024),
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
    ).serve()


def _become_gunicorn(app: str, port: int) -> None:
    options = f"-k gthread -w 1 --threads {THREADS} -b 127.0.0.1:{port} --keep-alive 75"
    arguments = [*options.split(), "--log-level", "warning", app]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Sees that the server's processes hear the signal that tells them to stop.

The interpreter runs signal handlers in its main thread alone, and that one sleeps in a lock here.
A signal that the kernel hands to another thread, as it may under load, is noted there and would
not be acted on: a worker would serve on until it is killed, requests and all. So one thread takes
these signals, and it wakes the main thread.
"""

import signal
import threading
from collections.abc import Callable

_NUDGES, _APART = 40, 0.05  # seconds


def hear_it(*signals: signal.Signals, first: Callable[[], object] = lambda: None) -> None:
    """Have one of `signals` run the main thread's handler of SIGTERM, after `first`.

    To be called in the main thread before it starts others: they leave these signals alone, as it
    does from now on.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    heard = threading.Event()

    def stop(*_: object) -> None:
        if heard.is_set():
            return
        heard.set()
        handler = signal.getsignal(signal.SIGTERM)
        if not callable(handler):
            raise SystemExit(0)  # still starting
        handler(signal.SIGTERM, None)

    def wait() -> None:
        main = threading.main_thread().ident
        assert main is not None
        signal.sigwait(signals)
        first()
        while True:  # a second one is heard, should the first not have been enough
            heard.clear()
            for _ in range(_NUDGES):
                signal.pthread_kill(main, signal.SIGUSR1)
                if heard.wait(_APART):
                    break
            signal.sigwait(signals)

    signal.signal(signal.SIGUSR1, stop)
    threading.Thread(target=wait, name="stop signal", daemon=True).start()

"""Sees that the server's processes hear the signal that tells them to stop.

The interpreter runs signal handlers in its main thread alone, and that one sleeps in a lock here.
A signal that the kernel hands to another thread, as it may under load, is noted there and would
not be acted on: a worker would serve on until it is killed, requests and all.
"""

import os
import signal
import threading
import time

_STOP = {signal.SIGTERM, signal.SIGINT}
_NUDGES, _APART = 20, 0.05  # seconds


def hear_it() -> None:
    """Wake the main thread when a signal to stop has come, whichever thread it came to.

    To be called in the main thread, once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGUSR1, _nothing)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_wake_main, args=(reader,), name="stop signal", daemon=True).start()


def _nothing(*_: object) -> None:
    """Handle the nudge: that it interrupts the main thread's sleep is all that it is for."""


def _wake_main(reader: int) -> None:
    main = threading.main_thread().ident
    assert main is not None
    while _STOP.isdisjoint(os.read(reader, 64)):
        pass
    for _ in range(_NUDGES):
        signal.pthread_kill(main, signal.SIGUSR1)
        time.sleep(_APART)

"""`python -m portal.cli.demo_provider`: the provider as a process, until it is told to end.

Prints one line of JSON with its issuers when it serves. It ends on SIGTERM or SIGINT, and when
its standard input, being a pipe, is closed: then the process that started it is gone.
"""

import argparse
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portal.cli.demo_provider.running import DemoProvider

_STDIN = 0
_CHUNK = 4096


def main() -> int:
    """Serve until the end; 1 where the settings are wrong or the port is taken."""
    asked = _arguments()
    over = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: over.set())
    try:
        provider = DemoProvider.from_json(_config(asked.config), port=asked.port).start()
    except (OSError, TypeError, ValueError) as error:
        print(f"demo provider: {error}", file=sys.stderr)
        return 1
    if stat.S_ISFIFO(os.fstat(_STDIN).st_mode):
        threading.Thread(target=_wait_for_end_of_input, args=(over.set,), daemon=True).start()
    print(json.dumps({"issuer": provider.issuer, "issuers": provider.issuers}), flush=True)
    over.wait()
    provider.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m portal.cli.demo_provider")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument(
        "--config", default="", help="JSON file; - reads one line from standard input"
    )
    return parser.parse_args()


def _config(named: str) -> dict[str, Any]:
    """The settings; without any, a provider that takes every client."""
    if not named:
        return {"options": {"any_client": True}}
    text = sys.stdin.readline() if named == "-" else Path(named).read_text(encoding="utf-8")
    settings = json.loads(text)
    if not isinstance(settings, dict):
        raise TypeError("the settings are no JSON object")
    return settings


def _wait_for_end_of_input(then: Callable[[], None]) -> None:
    """Read without Python's buffer: its lock, held by a thread, would break the exit."""
    while os.read(_STDIN, _CHUNK):
        pass
    then()


if __name__ == "__main__":
    sys.exit(main())

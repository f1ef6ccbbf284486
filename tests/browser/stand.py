"""`portal demo` as a newcomer starts it, on free ports."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import free_port

PASSWORD = "portal-demo"
_SECONDS_TO_START = 60


@dataclass(frozen=True, slots=True)
class Stand:
    """The addresses of a running demo."""

    portal: str
    provider: str


@contextmanager
def running_demo() -> Iterator[Stand]:
    """Run the demo from an empty folder until the block ends."""
    port, provider_port = free_port(), free_port()
    command = [Path(sys.executable).with_name("portal"), "demo"]
    command += ["--port", str(port), "--provider-port", str(provider_port)]
    with tempfile.TemporaryDirectory() as folder, Path(folder, "said").open("w+b") as said:
        process = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, env=_plain_environment()
        )
        try:
            _wait_for(f"http://localhost:{port}/readyz", process)
            yield Stand(f"http://localhost:{port}", f"http://127.0.0.1:{provider_port}")
        except NotUpError:
            said.seek(0)
            raise AssertionError(f"the demo did not come up: {said.read().decode()}") from None
        finally:
            process.terminate()
            process.wait(timeout=40)


class NotUpError(Exception):
    """The demo ended, or did not answer in time."""


def _plain_environment() -> dict[str, str]:
    """The environment without what a developer may have set for a portal of their own."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PORTAL_", "SSOJET_"))}


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise NotUpError

"""The `portal` command as a process of its own, with none of this process's settings."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.databases import free_port

COMMAND = Path(sys.executable).parent / "portal"
_START_SECONDS = 60


def clean_environ(**environ: str) -> dict[str, str]:
    """Give the environment without settings, and with these."""
    ours = ("PORTAL_", "SSOJET_", "FLASK_", "_PORTAL_", "PROMETHEUS_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(ours)}, **environ}


def run_portal(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class RunningPortal:
    """A command that stays: started at once, killed with all of its kin at the end."""

    def __init__(self, folder: Path, *arguments: str, url: str, **environ: str) -> None:
        self.url = url
        self._output = folder / "output.txt"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [COMMAND, *arguments],
                cwd=folder,
                env=clean_environ(**environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.group():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_until_up(self) -> None:
        self.wait_for(self.answers)

    def wait_for(self, condition) -> None:
        until = time.monotonic() + _START_SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the portal did not get there; it said:\n{self.output}")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def group(self) -> list[int]:
        """Give every living process of the command's own session."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[3] == str(self.process.pid) and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found

    def is_gone(self, *, within: float = 10) -> bool:
        """Whether none of its processes is left, at once or in a moment."""
        until = time.monotonic() + within
        while self.group() and time.monotonic() < until:
            time.sleep(0.05)
        return not self.group()

    def workers(self) -> list[int]:
        """Give the processes that hold the listening port open, by their name."""
        return [pid for pid in self.group() if _name(pid) == "portal-worker"]

    def stop(self, sig: signal.Signals, *, whole_group: bool = False) -> float:
        """Send a signal and wait for the end; give the seconds that it took."""
        began = time.monotonic()
        if whole_group:
            os.killpg(self.process.pid, sig)
        else:
            self.process.send_signal(sig)
        self.process.wait(40)
        return time.monotonic() - began


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@contextmanager
def serving(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    workers: int = 1,
    up: bool = True,
    **environ: str,
) -> Iterator[RunningPortal]:
    """Run `portal serve` until the block ends."""
    port = free_port()
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    arguments = ("serve", "--host", host, "--port", str(port), "--workers", str(workers))
    with RunningPortal(
        folder, *arguments, url=url, **{"PORTAL_BASE_URL": url, **environ}
    ) as portal:
        if up:
            portal.wait_until_up()
        yield portal

"""What keeps the workers running: ends, stops, and both in the same moment."""

import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest
import requests

from benchmarks.stand import ROOT, python
from tests.cli.running_portal import COMMAND, clean_environ, serving
from tests.databases import free_port

pytestmark = pytest.mark.usefixtures("registry")


def with_supervisor_that(folder, script):
    """Give the environment of a server whose every fork is preceded by `at_fork` of the script."""
    spoilt = folder / "spoilt"
    spoilt.mkdir()
    lines = (
        "import os, sys, threading, time",
        *script,
        "if sys.argv[0].endswith('portal'):",
        "    os.register_at_fork(before=at_fork)",
    )
    (spoilt / "sitecustomize.py").write_text("\n".join(lines))
    return {"PYTHONPATH": str(spoilt)}


def test_nothing_waits_for_the_look_at_the_clients(tmp_path):
    endless = (
        "def at_fork():",
        "    checks = sys.modules['portal.flows.health.client_checks']",
        "    checks.clients_with_problems = lambda _: print('looking') or time.sleep(600)",
    )
    with serving(
        tmp_path, PYTHONUNBUFFERED="1", **with_supervisor_that(tmp_path, endless)
    ) as portal:
        portal.wait_for(lambda: "looking" in portal.output)
        (worker,) = portal.workers()
        os.kill(worker, signal.SIGKILL)
        began = time.monotonic()
        portal.wait_for(lambda: portal.workers() not in ([], [worker]))
        portal.wait_until_up()
        assert time.monotonic() - began < 3
        assert portal.stop(signal.SIGTERM) < 10
        assert portal.process.returncode == 0


LOOKS_AWAY = (  # the moment in which the supervisor deals with an end, made longer
    "clear = threading.Event.clear",
    "def slowly(event):",
    "    if sys._getframe(1).f_code.co_name == '_serve_loop':",
    "        print('looking away', flush=True)",
    "        time.sleep(0.5)",
    "    clear(event)",
    "def at_fork():",
    "    threading.Event.clear = slowly",
)


def test_a_stop_is_heard_while_a_worker_that_was_killed_is_dealt_with(tmp_path):
    environ = with_supervisor_that(tmp_path, LOOKS_AWAY)
    with serving(tmp_path, workers=2, **environ) as portal:
        os.kill(portal.workers()[0], signal.SIGKILL)
        portal.wait_for(lambda: "looking away" in portal.output)
        assert portal.stop(signal.SIGTERM) < 10
        assert portal.process.returncode == 0
        assert portal.is_gone()


def test_a_worker_that_ends_while_another_is_dealt_with_is_replaced_too(tmp_path):
    environ = with_supervisor_that(tmp_path, LOOKS_AWAY)
    with serving(tmp_path, workers=3, **environ) as portal:
        first, second, _ = before = portal.workers()
        os.kill(first, signal.SIGKILL)
        portal.wait_for(lambda: "looking away" in portal.output)
        os.kill(second, signal.SIGKILL)
        portal.wait_for(lambda: len(set(portal.workers()) - set(before)) == 2)
        assert portal.stop(signal.SIGTERM) < 10
        assert portal.process.returncode == 0


def test_a_stop_just_after_a_worker_was_killed_is_no_failure(tmp_path):
    with serving(tmp_path, workers=2) as portal:
        os.kill(portal.workers()[0], signal.SIGKILL)
        portal.stop(signal.SIGTERM)
        assert portal.process.returncode == 0
        assert portal.is_gone()


def test_a_closed_output_is_no_failure(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "said.txt").open("w") as said:
        command = f"exec {COMMAND} serve --port {port} --workers 1 <&- >&-"
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=clean_environ(PORTAL_BASE_URL=url),
            stderr=said,
        )
        eventually_up(url)
        process.terminate()
        assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "said.txt").read_text()


def eventually_up(url):
    for _ in range(600):
        with suppress(requests.RequestException):
            return requests.get(f"{url}/healthz", timeout=5)
        time.sleep(0.05)
    return pytest.fail("it did not come up")


def test_an_application_that_knows_nothing_of_workers_is_stopped_as_quickly():
    port = free_port()
    command = python("-m", "benchmarks.host", "benchmarks.bare_app:application", str(port))
    process = subprocess.Popen(command, cwd=ROOT)
    eventually_up(f"http://127.0.0.1:{port}")
    process.terminate()
    assert process.wait(10) == 0

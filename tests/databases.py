"""Real servers for the tests: a private PostgreSQL and a private Redis, where they are installed.

Each is started from its installed binaries on a free loopback port and stopped by its process id
at the end. With CI=true a missing one is a failure; elsewhere it is said and left out.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """Fail in CI, skip with a word elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and CI=true leaves nothing out")
    pytest.skip(f"{what} is not installed")


def postgresql_binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a PostgreSQL of our own; give its URL without a database name."""
    binaries = postgresql_binaries()
    if binaries is None:
        missing("PostgreSQL")
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    as_server: dict[str, str | int] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_server = {"user": "postgres"}
    data, port = folder / "data", free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        **quiet,
        **as_server,
    )
    options = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"]
    server = subprocess.Popen(
        [
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
            "-k",
            folder,
            *options,
        ],
        **quiet,
        **as_server,
    )
    url = f"postgresql://portal@127.0.0.1:{port}"
    try:
        _wait_for_postgresql(url)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_postgresql(url: str) -> None:
    for _ in range(200):
        try:
            psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("PostgreSQL did not come up")


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis of our own; give its URL."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing("Redis")
    assert binary is not None
    port = free_port()
    server = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")

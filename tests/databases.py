"""Databases and real servers for the tests: a private PostgreSQL and a private Redis.

Each is started from its installed binaries on a free loopback port and stopped by its process id
at the end. With CI=true a missing one is a failure; elsewhere it is said and left out.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from portal.store import schema
from portal.store.engine import Database


def migrate(database: Database) -> None:
    """Migrate an empty database, one that nothing was done with yet, as `schema.upgrade` does.

    That is done once for each place; the others are copies.
    """
    url = database.url
    if url.database is not None and database.is_sqlite:
        shutil.copyfile(_migrated_file(), url.database)
        return
    server = url.set(drivername="postgresql", database="postgres").render_as_string(
        hide_password=False
    )
    template = _migrated_template(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{url.database}"')
        connection.execute(f'CREATE DATABASE "{url.database}" TEMPLATE "{template}"')


@cache
def _migrated_file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="portal-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "portal.db"
    _migrate_at(f"sqlite:///{file}")
    return file


@cache
def _migrated_template(server: str) -> str:
    name = f"migrated_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    _migrate_at(str(make_url(server).set(database=name)))
    return name


def _migrate_at(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.close()


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


class Server:
    """A database server that a test may stop and start again at the same address."""

    def __init__(self, url: str, command: list[Any], options: dict[str, Any], ready: Any) -> None:
        self.url = url
        self._command = command
        self._options = options
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is None:
            self._process = subprocess.Popen(self._command, **self._options)
            self._ready()

    def stop(self) -> None:
        """End it and every connection at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def hang(self) -> None:
        """Leave it and its connections open, and let it do nothing until `go_on`."""
        for pid in self._processes():
            with suppress(ProcessLookupError):  # one of its own that has just ended
                os.kill(pid, signal.SIGSTOP)

    def hang_open_connections(self) -> None:
        """Let its side of every connection that is open now do nothing; new ones it serves."""
        with psycopg.connect(f"{self.url}/postgres") as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
        for (pid,) in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it do again what it does."""
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _processes(self) -> Iterator[int]:
        """Give its process, and then those that this one had started by then."""
        if self._process is not None:
            own = self._process.pid
            yield own
            yield from map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split())


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a PostgreSQL of our own; give its URL without a database name."""
    with postgresql_handle() as server:
        yield server.url


@contextmanager
def postgresql_handle() -> Iterator[Server]:
    """Run a PostgreSQL of our own that can be stopped and started."""
    binaries = postgresql_binaries()
    if binaries is None:
        missing("PostgreSQL")
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-", dir=_quick_place()))
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
    settings = ("fsync=off", "full_page_writes=off", "max_connections=200", "max_wal_size=128MB")
    options = [part for setting in settings for part in ("-c", setting)]
    url = f"postgresql://portal@127.0.0.1:{port}"
    where = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
    server = Server(
        url,
        [binaries / "postgres", *where, *options],
        {**quiet, **as_server},
        lambda: _wait_for_postgresql(url),
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _quick_place() -> Path | None:
    """Give where files are made quickest, None for the usual place: each database is 300 files."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    return memory if is_roomy else None


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
    with redis_handle() as server:
        yield server.url


@contextmanager
def redis_handle() -> Iterator[Server]:
    """Run a Redis of our own that can be stopped and started."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing("Redis")
    assert binary is not None
    port = free_port()
    server = Server(
        f"redis://127.0.0.1:{port}/0",
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
        lambda: _wait_for_port(port),
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")


@contextmanager
def pooled(server: str, **settings: object) -> Iterator[str]:
    """Run a PgBouncer of our own before a PostgreSQL; give its URL without a database name."""
    binary = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if binary is None:
        missing("PgBouncer")
    assert binary is not None
    behind, port = make_url(server), free_port()
    folder = Path(tempfile.mkdtemp(prefix="portal-pgbouncer-"))
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "logfile": folder / "log",
        **settings,
    }
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={behind.host} port={behind.port} user={behind.username}\n"
        "[pgbouncer]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    as_server: dict[str, str | int] = {}
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres")
        as_server = {"user": "postgres"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([binary, config], cwd=folder, **quiet, **as_server)
    try:
        _wait_for_port(port)
        yield f"postgresql://{behind.username}@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def pgbouncer_keeps_statements() -> bool:
    """Whether the PgBouncer that is here knows of prepared statements (1.21 and newer)."""
    binary = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        missing("PgBouncer")
    said = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True)
    major, minor = said.stdout.split()[1].split(".")[:2]
    return (int(major), int(minor)) >= (1, 21)

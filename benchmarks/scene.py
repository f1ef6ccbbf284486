"""All that one call measures, filled and started: databases, provider, portals, baselines."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

import psycopg

from benchmarks.figures import BARE, IN_TURNS, SAMPLE, portal_name
from benchmarks.filling import Plan, fill
from benchmarks.stand import ROOT, Server, free_port, python, serving
from portal.crypto import Vault, new_key, new_token
from tests.databases import postgresql_binaries, postgresql_server

_CLIENT_SECRET = "bench-client-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands ready: each server by its name, and how many domains each portal has."""

    servers: Mapping[str, Server]
    domains: Mapping[str, int]
    databases: tuple[str, ...]
    issuer: str


def set_up(
    stack: ExitStack, folder: Path, sizes: tuple[int, ...], *, tenants: int, with_postgresql: bool
) -> Scene:
    """Fill and start everything; `stack` stops it."""
    keys = {"PORTAL_SECRET_KEY": new_token(), "PORTAL_ENCRYPTION_KEYS": new_key()}
    issuer = stack.enter_context(_provider())
    shared = {**keys, "BENCH_ISSUER": issuer}
    servers = {}
    for name, module in ((BARE, "bare_app"), (SAMPLE, "sample_app")):
        servers[name] = stack.enter_context(_baseline(f"{module}:application", shared))
        servers[IN_TURNS[name]] = stack.enter_context(_baseline(f"{module}:in_turns", shared))
    domains = {}
    secret = Vault([keys["PORTAL_ENCRYPTION_KEYS"]]).seal(_CLIENT_SECRET)
    places = {"SQLite": f"sqlite:///{folder}/"}
    if with_postgresql and (server := _postgresql(stack)):
        places["PostgreSQL"] = server + "/"
    for database, place in places.items():
        for size in sizes:
            began = time.perf_counter()
            name = portal_name(database, size)
            url = place + f"bench_{size}_{uuid4().hex[:8]}"
            stack.enter_context(_created(url))
            fill(url, Plan(domains=size, issuer=issuer, client_secret=secret, most_tenants=tenants))
            domains[name] = size
            servers[name] = stack.enter_context(_portal(url, folder / f"{database}-{size}", keys))
            say(f"{name}: {time.perf_counter() - began:.1f} s")
    return Scene(servers=servers, domains=domains, databases=tuple(places), issuer=issuer)


def say(what: str) -> None:
    """Tell how far the call is, beside the results."""
    print(what, file=sys.stderr, flush=True)


def help_time() -> float:
    """Give how long `portal --help` takes."""
    return median(_timed([str(_portal_command()), "--help"]) for _ in range(5))


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _portal_command() -> Path:
    return Path(sys.executable).with_name("portal")


@contextmanager
def _provider() -> Iterator[str]:
    """Run the stub, under granian whatever the others run under; give its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    environ = {"BENCH_ISSUER": issuer, "BENCH_SERVER": "granian"}
    command = python("-m", "benchmarks.host", "benchmarks.stub_provider:application", str(port))
    with serving(command, port, environ, path="/jwks"):
        yield issuer


@contextmanager
def _baseline(application: str, shared: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    command = python("-m", "benchmarks.host", f"benchmarks.{application}", str(port))
    environ = {
        **shared,
        "BENCH_BASE_URL": f"http://127.0.0.1:{port}",
        "BENCH_CLIENT_ID": "cli_000000000001.portal",
        "BENCH_CLIENT_SECRET": _CLIENT_SECRET,
    }
    with serving(command, port, environ) as server:
        yield server


@contextmanager
def _portal(url: str, instance: Path, keys: Mapping[str, str]) -> Iterator[Server]:
    """Run the portal as in production: by `portal serve`, or under the server asked for."""
    port = free_port()
    metrics = instance / "metrics"
    metrics.mkdir(parents=True)
    environ = {
        **keys,
        "PORTAL_ENV": "production",
        "PORTAL_DATABASE_URL": url,
        "PORTAL_INSTANCE_DIR": str(instance),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_ALLOW_LOCAL_ISSUERS": "true",
        "PORTAL_TRUSTED_PROXIES": "1",  # the load names a network for each person
    }
    if os.environ.get("BENCH_SERVER", "granian") == "granian":
        command = [str(_portal_command()), "serve", "--workers", "1", "--port", str(port)]
    else:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
        command = python("-m", "benchmarks.host", "portal.cli.wsgi:make_application()", str(port))
    with serving(command, port, environ) as server:
        yield server


def _postgresql(stack: ExitStack) -> str | None:
    given = os.environ.get("BENCH_POSTGRESQL_URL")
    if given:
        return given.rstrip("/")
    if postgresql_binaries() is None:
        say("PostgreSQL is left out: it is not installed, and BENCH_POSTGRESQL_URL is not set.")
        return None
    return stack.enter_context(postgresql_server())


@contextmanager
def _created(url: str) -> Iterator[None]:
    """Make the database of a PostgreSQL URL and drop it at the end; SQLite makes its own file."""
    if url.startswith("sqlite:"):
        yield
        return
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

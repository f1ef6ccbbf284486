"""`portal serve`: the production server.

granian, chosen by measurement: the same Flask view answers three times as often as under
gunicorn's threads, and slow or half-open connections are held outside Python, so that they take
no thread from anybody.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import click

from portal.cli.examples import examples
from portal.core.counting import counted
from portal.settings import Settings, load_settings
from portal.store import pooler, schema
from portal.store.engine import Database

THREADS = 48  # they take turns (portal/cli/turns.py): so many requests may wait at once
DRAIN_SECONDS = 25  # requests under way get this long; all is gone within 30 s


@click.command(
    "serve",
    epilog=examples(
        "portal serve                              this machine alone, two workers",
        "portal serve --host 0.0.0.0 --workers 8   behind a proxy on another machine",
        "portal serve --host ::1 --port 8080       IPv6",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=5000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; about one for each core.",
)
def command(host: str, port: int, workers: int) -> None:
    """Run the production server.

    Refuses to start on unsafe settings, a database that cannot be reached, is not migrated or has
    an unfit pooler before it, or an occupied port, and says how to mend it. SIGTERM and Ctrl-C
    answer the requests under way, then stop.
    """
    pass_over_what_is_for_others()
    settings = load_settings()
    check_database(settings)
    address = check_port(host, port)
    counters = prepare_metrics(settings.instance_dir)
    prepare_log(settings)
    click.echo(
        f"Portal on {shown(address, port)} for {settings.base_url} ({counted(workers, 'worker')})",
        err=True,
    )
    try:
        run(address, port, workers=workers, beside=partial(look_at_clients, settings))
    finally:
        shutil.rmtree(counters, ignore_errors=True)


def pass_over_what_is_for_others() -> None:
    """Have this process and its workers not find what libraries load wherever it is installed.

    structlog does so, a server never uses it, and with what it brings along it is 4 MiB of each
    worker. To be called before the first import of `portal.observe`.
    """
    for name in ("greenlet", "rich"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # "not to be found"


def check_database(settings: Settings) -> None:
    """Refuse a database that cannot be reached or is not migrated, or whose pooler is unfit."""
    database = Database(settings.database_url)
    try:
        schema.check_migrated(database)
        pooler.check_statements_stay(database)
    finally:
        database.close()


def prepare_log(settings: Settings) -> None:
    """Log what the portal runs with and an operator should know."""
    from portal.observe import configure_logging, log

    configure_logging(json_lines=settings.is_production)
    if settings.is_production and settings.allow_local_issuers:
        log.warning("local_issuers.allowed", mend="set PORTAL_ALLOW_LOCAL_ISSUERS=false")


def look_at_clients(settings: Settings) -> None:
    """Log the clients that cannot prove themselves; `portal doctor` says more.

    A reason to log, not to refuse the start: the workers need not wait for it.
    """
    from portal.observe import log

    try:
        from portal.flows.health.client_checks import clients_with_problems
        from portal.services import build_services

        with closing(build_services(settings)) as services:
            for client, cause in clients_with_problems(services):
                log.error("client.unusable", tenant=client.tenant, client=client.key, cause=cause)
    except Exception as error:  # noqa: BLE001 - the edge of a thread: the server goes on
        log.error("clients.not_looked_at", error=type(error).__name__)


def check_port(host: str, port: int) -> str:
    """Give the address to listen on; refuse an occupied port before anything is started."""
    name = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, where = found[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no such host"
        raise click.ClickException(
            f"cannot listen on {shown(name, port)}: {why}. Pick another with --host or --port."
        ) from None
    return str(where[0])


def shown(address: str, port: int) -> str:
    """Give the URL of an address and port as people write it."""
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def prepare_metrics(instance: Path) -> Path:
    """Give this server's workers one folder for their counters, empty at the start.

    Named for the process: another server may use the same instance folder. What dead ones left
    behind is removed. To be called before the first import of `portal.observe`, whose counters
    live in files where they find this folder in the environment.
    """
    folder = instance / "metrics"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.iterdir():
            if not _is_running(left.name):
                shutil.rmtree(left, ignore_errors=True)
        own = folder / str(os.getpid())
        own.mkdir(mode=0o700)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be used: {error.strerror}") from None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(own)
    return own


def _is_running(pid: str) -> bool:
    if not pid.isdigit() or int(pid) == os.getpid():
        return False
    with suppress(PermissionError):
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def run(
    address: str, port: int, *, workers: int, beside: Callable[[], object] = lambda: None
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    `beside` is done in a thread of the first worker.
    """
    from portal.cli.workers import serve

    serve(address, port, workers=workers, threads=THREADS, drain=DRAIN_SECONDS, beside=beside)

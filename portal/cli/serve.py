"""`portal serve`: the production server.

granian, chosen by measurement: the same Flask view answers three times as often as under
gunicorn's threads, and slow or half-open connections are held outside Python, so that they take
no thread from anybody.
"""

import os
import shutil
import socket
from pathlib import Path

import click

from portal.settings import Settings, load_settings
from portal.store import schema
from portal.store.engine import Database

THREADS = 16
DRAIN_SECONDS = 25


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; about one for each core.",
)
def command(host: str, port: int, workers: int) -> None:
    """Run the production server.

    Refuses to start on unsafe settings, a database that cannot be reached or is not migrated, or
    an occupied port, and says how to mend it.
    """
    settings = load_settings()
    check_database(settings)
    check_port(host, port)
    prepare_metrics(settings.instance_dir)
    click.echo(
        f"Portal on http://{host}:{port} for {settings.base_url} ({workers} workers)", err=True
    )
    run(host, port, workers=workers)


def check_database(settings: Settings) -> None:
    """Refuse a database that cannot be reached or is not migrated."""
    database = Database(settings.database_url)
    try:
        schema.check_migrated(database)
    finally:
        database.close()


def check_port(host: str, port: int) -> None:
    """Refuse an occupied port before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {host}:{port}: {error.strerror}. Pick another with --port."
            ) from None


def prepare_metrics(instance: Path) -> None:
    """Give all workers one folder for their counters, empty at the start."""
    folder = instance / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def run(host: str, port: int, *, workers: int, threads: int = THREADS) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    Granian(
        "portal.cli.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        backpressure=threads * 8,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=32 * 1024),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
    ).serve()

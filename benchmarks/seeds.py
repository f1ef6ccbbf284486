"""`python -m benchmarks.seeds`: a million domains by CSV, beside a raw insert by the driver.

On each database: a raw insert into a table with the columns and indexes of `domains`; then, each
as a process of its own, `portal seed validate`, `plan` (all new), `apply`, `plan` (nothing new).
Printed are seconds, peak memory, and the ratios that count: apply against the raw insert, a plan
that finds nothing against validate.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

_WORDS = (
    *("alpha", "bravo", "delta", "echo", "gamma", "hotel", "india"),
    *("kilo", "lima", "metro", "nova", "omega", "polar"),
)
_TABLE = """
CREATE TABLE raw_domains (
    id {serial} PRIMARY KEY, name VARCHAR(253) NOT NULL, tenant_id INTEGER NOT NULL,
    policy VARCHAR(16) NOT NULL, subdomains BOOLEAN NOT NULL, verified BOOLEAN NOT NULL,
    rollout INTEGER NOT NULL, origin VARCHAR(8) NOT NULL
)
"""
_INDEXES = (
    "CREATE UNIQUE INDEX raw_1 ON raw_domains (name, tenant_id)",
    "CREATE UNIQUE INDEX raw_2 ON raw_domains (name) WHERE verified",
    "CREATE INDEX raw_3 ON raw_domains (tenant_id, name)",
)
_COLUMNS = "name, tenant_id, policy, subdomains, verified, rollout, origin"
_MOST_APPLY = 6.0
_MOST_PLAN = 2.0
_MOST_MEMORY = 300.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step took: seconds, and the process's peak memory in MiB (0: not a process)."""

    seconds: float
    memory: float = 0.0


def main() -> None:
    """Run it; exit 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("--domains", type=int, default=1_000_000)
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        help="a server to make a database on, as in postgresql://portal@127.0.0.1:5432",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_seeds(folder / "seeds", options.domains)
        met = report("SQLite", measure(folder, f"sqlite:///{folder / 'portal.db'}"))
        if options.postgresql:
            with scratch_database(options.postgresql) as url:
                met = report("PostgreSQL", measure(folder, url)) and met
    sys.exit(0 if met else 1)


def write_seeds(folder: Path, number: int) -> None:
    """Write a tenant and `number` domains for it, in no order."""
    folder.mkdir()
    (folder / "bulk.yaml").write_text(
        "tenant: bulk\nname: Bulk\nconnections: {okta: {name: Okta}}\n"
    )
    order = list(range(number))
    random.Random(5).shuffle(order)
    with (folder / "bulk.csv").open("w") as file:
        file.write("tenant,domain,connection,policy\n")
        file.writelines(f"bulk,{domain_name(index)},okta,required\n" for index in order)


def domain_name(index: int) -> str:
    """Give a domain that looks like one."""
    first, second = _WORDS[index % 13], _WORDS[index // 13 % 13]
    return f"{first}-{second}-{index:x}.example.net"


def measure(folder: Path, url: str) -> dict[str, Cost]:
    """Measure all steps on one database."""
    costs = {"raw insert": raw_insert(folder, url)}
    environ = {
        **os.environ,
        "PORTAL_DATABASE_URL": url,
        "PORTAL_INSTANCE_DIR": str(folder / "instance"),
    }
    portal(environ, "db", "upgrade")
    seeds = str(folder / "seeds")
    costs["validate"] = portal(environ, "seed", "validate", seeds)
    costs["plan, all new"] = portal(environ, "seed", "plan", seeds, status=3)
    costs["apply"] = portal(environ, "seed", "apply", seeds, "--yes")
    costs["plan, nothing new"] = portal(environ, "seed", "plan", seeds)
    costs["apply, nothing new"] = portal(environ, "seed", "apply", seeds, "--yes")
    return costs


def raw_insert(folder: Path, url: str) -> Cost:
    """Insert the same domains by the driver alone, in one transaction."""
    rows = raw_rows(folder / "seeds" / "bulk.csv")
    if url.startswith("sqlite"):
        with sqlite3.connect(folder / "raw.db") as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(_TABLE.format(serial="INTEGER"))
            for index in _INDEXES:
                database.execute(index)
            started = time.perf_counter()
            marks = ",".join("?" * 7)
            database.executemany(f"INSERT INTO raw_domains ({_COLUMNS}) VALUES ({marks})", rows)
        database.close()
        return Cost(time.perf_counter() - started)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLE.format(serial="SERIAL"))
        for index in _INDEXES:
            cursor.execute(index)
        connection.commit()
        started = time.perf_counter()
        with cursor.copy(f"COPY raw_domains ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return Cost(time.perf_counter() - started)


def raw_rows(path: Path) -> Iterator[tuple[str, int, str, bool, bool, int, str]]:
    """Give the rows one by one: a process that is started inherits this one's peak memory."""
    with path.open() as file:
        next(file)
        for line in file:
            yield (line.split(",", 2)[1], 1, "required", False, True, 100, "seed")


def portal(environ: dict[str, str], *arguments: str, status: int = 0) -> Cost:
    """Run a command of the portal; give what it took."""
    command = [sys.executable, "-c", "from portal.cli.main import main; main()", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    process.stderr.close()
    if process.returncode != status:
        sys.exit(f"portal {' '.join(arguments)} failed: {errors.decode()}")
    return Cost(time.perf_counter() - started, usage.ru_maxrss / 1024)


def report(title: str, costs: dict[str, Cost]) -> bool:
    """Print the costs and the ratios; say whether every aim is met."""
    print(f"\n### {title}\n\n| | seconds | peak MiB |\n| --- | ---: | ---: |")
    for name, cost in costs.items():
        print(f"| {name} | {cost.seconds:.1f} | {f'{cost.memory:.0f}' if cost.memory else ''} |")
    apply = costs["apply"].seconds / costs["raw insert"].seconds
    plan = costs["plan, nothing new"].seconds / costs["validate"].seconds
    memory = max(cost.memory for cost in costs.values())
    print(f"\napply / raw insert: {apply:.2f} (at most {_MOST_APPLY:g})")
    print(f"plan, nothing new / validate: {plan:.2f} (at most {_MOST_PLAN:g})")
    print(f"peak memory: {memory:.0f} MiB (below {_MOST_MEMORY:g})")
    return apply <= _MOST_APPLY and plan <= _MOST_PLAN and memory < _MOST_MEMORY


@contextmanager
def scratch_database(server: str) -> Iterator[str]:
    """Make a database of its own on a server; it is dropped at the end."""
    name = f"bench_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


if __name__ == "__main__":
    main()

"""What a server's processes load: the big libraries come with those who need them."""

import subprocess
import sys
from pathlib import Path

from tests.cli.running_portal import clean_environ
from tests.databases import free_port

NOT_FOR_SIGN_INS = (
    "alembic",
    "dns",
    "filelock",
    "mako",
    "psycopg",
    "redis",
    "requests",
    "ruamel",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.orm",
    "tldextract",
)
SHARED = ("flask", "jinja2", "portal.app", "portal.services", "portal.store.tables")
FOR_OTHER_PROGRAMS = ("attr", "greenlet", "pygments", "rich")


def loaded(imports: str, names: tuple[str, ...], *, first: str = "") -> str:
    """Say which of the modules are there after the imports, and a statement that goes first."""
    there = f"[name for name in {names} if sys.modules.get(name)]"
    script = f"{first}\nimport {imports}, sys; print({there})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_worker_loads_no_library_that_sign_ins_never_need_and_no_database_that_is_not_its_own():
    assert loaded("portal.app, portal.services, portal.flows.sweep", NOT_FOR_SIGN_INS) == "[]"


def test_worker_loads_nothing_only_because_it_is_installed_for_something_else():
    first = "from portal.cli import serve; serve.pass_over_what_is_for_others()"
    names = (*NOT_FOR_SIGN_INS, *FOR_OTHER_PROGRAMS)
    assert loaded("portal.cli.wsgi", names, first=first) == "[]"


def test_server_has_loaded_nothing_of_that_when_it_starts_its_workers(tmp_path):
    """Run as operators run it, up to where the workers, which share all of it, would start."""
    Path(tmp_path, "instance").mkdir()
    names = [n for n in NOT_FOR_SIGN_INS if n != "sqlalchemy.dialects.sqlite"]  # its own
    names += FOR_OTHER_PROGRAMS
    script = (
        "import sys\n"
        "from portal.cli import main, serve\n"
        f"names = {names}\n"
        "serve.run = lambda *_, **__: print([name for name in names if sys.modules.get(name)])\n"
        "main.main(['db', 'upgrade'] if sys.argv[2:] else ['serve', '--port', sys.argv[-1]])"
    )
    command, port = [sys.executable, "-c", script], str(free_port())
    options = {"cwd": tmp_path, "env": clean_environ(), "capture_output": True, "text": True}
    subprocess.run([*command, "first", port], check=True, **options)
    done = subprocess.run([*command, port], check=True, **options)
    assert done.stdout.strip() == "[]"


def test_what_workers_share_is_loaded_before_they_start_and_nothing_is_opened_by_that():
    """A fork keeps threads, connections and locks of the moment: there must be none."""
    script = (
        "import os, sys, threading\n"
        "before = set(os.listdir('/proc/self/fd'))\n"
        "import portal.cli.wsgi\n"
        "print([t.name for t in threading.enumerate()], set(os.listdir('/proc/self/fd')) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "['MainThread'] set()", done.stderr
    assert loaded("portal.cli.wsgi", SHARED) == str(list(SHARED))

"""What a server's processes load: the big libraries come with those who need them."""

import subprocess
import sys

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
NOT_BEFORE_WORKERS_START = ("flask", "jinja2", "portal.services", "portal.store.tables")


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
    first = "from portal.cli import workers"
    names = (*NOT_FOR_SIGN_INS, *FOR_OTHER_PROGRAMS)
    assert loaded("portal.app, portal.services", names, first=first) == "[]"


def test_workers_do_not_wait_until_their_supervisor_has_loaded_what_it_does_not_decide_by():
    decides = "portal.cli.main, portal.cli.serve, portal.observe, portal.cli.workers"
    assert loaded(decides, NOT_BEFORE_WORKERS_START) == "[]"

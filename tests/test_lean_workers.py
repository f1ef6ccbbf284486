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
    "sqlalchemy.orm",
    "tldextract",
)
NOT_BEFORE_WORKERS_START = ("flask", "jinja2", "portal.services", "portal.store.tables")


def loaded(imports: str, names: tuple[str, ...]) -> str:
    """Say which of the modules are there after the imports."""
    script = f"import {imports}, sys; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_worker_loads_no_library_that_sign_ins_on_sqlite_never_need():
    assert loaded("portal.app, portal.services, portal.flows.sweep", NOT_FOR_SIGN_INS) == "[]"


def test_workers_do_not_wait_until_their_supervisor_has_loaded_what_it_does_not_decide_by():
    decides = "portal.cli.main, portal.cli.serve, portal.observe, portal.cli.workers"
    assert loaded(decides, NOT_BEFORE_WORKERS_START) == "[]"

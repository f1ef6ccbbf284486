"""What a worker keeps in memory: the big libraries come with those who need them."""

import subprocess
import sys

NOT_FOR_SIGN_INS = ("alembic", "mako", "redis")


def test_worker_loads_no_library_that_sign_ins_never_need():
    script = (
        "import portal.app, portal.services, portal.flows.sweep, sys;"
        f"print([name for name in {NOT_FOR_SIGN_INS} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

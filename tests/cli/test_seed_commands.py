"""`portal seed` as an operator types it: words, exit codes, and what happens at the worst time."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.cli.main import main
from portal.store.engine import Database

PORTAL = [sys.executable, "-W", "error", "-c", "from portal.cli.main import main; main()"]
ACME = """
tenant: acme
name: Acme
connections: {okta: {name: Okta}}
domains: {acme.example: {connection: okta, policy: required}}
users: [{email: it@acme.example, role: admin}]
"""


class Operator:
    """Somebody at a shell, with a seeds folder and a database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.seeds = folder / "seeds"
        self.seeds.mkdir()
        self.folder = folder
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_INSTANCE_DIR": str(folder / "instance"),
        }
        self.write("acme.yaml", ACME)

    def write(self, name: str, content: str) -> None:
        (self.seeds / name).write_text(content)

    def start(self, *arguments: str, **options) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PORTAL, *arguments],
            cwd=self.folder,
            env=self.environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            **options,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in this process: each of its own would load everything anew."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            Path(os.devnull).open() as nothing,
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            patch.chdir(self.folder)
            patch.setattr("os.environ", dict(self.environ))
            patch.setattr("sys.stdin", nothing)
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in err.getvalue()
        return subprocess.CompletedProcess(
            arguments, ended.value.code, out.getvalue(), err.getvalue()
        )

    def seed(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("seed", *arguments)

    def bulk(self, number: int) -> None:
        lines = [f"acme,bulk-{index}.example,okta,required" for index in range(number)]
        self.write("bulk.csv", "\n".join(["tenant,domain,connection,policy", *lines, ""]))


@pytest.fixture
def operator(tmp_path, database) -> Operator:
    return Operator(tmp_path, database.url.render_as_string(hide_password=False))


@pytest.fixture
def at_sqlite(tmp_path, sqlite_database) -> Operator:
    return Operator(tmp_path, sqlite_database.url.render_as_string())


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_plan_shows_and_apply_does_and_the_second_time_there_is_nothing(operator, database):
    plan = operator.seed("plan", "seeds")
    assert plan.returncode == 3
    assert "+ domain acme.example  required → okta" in plan.stdout
    assert "! acme.example requires SSO through okta, which nobody has ever used" in plan.stdout
    assert "Plan: 4 created." in plan.stdout
    assert count(database, "tenants") == 0

    done = operator.seed("apply", "seeds", "--yes", "--by", "Olu")
    assert done.returncode == 0
    assert "Applied: 4 created in" in done.stdout
    with database.read() as connection:
        assert connection.execute(text("SELECT DISTINCT actor FROM audit")).scalar_one() == "Olu"

    for again in (operator.seed("plan", "seeds"), operator.seed("apply", "seeds", "--yes")):
        assert again.returncode == 0
        assert again.stdout == "No changes: the registry is what the files say.\n"


def test_a_change_is_shown_field_by_field(at_sqlite):
    at_sqlite.seed("apply", "seeds", "--yes")
    at_sqlite.write(
        "acme.yaml", ACME.replace("required", "optional").replace("name: Acme", "name: A")
    )
    plan = at_sqlite.seed("plan", "seeds").stdout
    assert "  ~ domain acme.example\n      policy: required → optional\n" in plan
    assert "  ~ tenant acme\n      name: Acme → A\n" in plan
    assert "1 address of acme.example will not need SSO any more" in plan


def test_the_plan_is_json_for_machines(at_sqlite):
    plan = at_sqlite.seed("plan", "seeds", "--json")
    assert plan.returncode == 3
    told = json.loads(plan.stdout)
    assert told["pending"] is True
    assert told["summary"]["created"] == 4
    assert {(c["action"], c["kind"], c["key"]) for c in told["changes"]} == {
        ("created", "tenant", "acme"),
        ("created", "connection", "okta"),
        ("created", "user", "it@acme.example"),
        ("created", "domain", "acme.example"),
    }
    assert told["effects"][0]["risky"] is True
    at_sqlite.seed("apply", "seeds", "--yes")
    nothing = at_sqlite.seed("plan", "seeds", "--json")
    assert nothing.returncode == 0
    assert json.loads(nothing.stdout)["pending"] is False


def test_secrets_are_never_printed(at_sqlite):
    client = "{issuer: 'https://a.example', client_id: a, client_secret: %s}"
    at_sqlite.environ["ACME_SECRET"] = "hunter2-from-env"
    for secret in ("env:ACME_SECRET", "hunter2-literal"):
        at_sqlite.write("acme.yaml", ACME + f"clients: {{main: {client % secret}}}\n")
        for arguments in (
            ("plan", "seeds"),
            ("plan", "seeds", "--json"),
            ("apply", "seeds", "--yes"),
        ):
            done = at_sqlite.seed(*arguments)
            assert "hunter2" not in done.stdout + done.stderr
    assert "client_secret: changed" not in at_sqlite.seed("plan", "seeds").stdout
    at_sqlite.write("acme.yaml", ACME + f"clients: {{main: {client % 'env:ACME_SECRET'}}}\n")
    assert "client_secret: changed" in at_sqlite.seed("plan", "seeds").stdout


def test_bad_files_are_named_on_stderr_and_change_nothing(at_sqlite, sqlite_database):
    at_sqlite.write("bad.yaml", "tenant: bad\nnmae: Bad\n")
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        done = at_sqlite.seed(command[0], "seeds", *command[1:])
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.splitlines() == [
            "bad.yaml:1: name: is missing",
            'bad.yaml:2: nmae: unknown key; did you mean "name"?',
            "Error: 2 problems; nothing was changed",
        ]
    assert count(sqlite_database, "tenants") == 0


def test_validate_needs_neither_database_nor_environment(tmp_path):
    operator = Operator(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing")
    operator.write("ops.yaml", "operators: [{email: o@portal.example, password: env:NOT_SET}]")
    done = operator.seed("validate", "seeds")
    assert done.returncode == 0
    assert "seeds is sound: 1 tenant, 1 domain, 1 user, 1 operator." in done.stdout
    assert not (tmp_path / "instance").exists()


def test_validate_and_plan_say_who_decides_over_rows_of_a_tenant_without_a_file(at_sqlite):
    header = "tenant,domain,connection,policy\n"
    at_sqlite.write("bulk.csv", f"{header}acmee,a.example,okta,\nacmee,b.example,entra,\n")
    checked = at_sqlite.seed("validate", "seeds")
    assert checked.returncode == 0
    assert checked.stdout == (
        "seeds is sound as far as files alone can tell: 1 tenant, 3 domains, 1 user, 0 operators.\n"
    )
    assert checked.stderr.splitlines() == [
        (
            'Note: bulk.csv:2: tenant: no file here describes tenant "acmee"; plan and apply look '
            "into the registry, and refuse these rows unless it has it, with the connections okta, "
            'entra; did you mean "acme"?'
        )
    ]
    planned = at_sqlite.seed("plan", "seeds")
    assert planned.returncode == 1
    assert planned.stderr.splitlines() == [
        (
            'bulk.csv:2: tenant: no file and no registry has a tenant "acmee"; '
            'describe it in a file, or mend the row; did you mean "acme"?'
        ),
        "Error: 1 problem; nothing was changed",
    ]


def test_validate_warns_of_what_plan_marks(at_sqlite):
    at_sqlite.write(
        "acme.yaml",
        ACME + "clients: {main: {issuer: 'http://a.example', client_id: a, client_secret: x}}\n",
    )
    checked = at_sqlite.seed("validate", "seeds")
    assert checked.returncode == 0
    assert [line.partition(";")[0] for line in checked.stderr.splitlines()] == [
        "Warning: acme.yaml:7: clients.main.client_secret: the secret stands in clear in the file",
        (
            "Warning: acme.yaml:7: clients.main.issuer: the issuer is not https, and no sign-in "
            "will go there"
        ),
    ]
    planned = at_sqlite.seed("plan", "seeds").stdout
    for line in checked.stderr.splitlines():
        assert f"  ! {line.removeprefix('Warning: ')}\n" in planned
    at_sqlite.environ["PORTAL_ALLOW_LOCAL_ISSUERS"] = "true"
    assert "is not https" not in at_sqlite.seed("plan", "seeds").stdout


def test_one_of_a_thing_is_told_as_one(at_sqlite):
    at_sqlite.seed("apply", "seeds", "--yes")
    at_sqlite.write("acme.yaml", ACME.replace("users: [{email: it@acme.example, role: admin}]", ""))
    kept = at_sqlite.seed("plan", "seeds").stdout
    assert "1 object that the files lack is kept" in kept
    at_sqlite.bulk(21)
    assert "and 1 more domain created" in at_sqlite.seed("plan", "seeds").stdout


def test_a_database_that_is_not_migrated_or_not_there_is_one_clear_line(tmp_path):
    empty = Operator(tmp_path, f"sqlite:///{tmp_path / 'empty.db'}")
    done = empty.seed("plan", "seeds")
    assert done.returncode == 1
    assert "run `portal db upgrade`" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    empty.environ["PORTAL_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    done = empty.seed("plan", "seeds")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_without_a_terminal_and_without_yes_nothing_is_applied(at_sqlite, sqlite_database):
    done = at_sqlite.seed("apply", "seeds")
    assert done.returncode == 1
    assert "say --yes, or use a terminal" in done.stderr
    assert count(sqlite_database, "tenants") == 0


@pytest.mark.parametrize(("answer", "status", "tenants"), [("y\n", 0, 1), ("n\n", 1, 0)])
def test_on_a_terminal_it_asks(at_sqlite, sqlite_database, answer, status, tenants):
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [*PORTAL, "seed", "apply", "seeds"],
        cwd=at_sqlite.folder,
        env=at_sqlite.environ,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    os.write(master, answer.encode())
    process.communicate(timeout=60)
    os.close(master)
    os.close(terminal)
    assert process.returncode == status
    assert count(sqlite_database, "tenants") == tenants


@pytest.mark.parametrize(
    "arguments", [("plan",), ("plan", "nowhere"), ("plan", "seeds", "--prnue"), ("nonsense",)]
)
def test_wrong_usage_is_exit_2(at_sqlite, arguments):
    assert at_sqlite.seed(*arguments).returncode == 2


def test_prune_is_shown_before_it_is_done(at_sqlite, sqlite_database):
    at_sqlite.write("globex.yaml", "tenant: globex\nname: Globex\n")
    at_sqlite.seed("apply", "seeds", "--yes")
    (at_sqlite.seeds / "globex.yaml").unlink()
    kept = at_sqlite.seed("plan", "seeds")
    assert kept.returncode == 0
    assert "= tenant globex  (not in the files)" in kept.stdout
    going = at_sqlite.seed("plan", "seeds", "--prune")
    assert going.returncode == 3
    assert "- tenant globex" in going.stdout
    assert at_sqlite.seed("apply", "seeds", "--prune", "--yes").returncode == 0
    assert count(sqlite_database, "tenants") == 1


def test_many_domains_are_summed_up_unless_all_are_asked_for(at_sqlite):
    at_sqlite.bulk(100)
    plan = at_sqlite.seed("plan", "seeds").stdout
    assert plan.count("+ domain ") == 20
    assert "+ and 81 more domains created (--all lists them)" in plan
    assert at_sqlite.seed("plan", "seeds", "--all").stdout.count("+ domain ") == 101


def test_an_export_makes_files_that_change_nothing(operator):
    operator.seed("apply", "seeds", "--yes")
    done = operator.seed("export", "backup")
    assert done.returncode == 0
    assert "1 file written" in done.stdout
    assert operator.seed("plan", "backup", "--prune").returncode == 0
    refused = operator.seed("export", "backup")
    assert refused.returncode == 1
    assert "--update" in refused.stderr
    assert operator.seed("export", "backup", "--update").returncode == 0


def test_two_applies_at_once_both_end_well_and_one_of_them_had_nothing_to_do(operator, database):
    operator.bulk(3000)
    both = [operator.start("seed", "apply", "seeds", "--yes") for _ in range(2)]
    ends = [(*process.communicate(timeout=120), process.returncode) for process in both]
    assert [status for *_, status in ends] == [0, 0], ends
    assert sum("Applied:" in out for out, *_ in ends) == 1
    assert count(database, "domains") == 3001
    with database.read() as connection:
        sets = connection.execute(text("SELECT count(DISTINCT change_set) FROM audit")).scalar_one()
    assert sets == 1


@pytest.mark.parametrize("seconds", [1.2, 1.7, 2.2])
def test_a_killed_apply_leaves_the_old_or_the_new_registry(operator, database, seconds):
    operator.seed("apply", "seeds", "--yes")
    operator.bulk(40_000)
    process = operator.start("seed", "apply", "seeds", "--yes")
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert count(database, "domains") in {1, 40_001}
    assert count(database, "domain_connections") == count(database, "domains")
    assert operator.seed("apply", "seeds", "--yes").returncode == 0
    assert count(database, "domains") == 40_001


def test_people_sign_in_while_a_big_apply_runs(at_sqlite, sqlite_database):
    at_sqlite.seed("apply", "seeds", "--yes")
    at_sqlite.bulk(100_000)
    slowest = 0.0
    with at_sqlite.start("seed", "apply", "seeds", "--yes") as process:
        while process.poll() is None:
            started = time.monotonic()
            with sqlite_database.read() as connection:
                connection.execute(text("SELECT count(*) FROM users")).scalar_one()
            with sqlite_database.transaction() as connection:
                connection.execute(text("UPDATE users SET last_sign_in_at = NULL"))
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.02)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert "Applied:" in out
    assert slowest < 5
    assert count(sqlite_database, "domains") == 100_001


def test_help_shows_examples_and_the_schema_is_json(at_sqlite):
    assert "portal seed plan seeds/" in at_sqlite.seed("--help").stdout
    assert json.loads(at_sqlite.seed("schema").stdout)["$defs"]["TenantFile"]

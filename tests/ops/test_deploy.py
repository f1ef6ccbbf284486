"""What `deploy/` holds is true of this portal: metric names, image, the unit's settings."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from ruamel.yaml import YAML

from portal.cli.serve import DRAIN_SECONDS
from portal.settings import known_names
from tests.databases import free_port, missing

DEPLOY = Path(__file__).parents[2] / "deploy"

METRIC = re.compile(r"\bportal_[a-z_]+")


def metric_names() -> set[str]:
    from portal import observe  # noqa: F401 - registers them

    names = set()
    for family in REGISTRY.collect():
        endings = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_count", "_sum"],
        }.get(family.type, [""])
        names |= {family.name + ending for ending in endings}
    return names


def test_alerts_speak_of_metrics_that_there_are():
    rules = YAML(typ="safe").load(DEPLOY / "monitoring" / "alerts.yaml")
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    used = set(METRIC.findall(" ".join(expressions)))
    assert used
    assert used <= metric_names()


def test_dashboard_speaks_of_metrics_that_there_are():
    board = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    used = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in METRIC.findall(target["expr"])
    }
    assert used
    assert used <= metric_names()
    assert {name.removesuffix("_bucket") for name in used} >= {"portal_sign_ins_total"}


@pytest.mark.parametrize("file", ["compose.yaml", "systemd/portal.service", "Containerfile"])
def test_deployment_sets_no_setting_that_there_is_not(file: str):
    named = set(re.findall(r"\bPORTAL_[A-Z_]+", (DEPLOY / file).read_text()))
    assert named
    assert named <= known_names()


def test_whoever_stops_the_portal_waits_longer_than_it_drains():
    unit = (DEPLOY / "systemd/portal.service").read_text()
    waits = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert waits
    assert int(waits[1]) > DRAIN_SECONDS
    assert "\nKillMode=mixed\n" in unit  # the signal goes to the first process alone
    grace = compose()["services"]["portal"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > DRAIN_SECONDS


def compose() -> dict[str, Any]:
    return YAML(typ="safe").load(DEPLOY / "compose.yaml")


def test_compose_file_hangs_together():
    services = compose()["services"]
    for service in services.values():
        assert ("image" in service) != ("build" in service)
        for name, need in service.get("depends_on", {}).items():
            if need["condition"] == "service_healthy":
                assert services[name]["healthcheck"]["test"]
            if need["condition"] == "service_completed_successfully":
                assert services[name]["restart"] == "no"
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose()["volumes"]
    # The server that PostgreSQL runs while it makes its files listens on no address.
    assert "127.0.0.1" in services["postgresql"]["healthcheck"]["test"]
    for asked in re.findall(r"\$\{(\w+[^}]*)\}", (DEPLOY / "compose.yaml").read_text()):
        assert asked.endswith(":?") or ":-" in asked, f"{asked} may be empty"


def test_compose_passes_on_every_setting_that_it_does_not_decide():
    given = set(compose()["x-portal"]["environment"])
    decided = {"PORTAL_ENV", "PORTAL_INSTANCE_DIR"}  # by the image
    never = {"PORTAL_ALLOW_LOCAL_ISSUERS", "PORTAL_RATE_LIMITS", "FLASK_SECRET_KEY"}
    assert known_names() - given == decided | never | {"SSOJET_REDIRECT_URI"}  # follows from others


def test_password_of_the_database_may_hold_any_character():
    environment = compose()["x-portal"]["environment"]
    assert "PASSWORD" not in environment["PORTAL_DATABASE_URL"]
    assert environment["PGPASSWORD"] == "${POSTGRES_PASSWORD:?}"


def steps_of_image() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return [(step, what) for step, _, what in (line.partition(" ") for line in lines)]


def test_image_holds_what_a_server_needs_and_no_local_state():
    steps = steps_of_image()
    runs = [what for step, what in steps if step == "RUN"]
    assert "make runtime RUNTIME=/opt/portal/.venv" in runs
    assert not [what for what in runs if "pip" in what]
    assert steps[-1] == ("CMD", '["portal", "serve", "--host", "0.0.0.0"]')
    assert ("USER", "10001:10001") in steps  # by number: Kubernetes' runAsNonRoot takes no name
    assert "uid=10001" in compose()["services"]["portal"]["tmpfs"][1]
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert {".venv", ".git", ".env", "instance"} <= set(ignored)


def locked(name: str) -> set[str]:
    text = (DEPLOY.parent / "requirements" / name).read_text()
    return set(re.findall(r"^([a-z][^ ]+==[^ ;]+)", text, re.MULTILINE))


def test_server_gets_the_versions_that_are_tested_and_no_tool_of_the_developers():
    assert locked("runtime.txt") < locked("server.txt") < locked("development.txt")
    names = {line.partition("==")[0] for line in locked("server.txt")}
    assert "opentelemetry-sdk" in names
    assert not names & {"pytest", "playwright", "ruff", "uv", "hatchling", "pip-audit"}


def test_server_environment_is_made_without_the_developers_and_with_the_same_tools():
    makefile = (DEPLOY.parent / "Makefile").read_text()
    rule = re.search(r"^runtime:(.*)\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert rule
    assert "install" not in rule[1].partition("##")[0]
    assert "development.txt" not in rule[2]
    assert "$(BIN)" not in rule[2]
    assert "--require-hashes -r requirements/build.txt" in rule[2]
    assert locked("build.txt") < locked("development.txt")
    assert "hatchling" in {line.partition("==")[0] for line in locked("build.txt")}


def test_wheel_that_the_image_installs_holds_every_file_of_the_portal(tmp_path: Path):
    root = DEPLOY.parent
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path), str(root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [
        file.relative_to(root).as_posix()
        for folder in ("portal", "admin", "templates", "seeds")
        for file in (root / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
    wanted = {
        f"portal/{name}" if name.startswith(("templates/", "seeds/")) else name for name in files
    }
    assert len(wanted) > 300
    assert wanted - inside == set()


@pytest.mark.parametrize(("status", "ends"), [(200, 0), (503, 1)])
def test_health_check_of_the_image_asks_the_portal_itself(status: int, ends: int):
    """Whatever proxy the environment names: engines hand theirs to every container."""
    [check] = [what for step, what in steps_of_image() if step == "HEALTHCHECK"]
    _, program, text = json.loads(check.partition(" CMD ")[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, program, text.replace("5000", str(listener.getsockname()[1]))]
        dead = f"http://127.0.0.1:{free_port()}"
        asking = subprocess.Popen(
            command, env={**os.environ, "http_proxy": dead}, stderr=subprocess.DEVNULL
        )
        listener.settimeout(20)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1000).startswith(b"GET /healthz ")
            connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
            assert asking.wait(timeout=20) == ends


def test_unit_is_exposed_little():
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        missing("systemd-analyze")
    unit = DEPLOY / "systemd" / "portal.service"
    done = subprocess.run(
        [str(analyze), "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    verified = subprocess.run(
        [str(analyze), "verify", unit], capture_output=True, text=True, check=False, timeout=30
    )
    complaints = [
        line
        for line in verified.stderr.splitlines()
        if "portal.service" in line and "/opt/" not in line
    ]
    assert complaints == []

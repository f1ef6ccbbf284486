"""What `deploy/` holds is true of this portal: metric names, nginx, the unit's settings."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import urllib3
from prometheus_client import REGISTRY
from ruamel.yaml import YAML
from sqlalchemy import select

from portal.cli.serve import DRAIN_SECONDS
from portal.settings import known_names
from portal.store.engine import Database
from portal.store.tables import AUDIT
from tests.databases import free_port, missing
from tests.oidc.certificates import Authority
from tests.ops.conftest import fill
from tests.ops.stand import Portal, environment, eventually

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "login.example.com"
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


def test_image_is_made_by_make_install_and_of_no_local_state():
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.partition(" ")[::2] for line in text.splitlines() if line and line[0] != "#"]
    runs = [what for step, what in steps if step == "RUN"]
    assert "make install" in runs
    assert not [what for what in runs if "pip" in what]
    assert steps[-1] == ("CMD", '["portal", "serve", "--host", "0.0.0.0"]')
    assert ("USER", "portal") in steps
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert {".venv", ".git", ".env", "instance"} <= set(ignored)


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


def site(folder: Path, *, http: int, https: int, portal: int) -> Path:
    """Give the shipped site on free ports, with a certificate of our own."""
    text = (DEPLOY / "nginx" / "portal.conf").read_text()
    changed = {
        "server 127.0.0.1:5000;": f"server 127.0.0.1:{portal};",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen [::]:80;": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
        "listen [::]:443 ssl;": "",
        "/etc/ssl/portal/fullchain.pem": str(folder / f"{NAME}1.pem"),
        "/etc/ssl/portal/privkey.pem": str(folder / f"{NAME}1.pem"),
    }
    for before, after in changed.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (folder / "site.conf").write_text(text)
    whole = folder / "nginx.conf"
    temporary = "\n".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    whole.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder / 'pid'};"
        f"error_log {folder / 'error'};"
        f"events {{}} http {{ access_log {folder / 'access'}; {temporary} include site.conf; }}"
    )
    return whole


@pytest.fixture(scope="module")
def front(provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The portal behind a real nginx with the shipped site."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        missing("nginx")
    assert nginx is not None
    folder = tmp_path_factory.mktemp("nginx")
    database = Database(f"sqlite:///{folder / 'portal.db'}")
    fill(database, provider.issuer)
    env = environment(
        folder,
        PORTAL_DATABASE_URL=database.url.render_as_string(hide_password=False),
        PORTAL_BASE_URL=f"https://{NAME}",
        PORTAL_TRUSTED_PROXIES="1",
    )
    portal = Portal(folder / "portal", env)
    authority = Authority(folder)
    authority.server(NAME)  # writes certificate and key
    http, https = free_port(), free_port()
    config = site(folder, http=http, https=https, portal=portal.port)
    server = subprocess.Popen(
        [nginx, "-p", folder, "-e", folder / "error", "-c", config],
        stderr=subprocess.PIPE,
    )
    try:
        portal.wait()
        eventually(lambda: _listens(https), within=10)
        pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            https,
            ca_certs=str(authority.file),
            server_hostname=NAME,
            assert_hostname=NAME,
            headers={"Host": NAME},
            timeout=10,
            retries=False,
        )
        yield SimpleNamespace(http=http, pool=pool, database=database, folder=folder)
        pool.close()
    finally:
        server.terminate()
        server.communicate(timeout=10)
        portal.end()
        database.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(front: SimpleNamespace, method: str, path: str, **more) -> urllib3.BaseHTTPResponse:
    headers = {"Host": NAME, **more.pop("headers", {})}
    return front.pool.request(method, path, headers=headers, redirect=False, **more)


def test_plain_http_is_sent_to_https_with_its_path(front: SimpleNamespace):
    answer = requests.get(
        f"http://127.0.0.1:{front.http}/login?email=a%40b.example",
        headers={"Host": NAME},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{NAME}/login?email=a%40b.example"


def test_page_comes_over_tls_with_the_portals_own_headers(front: SimpleNamespace):
    answer = ask(front, "GET", "/login")
    assert answer.status == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert ask(front, "GET", "/dashboard").headers["Location"] == "/login?next=%2Fdashboard"


def test_another_host_name_is_refused(front: SimpleNamespace):
    assert ask(front, "GET", "/login", headers={"Host": "evil.example"}).status in {421, 403, 444}


def test_forged_forwarding_headers_change_neither_network_nor_host(front: SimpleNamespace):
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
    page = ask(front, "GET", "/login", headers=forged)
    assert page.status == 200
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.data.decode())
    cookies = "; ".join(c.partition(";")[0] for c in page.headers.getlist("Set-Cookie"))
    assert all("Secure" in cookie for cookie in page.headers.getlist("Set-Cookie"))
    answer = ask(
        front,
        "POST",
        "/auth/login",
        headers={**forged, "Cookie": cookies, "Origin": f"https://{NAME}"},
        fields={"email": "p0@initech.example", "password": "no", "csrf_token": token[1]},
        encode_multipart=False,
    )
    assert answer.status == 200, answer.data.decode()
    with front.database.read() as connection:
        networks = set(connection.execute(select(AUDIT.c.network)).scalars())
    assert networks == {"127.0.0.1"}


def test_body_past_the_limit_ends_at_nginx(front: SimpleNamespace):
    answer = ask(front, "POST", "/auth/login", body=b"a" * 100_000)
    assert answer.status == 413
    answer = ask(front, "POST", "/admin/tenants/acme/domains/upload", body=b"a" * 100_000)
    assert answer.status == 302  # the portal answers: to the sign-in page


def test_codes_of_callbacks_reach_no_log(front: SimpleNamespace):
    ask(front, "GET", "/auth/callback/acme?code=planted-code&state=x")
    ask(front, "GET", "/login?seen=yes")
    log = eventually(lambda: _read(front.folder / "access", "seen=yes"), within=5)
    assert "planted-code" not in log


def _read(file: Path, wanted: str) -> str:
    text = file.read_text()
    return text if wanted in text else ""

"""The shipped nginx site under a real nginx, the portal behind it."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import urllib3
from sqlalchemy import select

from portal.store.engine import Database
from portal.store.tables import AUDIT
from tests.databases import free_port, missing
from tests.oidc.certificates import Authority
from tests.ops.conftest import fill
from tests.ops.stand import Portal, environment, eventually

SITE = Path(__file__).parents[2] / "deploy" / "nginx" / "portal.conf"
NAME = "login.example.com"


def site(folder: Path, certificate: Path, *, http: int, https: int, portal: int) -> Path:
    """Give the shipped site on free ports, with a certificate of our own."""
    text = (SITE).read_text()
    changed = {
        "server 127.0.0.1:5000;": f"server 127.0.0.1:{portal};",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "/etc/ssl/portal/fullchain.pem": str(certificate),
        "/etc/ssl/portal/privkey.pem": str(certificate),
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
        f"events {{}} http {{ gzip on; access_log {folder / 'access'};"
        f"{temporary} include site.conf; }}"
    )
    return whole


@pytest.fixture(scope="module")
def front(provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The portal behind a real nginx with the shipped site."""
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
    try:
        portal.wait()
        with nginx_before(portal.port, authority, folder) as (http, https):
            pool = pool_to(https, authority)
            yield SimpleNamespace(
                http=http, pool=pool, database=database, folder=folder, authority=authority
            )
            pool.close()
    finally:
        portal.end()
        database.close()


@contextmanager
def nginx_before(portal: int, authority: Authority, folder: Path) -> Iterator[tuple[int, int]]:
    """Run nginx with the shipped site; give its two ports."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        missing("nginx")
    assert nginx is not None
    http, https = free_port(), free_port()
    certificate = authority.file.parent / f"{NAME}1.pem"
    config = site(folder, certificate, http=http, https=https, portal=portal)
    server = subprocess.Popen(
        [nginx, "-p", folder, "-e", folder / "error", "-c", config],
        stderr=subprocess.PIPE,
    )
    try:
        eventually(lambda: _listens(https), within=10)
        yield http, https
    finally:
        server.terminate()
        server.communicate(timeout=10)


def pool_to(port: int, authority: Authority) -> urllib3.HTTPSConnectionPool:
    """Connect as a browser that knows the site by name."""
    return urllib3.HTTPSConnectionPool(
        "127.0.0.1",
        port,
        ca_certs=str(authority.file),
        server_hostname=NAME,
        assert_hostname=NAME,
        headers={"Host": NAME},
        timeout=10,
        retries=False,
    )


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


def test_codes_of_callbacks_reach_no_log_where_no_server_answers_either(
    front: SimpleNamespace, tmp_path: Path
):
    nobody = free_port()
    with nginx_before(nobody, front.authority, tmp_path) as (_, https):
        pool = pool_to(https, front.authority)
        answer = pool.request("GET", "/auth/callback/acme?code=planted-code&state=x")
        assert answer.status == 502
        assert pool.request("GET", "/login?seen=yes").status == 502
        pool.close()
        log = eventually(lambda: _read(tmp_path / "error", "seen=yes"), within=5)
        assert "planted-code" not in log


def test_pages_are_not_compressed_whatever_the_server_does_otherwise(front: SimpleNamespace):
    answer = ask(front, "GET", "/login", headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Server"] == "nginx"


def test_browsers_get_http_2(front: SimpleNamespace):
    context = ssl.create_default_context(cafile=str(front.authority.file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", front.pool.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def _read(file: Path, wanted: str) -> str:
    text = file.read_text()
    return text if wanted in text else ""

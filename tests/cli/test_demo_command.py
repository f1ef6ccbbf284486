"""`portal demo`: a real run, from the printed table to nothing left behind."""

import re
import signal
import socket
from pathlib import Path

import pytest
import requests

from tests.cli.running_portal import RunningPortal, run_portal
from tests.databases import free_port


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo in a folder whose `.env` and environment say other things."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / ".env").write_text("PORTAL_NONSENSE=1\n")
    scratch = folder / "scratch"
    scratch.mkdir()
    port, provider_port = free_port(), free_port()
    with RunningPortal(
        folder,
        *("demo", "--port", str(port), "--provider-port", str(provider_port)),
        url=f"http://localhost:{port}",
        TMPDIR=str(scratch),
        PORTAL_ENV="production",
        SSOJET_CLIENT_ID="of-somebody-else",
    ) as portal:
        portal.provider = f"http://127.0.0.1:{provider_port}"
        portal.ports = (port, provider_port)
        portal.scratch = scratch
        portal.wait_for(lambda: "Ctrl-C" in portal.output)
        yield portal


def accounts(output):
    """Give the printed accounts: address to password, empty where none is needed."""
    rows = re.findall(r"^  (\S+@\S+) +(\S+) {2,}\S", output, re.MULTILINE)
    return {email: "" if password == "–" else password for email, password in rows}


def submit(portal, email, password, *, wants_sso="false"):
    session = requests.Session()
    page = session.get(f"{portal.url}/login", timeout=10)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    form = {"email": email, "password": password, "is_sso": wants_sso, "csrf_token": token}
    answer = session.post(f"{portal.url}/auth/login", data=form, timeout=20, allow_redirects=False)
    return session, answer


def test_it_prints_its_addresses_and_accounts_for_every_way(demo):
    assert demo.url in demo.output
    found = accounts(demo.output)
    assert len(found) >= 8
    assert {email.partition("@")[2] for email in found} >= {
        "acme.example",
        "globex.example",
        "initech.example",
        "hooli.example",
    }


def test_every_printed_password_signs_in(demo):
    for email, password in accounts(demo.output).items():
        if password:
            _, answer = submit(demo, email, password)
            assert answer.status_code == 303, email
            assert answer.headers["Location"].endswith("/dashboard")


def test_the_account_that_sso_is_required_of_goes_to_the_provider(demo):
    _, answer = submit(demo, "ann@acme.example", "")
    assert answer.status_code == 302
    host, port = re.match(r"http://([^:/]+):(\d+)/", answer.headers["Location"]).groups()
    assert host in {"localhost", "127.0.0.1"}
    assert int(port) == demo.ports[1]
    assert requests.get(answer.headers["Location"], timeout=10).ok


def test_a_second_demo_says_that_the_port_is_taken(demo, tmp_path):
    ended = run_portal(tmp_path, "demo", "--port", str(demo.ports[0]))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "cannot listen on" in ended.stderr


def test_ctrl_c_stops_all_of_it_and_leaves_nothing_behind(demo):
    took = demo.stop(signal.SIGINT, whole_group=True)
    assert took < 15
    assert demo.process.returncode == 0, demo.output
    assert demo.is_gone()
    assert "Traceback" not in demo.output
    assert list(demo.scratch.iterdir()) == []
    assert not (Path(demo.scratch).parent / "instance").exists()
    for port in demo.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))

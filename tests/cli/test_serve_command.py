"""`portal serve`, run as operators run it."""

import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import requests

from portal.cli.serve import look_at_clients, prepare_log
from portal.crypto import Vault, new_key
from portal.store.engine import Database
from tests.builders import add_client, add_connection, add_domain, add_tenant
from tests.cli.running_portal import run_portal, serving
from tests.databases import free_port, migrate
from tests.oidc.servers import Server, answer


@pytest.fixture
def database(tmp_path):
    (tmp_path / "instance").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'instance' / 'portal.db'}")
    migrate(database)
    yield database
    database.close()


def fails_with(result, *lines):
    """The whole of stderr is these lines, each beginning as given."""
    assert result.returncode == 1
    said = result.stderr.strip().splitlines()
    assert len(said) == len(lines), result.stderr
    for line, start in zip(said, lines, strict=True):
        assert line.startswith(start), result.stderr


def submit(url, email, password):
    """Post the sign-in form as a browser does."""
    session = requests.Session()
    page = session.get(f"{url}/login", timeout=10)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    form = {"email": email, "password": password, "is_sso": "false", "csrf_token": token}
    return session.post(f"{url}/auth/login", data=form, timeout=20, allow_redirects=False)


# --- what it refuses to start on


def test_an_occupied_port_is_one_clear_line(tmp_path, database):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run_portal(tmp_path, "serve", "--port", str(port))
    fails_with(result, f"Error: cannot listen on http://127.0.0.1:{port}: ")
    assert "--port" in result.stderr


def test_a_database_that_is_not_migrated_is_one_clear_line(tmp_path):
    (tmp_path / "empty.db").touch()
    port = str(free_port())
    result = run_portal(tmp_path, "serve", "--port", port, PORTAL_DATABASE_URL="sqlite:///empty.db")
    fails_with(result, "portal: the database is at no schema")
    assert "portal db upgrade" in result.stderr


@pytest.mark.parametrize(
    "url", ["postgresql://u:hush@127.0.0.1:{port}/x", "sqlite:////no/such/folder/x.db"]
)
def test_a_database_that_cannot_be_reached_is_one_clear_line(tmp_path, url):
    result = run_portal(tmp_path, "serve", PORTAL_DATABASE_URL=url.format(port=free_port()))
    fails_with(result, "portal: the database cannot be reached: ")
    assert "hush" not in result.stderr


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path):
    (tmp_path / "x.db").write_text(
        "hello, I am no database at all, and long enough to see it\n" * 9
    )
    result = run_portal(tmp_path, "serve", PORTAL_DATABASE_URL="sqlite:///x.db")
    fails_with(result, "portal: the database cannot be read: ")


def test_unsafe_settings_are_one_line_that_names_each(tmp_path):
    result = run_portal(
        tmp_path, "serve", PORTAL_ENV="production", PORTAL_BASE_URL="http://login.example"
    )
    fails_with(result, "portal: PORTAL_SECRET_KEY")
    for name in ("PORTAL_ENCRYPTION_KEYS", "PORTAL_BASE_URL"):
        assert f"; {name} " in result.stderr


def test_a_host_that_there_is_not_is_one_clear_line(tmp_path, database):
    fails_with(
        run_portal(tmp_path, "serve", "--host", "no.such.invalid"), "Error: cannot listen on"
    )


# --- how it runs


def test_sigterm_answers_the_request_under_way_and_then_ends_quietly(tmp_path, database):
    asked = threading.Event()

    def slow(server, peer):
        peer.request()
        asked.set()
        time.sleep(2)
        peer.send(answer(status="503 Service Unavailable"))

    provider = Server(slow)
    with database.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(connection, acme, issuer=provider.url, auth_method="none", secret=None)
        okta = add_connection(connection, acme, client_id=client)
        add_domain(connection, acme, connections=(okta,), policy="required")
    answers = []
    with serving(tmp_path, PORTAL_ALLOW_LOCAL_ISSUERS="true") as portal:
        url = portal.url
        visit = threading.Thread(
            target=lambda: answers.append(submit(url, "ann@acme.example", "x"))
        )
        visit.start()
        assert asked.wait(20)
        took = portal.stop(signal.SIGTERM)
        visit.join(20)
        assert portal.is_gone()
        output, status = portal.output, portal.process.returncode
    provider.close()
    assert [found.status_code for found in answers] == [200]
    assert "can’t be reached" in answers[0].text
    assert 1 < took < 30
    assert status == 0
    told = ("sign_in", "issuer.failing")  # the watch may see the 503 before the end
    noise = [line for line in output.splitlines() if not any(word in line for word in told)]
    assert noise == [f"Portal on {url} for {url} (1 worker)"]
    assert not list((tmp_path / "instance" / "metrics").iterdir())


def test_a_server_that_is_to_stop_asks_everybody_away_first(tmp_path, database):
    with serving(tmp_path) as portal, requests.Session() as kept:
        assert "close" not in kept.get(f"{portal.url}/readyz", timeout=10).headers.values()
        portal.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        told = kept.get(f"{portal.url}/readyz", timeout=10)
        assert told.status_code == 503
        assert told.json()["checks"] == {"server": "stopping"}
        assert told.headers["Connection"] == "close"
        assert portal.process.wait(20) == 0


def test_a_worker_that_was_killed_or_stopped_is_replaced_and_its_counts_stay(tmp_path, database):
    with serving(tmp_path) as portal:
        assert submit(portal.url, "nobody@initech.example", "wrong").status_code == 200
        counted = 'portal_sign_ins_total{method="password",outcome="wrong_password"} 1.0'
        assert counted in requests.get(f"{portal.url}/metrics", timeout=10).text
        for how in (signal.SIGKILL, signal.SIGTERM):  # twice in a row is no reason to give up
            (worker,) = portal.workers()
            os.kill(worker, how)
            portal.wait_for(lambda dead=worker: portal.workers() not in ([], [dead]))
            portal.wait_until_up()
        assert counted in requests.get(f"{portal.url}/metrics", timeout=10).text


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_its_processes_ends_it_at_once(tmp_path, database, sig):
    with serving(tmp_path, workers=2) as portal:
        assert portal.stop(sig, whole_group=True) < 10
        assert portal.process.returncode == 0
        assert "Traceback" not in portal.output
        assert portal.is_gone()


def test_workers_share_the_memory_of_what_they_load(tmp_path, database):
    with serving(tmp_path, workers=2) as portal:
        workers = portal.workers()
        assert len(workers) == 2
        for worker in workers:
            assert own_share(worker) < 0.75


def own_share(pid):
    """Give how much of a process's memory is its own, where a page that n share counts as 1/n."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size) for name, size, *_ in map(str.split, lines)}
    return sizes["Pss:"] / sizes["Rss:"]


def test_no_worker_outlives_a_killed_supervisor(tmp_path, database):
    with serving(tmp_path, workers=2) as portal:
        portal.process.kill()
        portal.process.wait(10)
        assert portal.is_gone(within=20)


def test_a_worker_that_cannot_start_ends_the_server_instead_of_looping(tmp_path, database):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if sys.argv[0].endswith('portal'):\n"
        "    spoil = lambda: delattr(sys.modules['portal.cli.wsgi'], 'create_app')\n"
        "    os.register_at_fork(after_in_child=spoil)\n"
    )
    with serving(tmp_path, up=False, PYTHONPATH=str(broken)) as portal:
        assert portal.process.wait(60) == 1
        assert "Unexpected exit from worker-1" in portal.output
        assert "crash loop" in portal.output


def test_it_listens_on_ipv6(tmp_path, database):
    with serving(tmp_path, host="::1") as portal:
        assert portal.output.startswith("Portal on http://[::1]:")


def test_a_lost_encryption_key_is_logged_by_client_and_does_not_stop_it(tmp_path, database):
    lost = Vault([new_key()])
    with database.transaction() as connection:
        acme = add_tenant(connection)
        add_client(connection, acme, secret=lost.seal("hush"))
    with serving(tmp_path) as portal:
        portal.wait_for(lambda: "client.unusable" in portal.output)
        (line,) = [line for line in portal.output.splitlines() if "client.unusable" in line]
        assert "acme" in line
        assert "main" in line
        assert "hush" not in line


def test_a_look_at_the_clients_that_fails_is_logged_and_stops_nothing(make_settings, capsys):
    settings = make_settings()
    prepare_log(settings)
    look_at_clients(settings)  # there is no database
    assert "clients.not_looked_at" in capsys.readouterr().err

"""Real `portal` processes, and browsers that go to any of them under the portal's one name."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.databases import free_port

HOST = "localhost:5000"
PORTAL = [sys.executable, "-c", "from portal.cli.main import main; main()"]
KEY = "ZmVybmV0LWtleS1vZi10aGUtdGVzdHMtMzItYnl0ZXM="  # the stand's own; it guards nothing


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Give an environment with nothing of the portal but these settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PORTAL_", "SSOJET_"))}
    return {
        **kept,
        "PORTAL_INSTANCE_DIR": str(folder / "instance"),
        "PORTAL_SECRET_KEY": "the secret key of the tests",
        "PORTAL_ENCRYPTION_KEYS": KEY,
        "PORTAL_ALLOW_LOCAL_ISSUERS": "true",
        "PYTHONWARNINGS": "default",
        **settings,
    }


def run(*arguments: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a `portal` command to its end."""
    return subprocess.run(
        [*PORTAL, *arguments],
        env=env,
        cwd=folder,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def eventually(what: Callable[[], Any], *, within: float, every: float = 0.05) -> Any:
    """Give the first true answer, which has to come within so many seconds."""
    until = time.monotonic() + within
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, f"not within {within} s"
        time.sleep(every)


class Portal:
    """One `portal serve`."""

    def __init__(self, folder: Path, env: dict[str, str], *, workers: int = 1) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*PORTAL, "serve", "--port", str(self.port), "--workers", str(workers)],
                env={**env, "PORTAL_INSTANCE_DIR": str(folder / "instance")},
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> "Portal":
        """Wait until it serves."""
        eventually(self._answers, within=90)
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str) -> requests.Response:
        """Ask as a machine does, by address."""
        return requests.get(self.url + path, timeout=20)

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def end(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End it; give how many seconds it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=40)
        return time.monotonic() - began


class Browser:
    """One person's browser; each request goes to the process that is named."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["Host"] = HOST
        self.session.trust_env = False

    def get(self, portal: Portal, path: str) -> requests.Response:
        return self.session.get(portal.url + path, allow_redirects=False, timeout=20)

    def post(self, portal: Portal, path: str, form: dict[str, str]) -> requests.Response:
        token = {"csrf_token": self.csrf_token(portal)}
        return self.session.post(
            portal.url + path, data={**token, **form}, allow_redirects=False, timeout=20
        )

    def csrf_token(self, portal: Portal) -> str:
        if not hasattr(self, "_token"):
            found = re.search(
                r'name="csrf_token"[^>]*value="([^"]+)"', self.get(portal, "/login").text
            )
            assert found, "the page has no CSRF token"
            self._token = unescape(found[1])
        return self._token

    def submit(self, portal: Portal, email: str, password: str = "") -> requests.Response:
        return self.post(portal, "/auth/login", {"email": email, "password": password})

    def raw_submit(self, portal: Portal, email: str, password: str = "") -> bytes:
        """Give a submit as it goes over a connection, for who wants to be rough with that."""
        form = {"csrf_token": self.csrf_token(portal), "email": email, "password": password}
        asked = requests.Request("POST", f"{portal.url}/auth/login", data=form)
        ready = self.session.prepare_request(asked)
        head = "".join(f"{name}: {value}\r\n" for name, value in ready.headers.items())
        return f"POST {ready.path_url} HTTP/1.1\r\n{head}\r\n{ready.body}".encode()

    def at_provider(self, answer: requests.Response) -> str:
        """Go where the portal sent us; give the path at which the provider sends us back."""
        assert answer.status_code == 302, (answer.status_code, answer.text)
        back = requests.get(answer.headers["Location"], allow_redirects=False, timeout=20)
        parts = urlsplit(back.headers["Location"])
        assert parts.netloc == HOST, back.headers["Location"]
        return f"{parts.path}?{parts.query}"

    def sign_in_by_sso(self, portal: Portal, email: str) -> requests.Response:
        return self.get(portal, self.at_provider(self.submit(portal, email)))

    def is_signed_in(self, portal: Portal) -> bool:
        return self.get(portal, "/dashboard").status_code == 200

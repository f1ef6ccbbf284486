"""The provider as a process of its own, and the hand that holds it."""

import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Self

from portal.cli.demo_provider.control import ControlFace, Orders

_MODULE = "portal.cli.demo_provider"
_SECONDS = 40  # longer than the slowest answer of a back channel


class ProviderControl(ControlFace):
    """A provider process, from `start` to `stop`; also a context manager.

    `config` is what `DemoProvider.from_json` takes. The process ends when this one does: it
    reads its standard input and stops at its end.
    """

    def __init__(self, config: Mapping[str, Any] | None = None, *, port: int = 0) -> None:
        self._config = dict(config or {})
        self._token = str(self._config.setdefault("control_token", secrets.token_urlsafe(16)))
        self._port = port
        self._process: subprocess.Popen[str] | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.issuer = ""
        self.issuers: list[str] = []

    def start(self) -> Self:
        """Run it, and wait until it serves; RuntimeError where it does not come up."""
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no word from outside
            [sys.executable, "-m", _MODULE, "--config", "-", "--port", str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(self._config) + "\n")
        self._process.stdin.flush()
        ready = self._process.stdout.readline()
        if not ready:
            self.stop()
            raise RuntimeError("the demo provider did not start; its standard error says why")
        self.issuers = json.loads(ready)["issuers"]
        self.issuer = json.loads(ready)["issuer"]
        return self

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        process.communicate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def order(self, orders: Orders) -> dict[str, Any]:
        """Carry out the orders; ValueError says what is wrong with them."""
        return self._asked(json.dumps(orders).encode())

    def report(self) -> dict[str, Any]:
        """What was seen so far."""
        return self._asked(None)

    def _asked(self, body: bytes | None) -> dict[str, Any]:
        asking = urllib.request.Request(  # noqa: S310 - loopback, an address of our own making
            f"{self.issuer}/_control",
            data=body,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with self._opener.open(asking, timeout=_SECONDS) as answer:
                told: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                raise ValueError(refused.read().decode()) from refused
        return told

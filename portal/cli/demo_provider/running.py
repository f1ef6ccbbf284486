"""The provider as a server in a thread of this process."""

import socket
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from flask import Flask, render_template
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.cli.demo_provider.control import ControlFace, Orders, control_blueprint, obey
from portal.cli.demo_provider.endpoints import Endpoints
from portal.cli.demo_provider.ledger import Stand
from portal.cli.demo_provider.participants import Client, Options, Person

_LOOPBACK = "127.0.0.1"  # never another address: whoever asks here may be anybody
_POLL_SECONDS = 0.05
_PACKAGE = Path(__file__).parents[2]
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src *; "
    "frame-ancestors 'none'"
)


class DemoProvider(ControlFace):
    """A provider on loopback, for demo and tests only. Also a context manager."""

    def __init__(
        self,
        people: Iterable[Person] = (),
        clients: Iterable[Client] = (),
        *,
        options: Options | None = None,
        port: int = 0,
        control_token: str = "",
    ) -> None:
        self._stand = Stand(
            options=options or Options(),
            people=people,
            clients=clients,
            control_token=control_token,
        )
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @classmethod
    def from_json(cls, config: Mapping[str, Any], *, port: int = 0) -> Self:
        """The provider of a JSON object: `options`, `people`, `clients`, `control_token`.

        `people` has an address for each key and its further claims as value. TypeError names a
        key that does not exist.
        """
        known = dict(config)
        provider = cls(
            [Person(email, claims) for email, claims in known.pop("people", {}).items()],
            [Client.from_json(client) for client in known.pop("clients", [])],
            options=Options.from_json(known.pop("options", {})),
            port=port,
            control_token=known.pop("control_token", ""),
        )
        if known:
            raise TypeError(f"no such setting: {', '.join(sorted(known))}")
        return provider

    @property
    def issuer(self) -> str:
        """The issuer without a path, once started."""
        return self._stand.origin

    @property
    def issuers(self) -> list[str]:
        """Every issuer of the stand."""
        return [self._stand.issuer(realm) for realm in self._stand.realms.values()]

    def start(self) -> Self:
        """Serve from now on; OSError where the port is taken."""
        with socket.create_server((_LOOPBACK, self._port), backlog=128) as door:
            port = door.getsockname()[1]
            self._stand.origin = f"http://{_LOOPBACK}:{port}"
            self._server = make_server(
                _LOOPBACK,
                port,
                _application(self._stand),
                threaded=True,
                request_handler=_Silent,
                fd=door.fileno(),
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Serve no longer; slow answers under way are cut short."""
        self._stand.stopping.set()
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def order(self, orders: Orders) -> dict[str, Any]:
        """Carry out the orders at once."""
        return obey(self._stand, orders)

    def report(self) -> dict[str, Any]:
        """What was seen so far."""
        return dict(self._stand.report())


class _Silent(WSGIRequestHandler):
    """Writes no access log: the provider speaks through its report."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


def _application(stand: Stand) -> Flask:
    """The Flask application of the whole stand."""
    app = Flask(
        "demo_provider",
        template_folder=str(_templates()),
        static_folder=str(_PACKAGE / "static"),
        static_url_path="/static",
    )
    for realm in stand.realms.values():
        app.register_blueprint(Endpoints(stand, realm).blueprint())
    app.register_blueprint(control_blueprint(stand))

    @app.get("/")
    def front() -> str:
        issuers = [stand.issuer(realm) for realm in stand.realms.values()]
        return render_template("demo/front.html", issuers=issuers, people=stand.people.values())

    @app.after_request
    def harden(answer: Any) -> Any:
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.setdefault("Content-Security-Policy", _CSP)
        answer.headers.setdefault("Referrer-Policy", "no-referrer")
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        return answer

    return app


def _templates() -> Path:
    """The templates: inside an installed package, beside it in a checkout."""
    packaged = _PACKAGE / "templates"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"

"""Traces as a collector gets them, and that nothing of them is there without one."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from portal.cli.demo_provider import ProviderControl
from portal.store.engine import Database
from tests.ops.conftest import PASSWORD, SECRET, fill
from tests.ops.stand import Browser, Portal, environment, eventually


@pytest.fixture
def collector() -> Iterator[SimpleNamespace]:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(received=received, url=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def spans_of(received: list[bytes]) -> dict[str, SimpleNamespace]:
    found = {}
    for body in received:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {
                        a.key: a.value.string_value or a.value.int_value for a in span.attributes
                    }
                    found[span.name] = SimpleNamespace(span=span, told=told)
    return found


def test_sign_in_is_traced_with_its_provider_calls_and_without_what_is_secret(
    collector: SimpleNamespace, provider: ProviderControl, tmp_path: Path
):
    database = Database(f"sqlite:///{tmp_path / 'portal.db'}")
    fill(database, provider.issuer)
    env = environment(
        tmp_path,
        PORTAL_DATABASE_URL=str(database.url),
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="60000",
    )
    portal, browser = Portal(tmp_path / "traced", env).wait(), Browser()
    try:
        back = browser.at_provider(browser.submit(portal, "p1@acme.example"))
        assert browser.get(portal, back).status_code == 303
        Browser().submit(portal, "p0@initech.example", PASSWORD)
    finally:
        assert portal.end() < 20  # what is not yet sent is sent then
        database.close()
    eventually(lambda: collector.received, within=5)
    spans = spans_of(collector.received)
    callback = spans["GET /auth/callback/<tenant>"]
    assert callback.told["http.route"] == "/auth/callback/<tenant>"
    assert callback.told["http.response.status_code"] == 303
    assert len(callback.told["portal.reference"]) == 9
    token = spans["provider.token"]
    assert token.told == {"issuer": provider.issuer}
    assert token.span.parent_span_id == callback.span.span_id
    assert token.span.trace_id == callback.span.trace_id
    submit = spans["POST /auth/login"].span
    assert spans["provider.metadata"].span.end_time_unix_nano > submit.start_time_unix_nano - 10**12
    assert "provider.keys" in spans
    whole = b"".join(collector.received)
    code, state = (back.split(f"{name}=")[1].split("&")[0] for name in ("code", "state"))
    for secret in ("p1@", "p0@", PASSWORD, SECRET, code, state, browser.csrf_token(portal)):
        assert secret.encode() not in whole, secret


def test_without_a_collector_its_exporter_is_not_imported():
    look = (
        "import sys; import portal.web.traces, portal.tracing as t; assert t.start() is False;"
        "t.span('x', issuer='y').__enter__();"
        "parts = ('opentelemetry.sdk.trace', 'opentelemetry.exporter');"
        "sys.exit(any(name.startswith(parts) for name in sys.modules))"
    )
    env = environment(Path("/tmp"))
    assert subprocess.run([sys.executable, "-c", look], env=env, check=False).returncode == 0

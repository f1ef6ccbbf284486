"""Metrics: parsed by Prometheus' own parser, with labels that stay few and name nobody."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portal import observe
from portal.core.errors import SignInFailure
from portal.oidc.breaker import FAILURES
from portal.oidc.http import Door
from portal.services import utc_now
from tests.databases import free_port


def value(name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(observe.metrics_text().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


@pytest.fixture(autouse=True)
def no_issuers_yet(monkeypatch):
    monkeypatch.setattr(observe, "_named_issuers", set())


def test_provider_is_timed_and_its_breaker_shown():
    issuer = f"http://127.0.0.1:{free_port()}"
    door = Door(utc_now, allow_local=True)
    for _ in range(FAILURES):
        assert value("portal_provider_breaker_open", issuer=issuer) in {None, 0}
        with pytest.raises(SignInFailure):
            door.get(issuer, issuer)
    assert value("portal_provider_breaker_open", issuer=issuer) == 1
    assert value("portal_provider_request_seconds_count", issuer=issuer) == FAILURES


def test_answering_provider_is_counted_and_left_in():
    class Plain(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Plain) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        issuer = f"http://127.0.0.1:{server.server_port}"
        door = Door(utc_now, allow_local=True)
        door.get(issuer, issuer)
        door.close()
        server.shutdown()
    assert value("portal_provider_breaker_open", issuer=issuer) == 0
    assert value("portal_provider_request_seconds_count", issuer=issuer) == 1


def test_issuers_past_the_first_are_other():
    before = value("portal_provider_request_seconds_count", issuer="other") or 0
    for n in range(observe.MOST_ISSUERS + 7):
        observe.note_provider(f"https://idp{n}.example", seconds=0.1, is_left_alone=False)
    assert value("portal_provider_request_seconds_count", issuer="other") == before + 7
    assert value("portal_provider_request_seconds_count", issuer="https://idp56.example") is None


def test_password_checks_under_way_are_shown():
    with observe.PASSWORD_CHECKS.track_inprogress():
        assert value("portal_password_checks") == 1
    assert value("portal_password_checks") == 0


def test_sign_ins_are_counted_by_method_and_outcome():
    before = value("portal_sign_ins_total", method="sso", outcome="success") or 0
    observe.sign_ins("sso", "success").inc()
    assert value("portal_sign_ins_total", method="sso", outcome="success") == before + 1
    assert value("portal_sign_ins_total", method="success", outcome="sso") is None

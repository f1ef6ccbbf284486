"""TLS at the door: names are proven, addresses pinned, and a slow handshake ends in time."""

import ssl
import time

import pytest

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc import wire
from portal.oidc.wire import tls_context
from tests.oidc.certificates import Authority
from tests.oidc.network_faults import endless_continue
from tests.oidc.servers import always, answer, dripping

HOST = "provider.example"
ISSUER = f"https://{HOST}"
GOOD = answer({"a": 1})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def door(open_door, authority):
    return open_door(tls=tls_context(str(authority.file)), lookup=lambda _h, _p: ["127.0.0.1"])


def _refused(door, server, code):
    began = time.monotonic()
    with pytest.raises(SignInFailure) as failure:
        door.get_json(ISSUER, f"https://{HOST}:{server.port}/")
    assert failure.value.code is code, failure.value
    assert time.monotonic() - began < 2


def test_certificate_is_checked_by_name_while_the_address_is_pinned(door, serve, authority):
    server = serve(always(GOOD), authority.server(HOST))
    for _ in range(3):
        assert door.get_json(ISSUER, f"https://{HOST}:{server.port}/") == {"a": 1}
    assert server.connections == 1


@pytest.mark.parametrize(
    ("host", "days"), [("other.example", 1), (HOST, -1), ("*.provider.example", 1)]
)
def test_certificate_of_another_name_or_time_is_not_trusted(door, serve, authority, host, days):
    _refused(door, serve(always(GOOD), authority.server(host, days=days)), FailureCode.OIDC_FAILED)


def test_certificate_of_an_unknown_authority_is_not_trusted(open_door, serve, authority):
    door = open_door(lookup=lambda _host, _port: ["127.0.0.1"])
    _refused(door, serve(always(GOOD), authority.server(HOST)), FailureCode.OIDC_FAILED)


def _never_shakes_hands(server, _peer):
    server.closing.wait(5)


@pytest.mark.parametrize(
    "behave",
    [
        _never_shakes_hands,
        dripping(b"\x16\x03\x03\x40\x00" + b"x" * 500),
        lambda _server, peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda _server, _peer: None,
    ],
    ids=["never shakes hands", "handshake drips", "speaks plain http", "hangs up"],
)
def test_server_that_does_not_speak_tls_in_time_is_unavailable(door, serve, behave):
    _refused(door, serve(behave), FailureCode.PROVIDER_UNAVAILABLE)


def test_body_that_drips_through_tls_ends_in_time(door, serve, authority):
    behave = dripping(answer(b'{"a": "' + b"x" * 500 + b'"}'))
    _refused(door, serve(behave, authority.server(HOST)), FailureCode.PROVIDER_UNAVAILABLE)


def test_answer_without_end_is_cut_off_through_tls_too(door, serve, authority):
    _refused(door, serve(endless_continue, authority.server(HOST)), FailureCode.OIDC_FAILED)


def test_slow_connection_leaves_less_time_for_the_handshake(door, serve, monkeypatch):
    connect = wire._open

    def slow(address, seconds):
        time.sleep(0.4)
        return connect(address, seconds)

    monkeypatch.setattr(wire, "_open", slow)
    began = time.monotonic()
    _refused(door, serve(_never_shakes_hands), FailureCode.PROVIDER_UNAVAILABLE)
    assert time.monotonic() - began < 0.95  # 0.8 for it all, not 0.4 + 0.6


def test_old_protocols_are_not_spoken(authority):
    context = tls_context(str(authority.file))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname

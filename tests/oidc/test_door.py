"""The door out under everything a network and a hostile provider can do."""

import gc
import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import SignInFailure
from portal.oidc import http
from portal.oidc.http import Door
from portal.oidc.transport import Limits
from portal.oidc.wire import Call
from tests.oidc.network_faults import FAULTS, GOOD, SOUND, UNAVAILABLE, WRONG, silent
from tests.oidc.outcomes import failure_of
from tests.oidc.servers import Server, always, answer, once, routes

ISSUER = "https://issuer.example"


def _refused(door, url, code, within=2.0):
    began = time.monotonic()
    with pytest.raises(SignInFailure) as failure:
        door.get_json(ISSUER, url)
    assert failure.value.code is code, failure.value
    assert time.monotonic() - began < within
    return failure.value


def _send(door, url):
    return door.post(ISSUER, url, headers={}, body="code=c")


@pytest.mark.parametrize("name", FAULTS)
def test_faulty_answer_ends_in_its_failure_and_in_time(door, serve, name):
    behave, code = FAULTS[name]
    failure = _refused(door, serve(behave).url + "/?code=planted", code)
    assert "planted" not in repr(failure)
    assert failure.__cause__ is None


@pytest.mark.parametrize("header", ["", "Connection: close\r\n"])
def test_answer_that_is_refused_midway_leaves_no_socket_open(door, serve, header):
    server = serve(once(answer(b" " * 20_001, length=20_000 + 5, headers=header)[:-1]))
    _refused(door, server.url, WRONG)
    server.close()
    gc.collect()  # a socket that was left open warns here, and a warning is an error


@pytest.mark.parametrize("name", SOUND)
def test_sound_answer_is_read(door, serve, name):
    assert door.get_json(ISSUER, serve(once(SOUND[name])).url) == {"a": 1}


def test_nobody_listening_is_unavailable(door):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    _refused(door, f"http://127.0.0.1:{port}/", UNAVAILABLE)


def test_connections_that_nobody_accepts_end_in_time(open_door):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        _refused(open_door(), f"http://127.0.0.1:{port}/", UNAVAILABLE)
        for filler in fillers:
            filler.close()


def test_slow_name_server_ends_in_time_and_is_asked_once_for_all(open_door):
    release, asked = threading.Event(), []

    def slow(host, _port):
        asked.append(host)
        release.wait(5)
        return ["127.0.0.1"]

    door = open_door(lookup=slow)
    threads = [
        threading.Thread(target=_refused, args=(door, "http://slow.example/", UNAVAILABLE))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release.set()
    assert asked == ["slow.example"]


def test_unknown_host_is_unavailable(open_door):
    def unknown(_host, _port):
        raise socket.gaierror(-2, "Name or service not known")

    _refused(open_door(lookup=unknown), "http://gone.example/", UNAVAILABLE)


def test_connection_goes_to_the_address_that_was_vetted_whatever_dns_says_next(open_door, serve):
    server, answers = serve(always(GOOD)), iter([["127.0.0.1"], ["127.0.0.2"]])
    door = open_door(lookup=lambda _host, _port: next(answers))
    url = f"http://rebinding.example:{server.port}/"
    assert door.get_json(ISSUER, url) == {"a": 1}
    assert next(answers) == ["127.0.0.2"]  # it was resolved just once
    assert server.asked[0].headers["host"] == f"rebinding.example:{server.port}"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["10.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]],
)
def test_host_that_resolves_to_the_inside_is_never_connected_to(open_door, serve, addresses):
    server = serve(always(GOOD))
    door = open_door(allow_local=False, lookup=lambda _host, _port: addresses)
    _refused(door, f"https://rebinding.example:{server.port}/", WRONG)
    assert server.connections == 0


def test_second_address_is_tried_when_the_first_does_not_answer(open_door, serve):
    server = serve(always(GOOD))
    door = open_door(lookup=lambda _host, _port: ["127.0.0.9", "127.0.0.1"])
    assert door.get_json(ISSUER, f"http://two.example:{server.port}/") == {"a": 1}


def test_environment_has_no_say(door, serve, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password planted\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = serve(always(GOOD))
    assert door.get_json(ISSUER, server.url) == {"a": 1}
    assert "authorization" not in server.asked[0].headers


def test_what_is_asked_is_plain_and_uncompressed(door, serve):
    server = serve(always(GOOD))
    door.get_json(ISSUER, server.url + "/path?x=1")
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/path?x=1")
    assert asked.headers["accept-encoding"] == "identity"
    assert "cookie" not in asked.headers


def test_cookies_are_not_kept(door, serve):
    server = serve(always(answer({"a": 1}, headers="Set-Cookie: track=me; Path=/\r\n")))
    door.get(ISSUER, server.url)
    _send(door, server.url)
    assert all("cookie" not in asked.headers for asked in server.asked)


def test_what_is_sent_follows_no_redirect(door, serve):
    server = serve(always(answer(status="307 Temporary Redirect", headers="Location: /in\r\n")))
    failure = failure_of(_send, door, server.url)
    assert failure.code is WRONG
    assert len(server.asked) == 1


def test_what_is_sent_goes_only_where_the_door_leads(open_door, serve):
    server = serve(always(GOOD))
    failure = failure_of(_send, open_door(allow_local=False), server.url)
    assert failure.code is WRONG
    assert server.connections == 0


def test_busy_issuers_keep_their_lane_when_others_are_forgotten(door, monkeypatch):
    monkeypatch.setattr(http, "_MOST_ISSUERS", 2)
    lanes = [door.lane(name) for name in ("a", "b", "a", "c", "a", "b")]
    assert lanes[0] is lanes[2] is lanes[4]
    assert lanes[1] is not lanes[5]


def test_time_that_is_up_is_up():
    call = Call(connect=1, read=1, total=0, most_bytes=1)
    for ask in (call.connect_time, call.read_time):
        with pytest.raises(TimeoutError):
            ask()


def test_connection_is_used_again(door, serve):
    server = serve(always(GOOD))
    for _ in range(5):
        door.get_json(ISSUER, server.url)
    assert server.connections == 1


def _hangs_up_after_the_first(server, peer):
    server.asked.append(peer.request())
    peer.send(GOOD)
    if server.connections == 1:
        server.asked.append(peer.request())  # takes the second request, and answers nothing


def test_answers_reach_those_who_asked_when_many_ask_at_once(open_door, serve):
    door = open_door(limits=Limits(at_once=8))
    server = serve(routes(lambda asked: answer({"path": asked.path})))
    wrong = []

    def ask(name):
        for number in range(50):
            path = f"/{name}/{number}"
            if door.get_json(ISSUER, server.url + path) != {"path": path}:
                wrong.append(path)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert server.connections <= 8


def test_question_on_a_connection_that_just_died_is_asked_again(door, serve):
    server = serve(_hangs_up_after_the_first)
    assert [door.get_json(ISSUER, server.url) for _ in range(2)] == [{"a": 1}] * 2
    assert server.connections == 2


def test_what_may_have_been_processed_is_never_sent_twice(door, serve):
    server = serve(_hangs_up_after_the_first)
    door.get(ISSUER, server.url)
    assert failure_of(_send, door, server.url).code is UNAVAILABLE
    assert [asked.method for asked in server.asked] == ["GET", "POST"]


def test_unsound_header_is_refused_before_it_is_sent(door, serve):
    server = serve(always(GOOD))
    for value in ("Bearer a\r\nX: 1", "Bearer \ud800"):
        with pytest.raises(SignInFailure) as failure:
            door.get(ISSUER, server.url, headers={"Authorization": value})
        assert failure.value.code is WRONG
    assert server.asked == []


def test_too_many_calls_at_once_are_refused_at_once(open_door, serve):
    door = open_door(limits=Limits(read=1.0, total=1.0, at_once=2))
    server = serve(silent)
    threads = [
        threading.Thread(target=_refused, args=(door, server.url, UNAVAILABLE)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    _refused(door, server.url, UNAVAILABLE, within=0.2)
    other = serve(always(GOOD))  # another issuer is not held up
    assert door.get_json("https://other.example", other.url) == {"a": 1}
    for thread in threads:
        thread.join()


def test_dead_provider_is_left_alone_and_tried_again_within_half_a_minute(door, serve, clock):
    healthy = threading.Event()
    server = serve(routes(lambda _a: GOOD if healthy.is_set() else answer(status="500 Oops")))
    for _ in range(10):
        _refused(door, server.url, UNAVAILABLE)
    assert len(server.asked) == 5
    healthy.set()
    _refused(door, server.url, UNAVAILABLE)  # still left alone
    clock.advance(29)
    assert door.get_json(ISSUER, server.url) == {"a": 1}


def test_nothing_that_a_provider_sends_is_logged(door, serve, caplog):
    caplog.set_level("DEBUG", "portal")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nplanted header\r\n X: 1\r\n\r\n"
    door_failure = failure_of(door.get_json, ISSUER, serve(once(head + b"{}")).url)
    assert "planted" not in caplog.text + repr(door_failure)


@given(st.binary(max_size=400))
@settings(max_examples=30, deadline=None)
def test_any_bytes_for_an_answer_are_an_answer_or_a_failure(data):
    server = Server(once(data))
    door = Door(lambda: datetime.now(UTC), allow_local=True, limits=Limits(read=0.2, total=0.2))
    failure = failure_of(door.get_json, ISSUER, server.url)
    server.close()
    assert failure is None or failure.code in {UNAVAILABLE, WRONG}


def test_json_of_the_largest_size_is_read_in_a_moment(open_door, serve):
    door = open_door(limits=Limits())
    body = json.dumps({"a": [[1]] * 150_000}).encode()
    server = serve(once(answer(body)))
    began = time.monotonic()
    assert len(door.get_json(ISSUER, server.url)["a"]) == 150_000
    assert time.monotonic() - began < 3

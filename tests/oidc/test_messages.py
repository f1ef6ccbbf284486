"""HTTP messages as bytes: what is sent cannot be bent, and what arrives is one answer or none."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.oidc.messages import (
    Answer,
    AnswerReader,
    MalformedError,
    Origin,
    OversizedError,
    Request,
)
from tests.oidc.network_faults import SOUND
from tests.oidc.servers import answer

GOOD = answer({"a": 1})


def read(*pieces: bytes, most_bytes: int = 20_000) -> AnswerReader:
    reader = AnswerReader(most_bytes=most_bytes)
    for piece in pieces:
        reader.take(piece)
    return reader


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("https://a.example/t", ("https", "a.example", 443), "a.example", "/t"),
        ("https://a.example:443", ("https", "a.example", 443), "a.example", "/"),
        ("https://a.example:8443?x=1", ("https", "a.example", 8443), "a.example:8443", "/?x=1"),
        ("http://a.example:80/t?", ("http", "a.example", 80), "a.example", "/t"),
        ("http://[::1]:81/t%20/", ("http", "::1", 81), "[::1]:81", "/t%20/"),
        ("https://A.example./", ("https", "a.example.", 443), "a.example.", "/"),
    ],
)
def test_request_goes_to_the_host_of_its_url(url, origin, host, target):
    request = Request("GET", url, {"Accept": "application/json"})
    assert request.origin == Origin(*origin)
    assert request.to_bytes() == (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode()
    )


def test_body_is_sent_with_its_length():
    sent = Request("POST", "https://a.example/t", {}, "code=c").to_bytes()
    assert sent.endswith(b"\r\nContent-Length: 6\r\n\r\ncode=c")


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nX", "a\x00", "\ud800", "ä", "", " a", "a\r"])
def test_header_that_could_be_two_is_not_sent(value):
    with pytest.raises(ValueError, match="header"):
        Request("GET", "https://a.example/", {"Authorization": value}).to_bytes()


def test_nothing_secret_shows_in_a_repr():
    request = Request("POST", "https://a.example/t", {"Authorization": "planted"}, "planted")
    assert "planted" not in repr(request) + repr(Answer(200, {"x": "planted"}, b"planted"))


@given(name=st.sampled_from(sorted(SOUND)), data=st.data())
def test_answer_is_the_same_in_whatever_pieces_it_arrives(name, data):
    whole = SOUND[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    ends = [] if read(whole).answer else [b""]
    assert read(*pieces, *ends).answer == read(whole, *ends).answer


def test_headers_go_by_their_names_in_lower_case_and_all_of_one_name_count():
    reader = read(answer(headers="X-One: 1\r\nx-one:  2 \r\n"))
    assert reader.answer.headers["x-one"] == "1, 2"
    assert reader.answer.headers["content-type"] == "application/json"


def test_what_comes_after_the_body_changes_nothing():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    reader = read(head + b"Content-Encoding: gzip\r\nX-Late: 1\r\n\r\n")
    assert reader.answer.content == b"{}"
    assert "x-late" not in reader.answer.headers


def test_interim_answers_are_passed_over():
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
    reader = read(b"HTTP/1.1 100 Continue\r\n\r\n", early + GOOD)
    assert reader.answer == read(GOOD).answer
    assert reader.is_reusable


@pytest.mark.parametrize("more", [GOOD, b"\r\nnonsense", b"x", b"HTTP/1.1 "])
def test_connection_that_brings_more_than_its_answer_is_not_used_again(more):
    reader = read(GOOD + more)
    assert reader.answer == read(GOOD).answer
    assert not reader.is_reusable


@pytest.mark.parametrize(
    ("whole", "reusable"),
    [
        (GOOD, True),
        (answer(headers="Connection: close\r\n"), False),
        (GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_connection_is_used_again_where_the_server_keeps_it(whole, reusable):
    assert read(whole).is_reusable is reusable


def test_answer_that_ends_with_the_connection_is_whole_then():
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nhal", b"f", b"")
    assert reader.answer.content == b"half"
    assert not reader.is_reusable


@pytest.mark.parametrize(
    "pieces",
    [
        (GOOD[:-1], b""),
        (GOOD[:20], b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b""),
        (answer(headers="Transfer-Encoding: chunked\r\n"),),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",),
        (
            b"HTTP/1.1 200 OK\r\n"
            + b"X: 1\r\n" * 1
            + b"".join(b"X-%d: 1\r\n" % n for n in range(120)),
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 102,),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            + b"X: 1\r\n" * 102,
        ),
        (answer(gzip.compress(b"{}") + b"x", headers="Content-Encoding: gzip\r\n"),),
        (answer(gzip.compress(b"{}")[:-1], headers="Content-Encoding: gzip\r\n"),),
        (answer(headers="Content-Encoding: br\r\n"),),
    ],
    ids=[
        "cut in the body",
        "cut in the head",
        "cut between chunks",
        "length and chunks",
        "another protocol",
        "too many headers",
        "too many headers of one name",
        "too many trailers",
        "more than the gzip",
        "less than the gzip",
        "an encoding that nobody asked for",
    ],
)
def test_what_is_no_whole_answer_is_none(pieces):
    with pytest.raises(MalformedError) as failure:
        read(*pieces)
    assert failure.value.__cause__ is None


def test_server_that_hangs_up_before_it_says_anything_may_be_asked_again():
    with pytest.raises(ConnectionError):
        read(b"")


@pytest.mark.parametrize(
    "whole",
    [
        answer(b"", length=101),
        answer(b"x" * 101),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101,
        answer(gzip.compress(b"x" * 101), headers="Content-Encoding: gzip\r\n"),
    ],
)
def test_answer_that_is_too_big_is_refused_as_soon_as_that_shows(whole):
    with pytest.raises(OversizedError):
        read(whole, most_bytes=100)

"""What a network and a hostile provider can do to an answer, and how each has to end."""

import gzip
import time
import zlib

from portal.core.errors import FailureCode
from tests.oidc.servers import answer, dripping, once

UNAVAILABLE, WRONG = FailureCode.PROVIDER_UNAVAILABLE, FailureCode.OIDC_FAILED
GOOD = answer({"a": 1})


def silent(server, peer):
    peer.request()
    server.closing.wait(5)


def _declares_too_much(server, peer):
    peer.request()
    peer.send(answer(b"{}", length=20_001))
    server.closing.wait(5)


def _reset_at_once(_server, peer):
    peer.request()
    peer.reset()


def _reset_midway(_server, peer):
    peer.request()
    peer.send(GOOD[:-3])
    time.sleep(0.1)  # else the bytes are thrown away with the reset
    peer.reset()


def _endless_header(server, peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n")
    while not server.closing.is_set():
        peer.send(b"X-Padding: " + b"x" * 1000 + b"\r\n")


def endless_continue(server, peer):
    peer.request()
    while not server.closing.is_set():
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _endless_chunks(server, peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    peer.send(b"Transfer-Encoding: chunked\r\n\r\n")
    while not server.closing.is_set():
        peer.send(b"1000\r\n" + b" " * 0x1000 + b"\r\n")


def _endless_trailers(server, peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    peer.send(b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    while not server.closing.is_set():
        peer.send(b"X-Padding: " + b"x" * 1000 + b"\r\n")


def _no_length(data):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + data


BOMB = gzip.compress(b'{"a": "' + b" " * 30_000_000 + b'"}')

FAULTS = {
    "silent after the request": (silent, UNAVAILABLE),
    "reset at once": (_reset_at_once, UNAVAILABLE),
    "reset in the middle of the answer": (_reset_midway, UNAVAILABLE),
    "hangs up without an answer": (lambda _s, peer: peer.request(), UNAVAILABLE),
    "status drips": (dripping(GOOD), UNAVAILABLE),
    "header drips": (dripping(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 500), UNAVAILABLE),
    "body drips": (dripping(answer(b'{"a": "' + b"x" * 500 + b'"}')), UNAVAILABLE),
    "chunks drip": (
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 99),
        UNAVAILABLE,
    ),
    "500": (once(answer(status="500 Oops")), UNAVAILABLE),
    "502 with a page": (once(answer(b"<html>", status="502 Bad", kind="text/html")), UNAVAILABLE),
    "503": (once(answer(status="503 Later")), UNAVAILABLE),
    "429": (once(answer(status="429 Slow Down")), UNAVAILABLE),
    "404": (once(answer(status="404 Not Found")), WRONG),
    "401": (once(answer(status="401 No")), WRONG),
    "201": (once(answer(status="201 Created")), WRONG),
    "204": (once(b"HTTP/1.1 204 No Content\r\n\r\n"), WRONG),
    "redirect": (
        once(answer(status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")),
        WRONG,
    ),
    "permanent redirect": (
        once(answer(status="308 Moved", headers="Location: /elsewhere\r\n")),
        WRONG,
    ),
    "no HTTP at all": (once(b"220 mail.example ESMTP\r\n"), WRONG),
    "header line beyond all bounds": (once(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), WRONG),
    "header without end": (_endless_header, WRONG),
    "100 Continue without end": (endless_continue, WRONG),
    "chunks without end": (_endless_chunks, WRONG),
    "trailers without end": (_endless_trailers, WRONG),
    "a chunk size that is none": (
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        WRONG,
    ),
    "declares too much, long before it comes": (_declares_too_much, WRONG),
    "sends too much": (once(_no_length(b'{"a": "' + b"x" * 20_000 + b'"}')), WRONG),
    "cut short": (once(answer(b'{"a":', length=100)), WRONG),
    "two lengths": (once(answer(headers="Content-Length: 3\r\n")), WRONG),
    "gzip bomb": (once(answer(BOMB, headers="Content-Encoding: gzip\r\n")), WRONG),
    "gzip twice": (
        once(answer(gzip.compress(BOMB), headers="Content-Encoding: gzip, gzip\r\n")),
        WRONG,
    ),
    "broken gzip": (
        once(answer(b"\x1f\x8b\x08nothing", headers="Content-Encoding: gzip\r\n")),
        WRONG,
    ),
    "content type of a page": (once(answer(kind="text/html")), WRONG),
    "no content type": (once(answer(kind="")), WRONG),
    "empty": (once(answer(b"")), WRONG),
    "not JSON": (once(answer(b"{'a': 1}")), WRONG),
    "JSON array": (once(answer([1])), WRONG),
    "JSON text": (once(answer("a")), WRONG),
    "not UTF-8": (once(answer(b'{"a": "\xff"}')), WRONG),
    "UTF-16": (once(answer('{"a": 1}'.encode("utf-16"))), WRONG),
    "a member twice": (once(answer(b'{"issuer": 1, "issuer": 1}')), WRONG),
    "NaN": (once(answer(b'{"a": NaN}')), WRONG),
    "nested deeply": (once(answer(b'{"a":' * 21 + b"1" + b"}" * 21)), WRONG),
    "nested beyond the stack": (once(answer(b'{"a":' + b"[" * 9_000 + b"]" * 9_000 + b"}")), WRONG),
    "a number of ten thousand digits": (once(answer(b'{"a": ' + b"9" * 10_000 + b"}")), WRONG),
}


SOUND = {
    "plain": GOOD,
    "charset named": answer({"a": 1}, kind="Application/JSON; charset=utf-8"),
    "key set type": answer({"a": 1}, kind="application/jwk-set+json"),
    "byte order mark": answer(b"\xef\xbb\xbf" + b'{"a": 1}'),
    "no length": _no_length(b'{"a": 1}'),
    "chunked": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n',
    "gzip though nobody asked": answer(
        gzip.compress(b'{"a": 1}'), headers="Content-Encoding: gzip\r\n"
    ),
    "deflate though nobody asked": answer(
        zlib.compress(b'{"a": 1}'), headers="Content-Encoding: deflate\r\n"
    ),
    "just as big as allowed": answer(b'{"a": 1' + b" " * (20_000 - 8) + b"}"),
}

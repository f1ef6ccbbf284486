"""HTTP messages: a request as bytes, an answer from bytes (RFC 9110, RFC 9112).

The parser is llhttp, that of Node.js. Python's own reads the head of an answer as an e-mail, which
takes longer than everything else in a call.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from portal.core.values import quick_value

_MOST_HEADERS = 100
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")  # RFC 9110, 5.5: no line ends
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
_PORTS = {"http": 80, "https": 443}
_MOST_URLS = 1000


class OversizedError(Exception):
    """More bytes arrived than one call may bring."""


class MalformedError(Exception):
    """What arrived is no whole HTTP answer; the message says why and repeats nothing of it."""


class Origin(NamedTuple):
    """Where a request goes, and what an open connection belongs to."""

    scheme: str
    host: str
    port: int


@quick_value
class Request:
    """A request to a URL that `safe_url` made; header values may be secrets."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(default="", repr=False)

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent twice: a code that was sent may have been used."""
        return self.method == "GET"

    @property
    def origin(self) -> Origin:
        """Where it goes."""
        return _where(self.url)[0]

    def to_bytes(self) -> bytes:
        """Write it as it is sent. Raises ValueError where a header or the body is unsound."""
        _, host, target = _where(self.url)
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {host}"]
        for name, value in self.headers.items():
            if not _VALUE.fullmatch(value):
                raise ValueError("a header has characters that do not belong there")
            lines.append(f"{name}: {value}")
        if self.body or self.method != "GET":
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*lines, "", self.body)).encode("ascii")


@lru_cache(maxsize=_MOST_URLS)
def _where(url: str) -> tuple[Origin, str, str]:
    """Give the origin of a URL, its Host header and its request target (RFC 9112, 3.2)."""
    parts = urlsplit(url)
    host, usual = parts.hostname or "", _PORTS[parts.scheme]
    port = parts.port or usual
    shown = f"[{host}]" if ":" in host else host
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    origin = Origin(parts.scheme, host, port)
    return origin, shown if port == usual else f"{shown}:{port}", target


@quick_value
class Answer:
    """A whole answer: `headers` by their names in lower case, `content` decoded."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class AnswerReader:
    """Puts an answer together from what arrives; `answer` is there once it is whole."""

    def __init__(self, *, most_bytes: int) -> None:
        self.answer: Answer | None = None
        self.is_reusable = False  # whether the connection may carry another call
        self._most = most_bytes
        self._parser = HttpResponseParser(self)
        self._has_begun = False
        self._is_headed = False
        self._headers: dict[str, str] = {}
        self._lines = 0
        self._body = bytearray()

    def take(self, data: bytes) -> None:
        """Take in what arrived; nothing means that the server hung up.

        Raises OversizedError, MalformedError, or ConnectionError where nothing had come at all.
        """
        if not data:
            self._end()
            return
        self._has_begun = True
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.is_reusable = False
            if self.answer is not None:
                return  # what follows an answer is nobody's
            if isinstance(error.__context__, OversizedError | MalformedError):
                raise error.__context__ from None
            raise MalformedError(f"it is no HTTP ({type(error).__name__})") from None

    def _end(self) -> None:
        if not self._has_begun:
            raise ConnectionResetError("the server hung up")
        delimited = self._headers.keys() & {"content-length", "transfer-encoding"}
        if not self._is_headed or delimited:
            raise MalformedError("it is cut short")
        self._finish()  # RFC 9112, 6.3: without a length it ends with the connection

    def on_message_begin(self) -> None:
        """Note an answer that nobody asked for, which must never be taken for another's."""
        if self.answer is not None:
            raise MalformedError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name all count (RFC 9110, 5.3), trailers never."""
        self._lines += 1
        if self._lines > _MOST_HEADERS:
            raise MalformedError("too many headers")
        if self._is_headed:
            return  # RFC 9110, 6.5: what comes after the body says nothing about it
        key, said = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        known = self._headers.get(key)
        self._headers[key] = said if known is None else f"{known}, {said}"

    def on_headers_complete(self) -> None:
        """Refuse what says beforehand that it is too big."""
        self._is_headed = True
        declared = self._headers.get("content-length", "0")
        self._refuse_if_bigger(int(declared) if declared.isdigit() else 0)

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._refuse_if_bigger(len(self._body) + len(data))
        self._body += data

    def on_message_complete(self) -> None:
        """Finish the answer, or go on to it after an interim one (RFC 9110, 15.2)."""
        if self._parser.get_status_code() < 200:
            self._headers, self._is_headed = {}, False
            return
        self.is_reusable = self._parser.should_keep_alive()
        self._finish()

    def _refuse_if_bigger(self, size: int) -> None:
        if size > self._most:
            raise OversizedError

    def _finish(self) -> None:
        coding = self._headers.get("content-encoding", "identity").lower()
        content = bytes(self._body) if coding in {"", "identity"} else self._decoded(coding)
        self.answer = Answer(self._parser.get_status_code(), self._headers, content)

    def _decoded(self, coding: str) -> bytes:
        """Decode what nobody asked to be encoded, as some servers do all the same."""
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise MalformedError("it is encoded in a way that nobody asked for")
        inflating = zlib.decompressobj(_ZLIB_OR_GZIP)
        try:
            content = inflating.decompress(self._body, self._most + 1)
        except zlib.error:
            raise MalformedError("its encoding is broken") from None
        self._refuse_if_bigger(len(content))
        if not inflating.eof or inflating.unused_data:
            raise MalformedError("its encoding is broken")
        return content

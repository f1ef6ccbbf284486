"""A request whose forms and cookies are read in one plain step."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import unquote_plus

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property

T = TypeVar("T")

URLENCODED = "application/x-www-form-urlencoded"


class FormRequest(Request):
    """Flask's request, with a short way for the forms that browsers send by default, and cookies.

    Werkzeug builds a parser for each request and decodes every name and value, whatever they
    hold. The limits on size are those of `stream`, and what comes out is the same. For the cookies
    it looks through all that the server says of the request; they have one name there.
    """

    @cached_property
    def args(self) -> ImmutableMultiDict[str, str]:
        """What stands in the query."""
        return ImmutableMultiDict(fields(self.query_string.decode()))

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that came with the request."""
        return cookies_of(self.environ, ImmutableMultiDict)

    def _load_form_data(self) -> None:
        if "form" in self.__dict__ or self.mimetype != URLENCODED:
            super()._load_form_data()
            return
        try:
            pairs = fields(self._get_stream_for_parsing().read().decode())
        except UnicodeDecodeError:
            pairs = []  # no text, so no form
        self.form = ImmutableMultiDict(pairs)
        self.files = ImmutableMultiDict()


def cookies_of(environ: Mapping[str, Any], kind: Callable[[list[tuple[str, str]]], T]) -> T:
    """Give the cookies of a request as `kind` makes them of names and values."""
    return cast("T", parse_cookie(environ.get("HTTP_COOKIE", ""), cls=cast("Any", kind)))


def fields(text: str) -> list[tuple[str, str]]:
    """Give the names and values of a form, in their order, as Werkzeug reads them."""
    text = text.replace("%40", "@")  # what nearly every form has to decode, and all of it
    pairs = [part.partition("=") for part in text.split("&") if part]
    if "%" in text or "+" in text:
        return [(_plain(name), _plain(value)) for name, _, value in pairs]
    return [pair[::2] for pair in pairs]


def _plain(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_plus(text, errors="werkzeug.url_quote")  # bytes that are no text stay encoded

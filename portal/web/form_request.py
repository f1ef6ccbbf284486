"""A request whose forms and cookies are read in one plain step."""

from collections.abc import Iterator
from urllib.parse import unquote_plus

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property

URLENCODED = "application/x-www-form-urlencoded"


class FormRequest(Request):
    """Flask's request, with a short way for the forms that browsers send by default, and cookies.

    Werkzeug builds a parser for each request and decodes every name and value, whatever they
    hold. The limits on size are those of `stream`, and what comes out is the same. For the cookies
    it looks through all that the server says of the request; they have one name there.
    """

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that came with the request."""
        sent = self.environ.get("HTTP_COOKIE", "")
        return parse_cookie(sent, cls=self.dict_storage_class)  # type: ignore[return-value]

    def _load_form_data(self) -> None:
        if "form" in self.__dict__ or self.mimetype != URLENCODED:
            super()._load_form_data()
            return
        try:
            pairs = list(fields(self._get_stream_for_parsing().read().decode()))
        except UnicodeDecodeError:
            pairs = []  # no text, so no form
        self.form = ImmutableMultiDict(pairs)
        self.files = ImmutableMultiDict()


def fields(text: str) -> Iterator[tuple[str, str]]:
    """Give the names and values of a form, in their order, as Werkzeug reads them."""
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield _plain(name), _plain(value)


def _plain(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_plus(text, errors="werkzeug.url_quote")  # bytes that are no text stay encoded

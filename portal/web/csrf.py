"""Forms of our own pages only: a signed double-submit token for each browser.

The browser keeps a random value in a cookie; each form carries that value's MAC. Whoever cannot
read the page cannot know the MAC, and whoever plants a cookie cannot compute it (OWASP,
Cross-Site Request Forgery Prevention: signed double-submit). Nothing is kept on the server, so a
form may be sent twice and any process may take it. Flask-WTF does the same over a signed session
that every request must then open: measured, a third of a sign-in's whole work.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, Response
from markupsafe import Markup
from werkzeug.exceptions import BadRequest

from portal.settings import Settings
from portal.web.context import cookie, kept
from portal.web.cookies import cookie_header

_LONGEST = 64
_MAC = 24  # bytes


class CsrfError(BadRequest):
    """The form's token is missing or stale, or another site sent the form."""


class FormTokens:
    """Makes and checks the tokens of one app."""

    def __init__(self, app: Flask, settings: Settings, *, key: bytes) -> None:
        self.cookie = "__Host-portal_form" if settings.is_https else "portal_form"
        self._base_url = settings.base_url
        self._is_https = settings.is_https
        self._key = key
        app.jinja_env.globals["csrf_field"] = self.field
        app.after_request(self._keep)

    def field(self) -> Markup:
        """Give the hidden field that every form of ours begins with."""
        return Markup(f'<input type="hidden" name="csrf_token" value="{self.token()}">')  # noqa: S704

    def token(self) -> str:
        """Give the token for this browser's forms."""
        here = kept()
        known: str | None = here.get("form_token")
        if known is None:
            value = cookie(self.cookie)
            if not 0 < len(value) <= _LONGEST:
                value = here.new_form_cookie = secrets.token_urlsafe(18)
            known = here.form_token = self._mac(value)
        return known

    def check(self, asked: Request) -> None:
        """Raise CsrfError unless this request is a form of one of our own pages."""
        if self.is_foreign(asked.environ):
            raise CsrfError("The form came from another site.")
        value = asked.cookies.get(self.cookie, "")
        if not self.is_right(asked.form.get("csrf_token", ""), value):
            raise CsrfError("The form's token is missing or stale.")

    def is_foreign(self, environ: Mapping[str, Any]) -> bool:
        """Whether a browser says that another site sent this form (Fetch Metadata, Origin)."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin != self._base_url:
            return True
        return environ.get("HTTP_SEC_FETCH_SITE", "none") not in {"same-origin", "none"}

    def is_right(self, given: str, value: str) -> bool:
        """Whether a form's token is the one of the cookie's value."""
        return bool(value) and given.isascii() and hmac.compare_digest(given, self._mac(value))

    def _mac(self, value: str) -> str:
        mac = hashlib.blake2b(value.encode(), key=self._key, digest_size=_MAC)  # RFC 7693, 2.9
        return mac.hexdigest()

    def _keep(self, response: Response) -> Response:
        value = kept().get("new_form_cookie", "")
        if value:
            response.headers.add(*cookie_header(self.cookie, value, is_https=self._is_https))
        return response

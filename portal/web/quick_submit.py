"""The sign-in form on its commonest way: an address, and on to its provider.

Most of what the portal does is this, and Flask's machinery would be half of it. What is decided is
decided by the same functions; whatever is not the plain case in every respect goes through Flask
as if this were not here (`portal.web.edge` and `portal.web.login`), with its answers to mistakes.
"""

import io
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from portal import tracing
from portal.core.address import Address, AddressError
from portal.core.redirects import safe_path
from portal.flows.outcomes import GoToProvider, Visitor
from portal.flows.signing.sign_in import SignIn, go_straight
from portal.observe import begin_request
from portal.services import Services
from portal.store.engine import DatabaseGoneError
from portal.web.csrf import FormTokens
from portal.web.form_request import URLENCODED, cookies_of, fields
from portal.web.identity import attempt_to_keep, superfluous_attempts

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_LONGEST = 4096  # bytes; a form with an address and a place to go on to is far shorter
_OTHERWISE = ("password", "connection", "toggle")  # with a value they make it another case
PASSED_GATE = "portal.passed_gate"  # what the gate said, where it was asked
DATABASE_GONE = "portal.database_gone"  # the error that was met, so that it is not waited for twice


class QuickSubmit:
    """Takes `POST /auth/login` in its plain case; hands on all else.

    `always` are the headers that every answer has.
    """

    def __init__(
        self,
        application: Application,
        services: Services,
        *,
        forms: FormTokens,
        hosts: Collection[str],
        always: Sequence[tuple[str, str]],
    ) -> None:
        self._application = application
        self._services = services
        self._forms = forms
        self._hosts = hosts
        self._always = always
        self._is_https = services.settings.is_https

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if (
            environ.get("PATH_INFO") == "/auth/login"
            and environ["REQUEST_METHOD"] == "POST"
            and not environ.get("SCRIPT_NAME")
            and (headers := self._answer(environ)) is not None
        ):
            start_response("302 FOUND", headers)
            return []
        return self._application(environ, start_response)

    def _answer(self, environ: Environ) -> list[tuple[str, str]] | None:
        """Give the headers of the redirect, None where this is not the plain case."""
        if environ.get("HTTP_HOST", "").lower() not in self._hosts or environ.get("QUERY_STRING"):
            return None
        form = _plain_form(environ)
        if form is None or self._forms.is_foreign(environ) or tracing.is_on():
            return None
        sent = cookies_of(environ, list)
        cookies = dict(reversed(sent))  # of several with one name the first counts
        if not self._forms.is_right(form["csrf_token"], cookies.get(self._forms.cookie, "")):
            return None
        if superfluous_attempts(cookies, is_https=self._is_https):
            return None
        outcome = self._go(form, environ)
        if outcome is None:
            return None
        return [
            ("Content-Length", "0"),
            ("Location", outcome.url),
            ("Content-Type", "text/html; charset=utf-8"),
            attempt_to_keep(outcome, is_https=self._is_https),
            *self._always,
        ]

    def _go(self, form: dict[str, str], environ: Environ) -> GoToProvider | None:
        at, network = self._services, environ.get("REMOTE_ADDR", "")
        try:
            address = Address.parse(form["email"])
        except AddressError:
            return None
        if at.settings.rate_limits:
            environ[PASSED_GATE] = at.gate.enter("submit", network)
            if environ[PASSED_GATE] is not None:
                return None
        sign_in = SignIn(
            address,
            wants_sso=form.get("is_sso") == "true",
            next=safe_path(form.get("next"), base_url=at.settings.base_url),
        )
        try:
            return go_straight(at, sign_in, Visitor(network=network, reference=begin_request()))
        except DatabaseGoneError as gone:
            environ[DATABASE_GONE] = gone
            return None


def _plain_form(environ: Environ) -> dict[str, str] | None:
    """Give the first value of each field of a small form, None where anything is unusual.

    What was read is left for others to read again.
    """
    length = environ.get("CONTENT_LENGTH", "")
    kind = environ.get("CONTENT_TYPE", "")
    if not (length.isascii() and length.isdigit()) or int(length) > _LONGEST:
        return None
    if kind != URLENCODED and kind.partition(";")[0].strip().lower() != URLENCODED:
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    if b"\0" in body or b"%00" in body:
        return None
    try:
        form = dict(reversed(fields(body.decode())))  # of several with one name the first counts
    except UnicodeDecodeError:
        return None
    if "email" not in form or "csrf_token" not in form:
        return None
    for name in _OTHERWISE:
        if form.get(name):
            return None
    return form

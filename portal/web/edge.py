"""What holds for every request: proxies, host, CSRF, headers, references."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, abort, g, request, url_for
from werkzeug.http import parse_list_header

from portal.crypto import derived_key
from portal.observe import begin_request
from portal.services import Services
from portal.settings import Settings
from portal.web.context import current_request
from portal.web.csrf import FormTokens
from portal.web.notices import NoticesInterface
from portal.web.quick_submit import QuickSubmit

LARGEST_FORM = 64 * 1024
_UPLOADS = re.compile(r"/admin/(tenants/[^/]+/)?domains/upload")
_LARGEST_UPLOAD = 2_500_000  # a file of 2 MB, and the form around it
ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self' {providers}"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Same-origin: providers get no referrer, and forms here still carry their Origin.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def guard(app: Flask, services: Services) -> None:
    """Put the edge around an app."""
    settings = services.settings
    forms = FormTokens(app, settings, key=derived_key(_secret(settings), "form"))
    own_hosts = _own_hosts(settings)
    always = _headers(settings)
    app.wsgi_app = QuickSubmit(  # type: ignore[method-assign]
        _Finish(app.wsgi_app, always), services, forms=forms, hosts=own_hosts, always=always
    )
    if settings.trusted_proxies:
        app.wsgi_app = Proxies(  # type: ignore[method-assign]
            app.wsgi_app, hops=settings.trusted_proxies
        )
    app.config.update(
        SECRET_KEY=_secret(settings),
        SESSION_COOKIE_NAME="__Host-portal_notice" if settings.is_https else "portal_notice",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_https,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=200,
    )
    app.session_interface = NoticesInterface()
    _before(app, own_hosts, forms)
    _after(app)


def largest_body(path: str) -> int:
    """Give how much may be sent to a page: a form, but to those that take files."""
    is_upload = path.startswith("/admin/") and _UPLOADS.fullmatch(path)
    return _LARGEST_UPLOAD if is_upload else LARGEST_FORM


def _secret(settings: Settings) -> str:
    return settings.secret_key.get_secret_value()


def _before(app: Flask, own_hosts: frozenset[str], forms: FormTokens) -> None:
    @app.before_request
    def begin() -> None:
        asked = current_request()
        g.reference = begin_request()
        asked.max_content_length = asked.max_form_memory_size = largest_body(asked.path)
        if asked.host.lower() not in own_hosts and not _is_for_any_host(asked.path):
            abort(421)
        if _holds_nul(asked) or not _is_text(asked.query_string):
            abort(400)  # no database takes it, and nobody means it

    @app.before_request
    def check_csrf() -> None:
        asked = current_request()
        if asked.method in {"GET", "HEAD", "OPTIONS"} or not asked.endpoint:
            return
        view = app.view_functions.get(asked.endpoint)
        if getattr(view, "takes_foreign_posts", False):
            return
        forms.check(asked)


def _is_for_any_host(path: str) -> bool:
    """Whether a path answers under any name: for machines, and for the page that says 421."""
    return path in ANY_HOST or path.startswith("/static/")


def _own_hosts(settings: Settings) -> frozenset[str]:
    """Give what a Host header may say: a proxy may add the port that the scheme has anyway."""
    usual_port = ":443" if settings.is_https else ":80"
    return frozenset({settings.host, settings.host + usual_port})


def _holds_nul(asked: Request) -> bool:
    if "\x00" in asked.path:
        return True
    if "%00" in asked.environ.get("QUERY_STRING", ""):
        return not asked.path.startswith("/auth/callback")  # ends at the sign-in page as ever
    return asked.method == "POST" and any("\x00" in value for value in asked.form.values())


def _headers(settings: Settings) -> list[tuple[str, str]]:
    """Give the headers that every answer has, unless it sets them itself."""
    # A form's redirect must be allowed too: sign-in and sign-out lead on to providers, which are
    # a million origins; a scheme is the narrowest list that does not name them.
    providers = "https: http:" if settings.allow_local_issuers else "https:"
    always = {**_HEADERS, "Content-Security-Policy": _POLICY.format(providers=providers)}
    if settings.is_https:
        always["Strict-Transport-Security"] = "max-age=31536000"
    return [*always.items(), ("Cache-Control", "no-store")]


def _is_text(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _after(app: Flask) -> None:
    @app.after_request
    def let_keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class Proxies:
    """Takes the word of so many proxies (`hops`) on who asks, by which scheme, and for which host.

    As Werkzeug's ProxyFix, which goes through each header letter by letter: more work than the
    rest of the edge. What is quoted, as no proxy writes it, is read by Werkzeug's own reader.
    """

    def __init__(self, application: Any, *, hops: int) -> None:
        self._application = application
        self._hops = hops

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request as the proxies tell of it."""
        if told := environ.get("HTTP_X_FORWARDED_FOR"):
            environ["REMOTE_ADDR"] = self._word(told) or environ.get("REMOTE_ADDR")
        if told := environ.get("HTTP_X_FORWARDED_PROTO"):
            environ["wsgi.url_scheme"] = self._word(told) or environ["wsgi.url_scheme"]
        if (told := environ.get("HTTP_X_FORWARDED_HOST")) and (host := self._word(told)):
            environ["HTTP_HOST"] = environ["SERVER_NAME"] = host
            if ":" in host and not host.endswith("]"):  # as IPv6 addresses without a port do
                environ["SERVER_NAME"], environ["SERVER_PORT"] = host.rsplit(":", 1)
        return self._application(environ, start_response)

    def _word(self, told: str) -> str | None:
        if '"' in told:
            words = parse_list_header(told)
        else:
            words = [word for part in told.split(",") if (word := part.strip(" \t"))]
        return words[-self._hops] if len(words) >= self._hops else None


class _Finish:
    """Adds headers to whatever leaves the app, where it has not set them itself.

    At this place they are a plain list: the same through Flask's response costs five times as much.
    """

    def __init__(self, application: Any, always: Sequence[tuple[str, str]]) -> None:
        self._application = application
        self._always = always
        self._keys = [name.lower() for name, _ in always]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request, its headers complete."""

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            has = {name.lower() for name, _ in headers}
            if "content-security-policy" in has:  # a page that some provider may frame
                has.add("x-frame-options")
            if has.isdisjoint(self._keys):
                headers += self._always
            else:
                keys = zip(self._keys, self._always, strict=True)
                headers += [header for key, header in keys if key not in has]
            return start_response(status, headers, *error)

        return self._application(environ, start)


def static_url_for(app: Flask) -> dict[str, str]:
    """Give the address of each static file, with its content's hash so that it may be cached."""
    folder = Path(app.static_folder or "")
    with app.test_request_context():
        return {
            file.name: url_for("static", filename=file.name)
            + "?v="
            + sha256(file.read_bytes()).hexdigest()[:12]
            for file in sorted(folder.iterdir())
            if file.is_file()
        }

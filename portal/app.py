"""The Flask app: blueprints, error handlers, templates; alone in knowing both web and admin."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import (
    Flask,
    Request,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_host

from admin import blueprint as admin_pages
from admin import setup_blueprint as setup_pages
from portal.observe import log
from portal.services import Services
from portal.store.engine import DatabaseGoneError
from portal.web import account, failures, login, ops, sso, welcome
from portal.web.context import reference, services
from portal.web.csrf import CsrfError
from portal.web.edge import guard, static_url_for
from portal.web.form_request import FormRequest
from portal.web.identity import current_session, go_to_sign_in
from portal.web.pages import ErrorPage, Link
from portal.web.templating import Templates, template_folder

_PACKAGE = Path(__file__).parent


class _Portal(Flask):
    """Flask without its questions, five at every request, whether a function is a coroutine."""

    jinja_environment = Templates

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Give what matches a request's path, without Flask's looks for sub-domains.

        Raises SecurityError where the Host header holds what no host's name does.
        """
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        request.host = get_host(environ)
        query = environ.get("QUERY_STRING", "").encode("latin1").decode(errors="replace")
        return MapAdapter(
            self.url_map,
            server_name=request.host,
            script_name=environ.get("SCRIPT_NAME", "") or "/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=request.path,
            default_method=request.method,
            query_args=query,
        )

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add nothing: a page is given all that it shows."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function: none here is asynchronous."""
        return func


def create_app(built: Services) -> Flask:
    """Build the app around its services."""
    app = _Portal(
        "portal",
        static_folder=str(_PACKAGE / "static"),
        template_folder=str(template_folder()),
        root_path=str(_PACKAGE),
    )
    app.request_class = FormRequest
    app.extensions["portal"] = built
    guard(app, built)
    for module in (login, sso, account, welcome, ops):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(admin_pages)
    app.register_blueprint(setup_pages)
    app.jinja_env.filters["static_url"] = static_url_for(app).__getitem__
    _add_error_pages(app)
    return app


def _add_error_pages(app: Flask) -> None:
    @app.errorhandler(CsrfError)
    def form_again(error: CsrfError) -> Any:
        if request.endpoint == "login.submit":
            return login.form_again(error)
        view = app.view_functions.get(request.endpoint or "")
        if getattr(view, "needs_session", False) and current_session() is None:
            return go_to_sign_in()
        return _page(400, text="The form had been open for too long. Open it again and retry.")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        response = _own_word(error.code) or _page(error.code)
        if error.code == 405 and getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return response

    @app.errorhandler(DatabaseGoneError)
    def unavailable(error: DatabaseGoneError) -> Response:
        log.error("database.gone", cause=str(error), reference=_reference())
        response = _page(503)
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(Exception)
    def broke(error: Exception) -> Response:
        # The kind and place of the error, never its text: that may hold what was sent.
        log.error(
            "request.broke", error=type(error).__name__, reference=_reference(), where=_where(error)
        )
        return _page(500)

    @app.route("/login/")
    def slash() -> Response:
        return redirect("/login", 302)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _reference() -> str:
    return reference() if hasattr(g, "reference") else ""


def _page(status: int, *, text: str = "") -> Response:
    words = failures.ERROR_PAGES.get(status) or failures.ERROR_PAGES[400 if status < 500 else 500]
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "answers_json", False):
        error = "invalid_request" if status < 500 else "server_error"
        return make_response(jsonify(error=error, error_description=words.title), status)
    page = ErrorPage(
        status=status,
        title=words.title,
        text=text or words.text,
        reference=_reference(),
        link=_way_on(status),
    )
    response = Response(render_template("errors/page.html", page=page), status)
    response.content_type = "text/html; charset=utf-8"
    return response


def _own_word(status: int) -> Response | None:
    """Give what a page that takes files says by itself of one that is too large."""
    view = current_app.view_functions.get(request.endpoint or "")
    say = getattr(view, "on_too_large", None)
    return say() if say is not None and status == 413 else None


def _way_on(status: int) -> Link:
    if status == 421:
        return Link(services().settings.base_url + "/login", "Go to the portal")
    if status in {403, 404, 405} and current_session() is not None:
        return Link("/dashboard", "Go to your dashboard")
    return Link("/login", "Go to the sign-in page")

"""A span for each request, where traces are collected."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, request

from portal.tracing import describe_request, request_span
from portal.web.context import reference

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def trace_requests(app: Flask) -> None:
    """Put a span around whatever the app answers."""
    answer = app.wsgi_app

    def traced(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        with request_span(method if method in _METHODS else "_OTHER") as span:

            def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                span.set_attribute("http.response.status_code", int(status[:3]))
                return start_response(status, headers, exc_info)

            return answer(environ, begin)

    app.wsgi_app = traced  # type: ignore[method-assign]

    @app.after_request
    def name(response: Response) -> Response:
        if request.url_rule is not None:  # the rule, never the path: that may hold what is secret
            rule = request.url_rule.rule
            describe_request(
                f"{request.method} {rule}",
                **{"http.route": rule, "portal.reference": reference()},
            )
        return response

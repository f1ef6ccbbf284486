"""Redirects to addresses that are whole and plain already."""

from typing import Any

from flask import Response


class Onward(Response):
    """A redirect whose Location goes out as it stands.

    Werkzeug parses and re-encodes every Location for addresses that people wrote. Ours are ASCII
    URLs made by `authorization_url` or paths made by `safe_path`; twice the work would prove that
    again at every sign-in.
    """

    def __init__(self, location: str, status: int) -> None:
        headers = [("Location", location), ("Content-Length", "0")]
        super().__init__(None, status, headers, content_type="text/html; charset=utf-8")

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answer with the headers unchanged, and no body."""
        del environ
        start_response(self.status, self.headers.to_wsgi_list())
        return []

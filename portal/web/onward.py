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
        super().__init__("", status)
        self.headers["Location"] = location
        self.headers["Content-Length"] = "0"

    def get_wsgi_headers(self, environ: Any) -> Any:
        """Give the headers unchanged."""
        del environ
        return self.headers

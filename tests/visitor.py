"""A person with a browser: opens pages, fills forms, follows the provider and comes back."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from werkzeug.test import TestResponse

from portal.core.errors import FailureCode
from portal.web.failures import WORDS
from portal.web.identity import SESSION_COOKIE

BASE = "http://localhost:5000"


class Visitor:
    """One browser with its own cookies, at a portal that runs in this process."""

    def __init__(self, app: Flask, base: str = BASE) -> None:
        self.base = base
        self.client = app.test_client()

    def get(self, path: str, **values) -> TestResponse:
        return self.client.get(path, base_url=self.base, **values)

    def post(self, path: str, data: dict[str, str] | None = None, **values) -> TestResponse:
        """Send a form of the page, with its CSRF token."""
        form = {"csrf_token": self.csrf_token(), **(data or {})}
        return self.client.post(path, base_url=self.base, data=form, **values)

    def csrf_token(self, page: str = "/login") -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert found, "the page has no CSRF token"
        return unescape(found[1])

    def submit(self, email: str, password: str = "", **fields: str) -> TestResponse:
        """Send the sign-in form."""
        form = {"email": email, "password": password, "is_sso": "false", **fields}
        return self.post("/auth/login", form)

    def at_provider(self, response: TestResponse) -> str:
        """Go where the portal sent us, and give where the provider sends us back."""
        assert response.status_code == 302, response.text
        answer = requests.get(response.location, allow_redirects=False, timeout=10)
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"]

    def come_back(self, location: str) -> TestResponse:
        """Follow the provider's redirect to the portal."""
        parts = urlsplit(location)
        assert f"{parts.scheme}://{parts.netloc}" == self.base, location
        return self.get(f"{parts.path}?{parts.query}")

    def sign_in_by_sso(self, email: str, **fields: str) -> TestResponse:
        """The whole way: submit, provider, callback."""
        return self.come_back(self.at_provider(self.submit(email, **fields)))

    @property
    def session_token(self) -> str | None:
        cookie = self.client.get_cookie(SESSION_COOKIE, domain=urlsplit(self.base).hostname)
        return cookie.value if cookie else None

    @property
    def is_signed_in(self) -> bool:
        return self.get("/dashboard").status_code == 200


def query_of(location: str) -> dict[str, str]:
    """Give the query of a redirect; no parameter may stand twice."""
    values = parse_qs(urlsplit(location).query, keep_blank_values=True)
    assert all(len(found) == 1 for found in values.values()), location
    return {name: found[0] for name, found in values.items()}


def refused_at_submit(response: TestResponse, code: FailureCode | str) -> bool:
    """Whether the form's answer is the page again with the words of this code and a reference."""
    text = unescape(response.text)
    return (
        response.status_code == 200
        and WORDS[FailureCode(code)].title in text
        and "Reference" in text
    )


def error_of(response: TestResponse) -> str:
    """Give the code with which a sign-in ended at the sign-in page."""
    assert response.status_code == 302, response.status_code
    assert urlsplit(response.location).path == "/login", response.location
    return query_of(response.location)["error"]

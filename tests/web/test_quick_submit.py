"""The quick way of the commonest sign-in gives the very answers of the long way through Flask."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal import tracing
from portal.app import create_app
from portal.services import Services, build_services
from portal.settings import Settings
from portal.store.engine import DatabaseGoneError
from portal.store.tables import AUDIT
from portal.store.watch_tables import STARTED_SIGN_INS
from portal.throttle import GATES
from portal.web.quick_submit import QuickSubmit
from tests.builders import add_client, add_connection, add_domain, add_tenant
from tests.visitor import BASE, Visitor, query_of
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("registry")

ANN = "ann@acme.example"
_OF_THIS_REQUEST = re.compile(
    r"(?<=state=)[^&;]+|(?<=nonce=)[^&;]+|(?<=code_challenge=)[^&;]+"
    r"|portal_attempt_\w+=[^;]+|[A-Z0-9]{4}-[A-Z0-9]{4}|(?<=error=)[\w-]+"
    r"|(?<=portal_form=)[^;]+|(?<=csrf_token\" value=\")[^\"]+"
)
Answer = tuple[int, list[tuple[str, str]], str]


class Ways:
    """Sends a request on both ways; `was_quick` says whether the quick one took the last."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self._client = app.test_client(use_cookies=False)
        browser = Visitor(app)
        self.token = browser.csrf_token()
        cookie = browser.client.get_cookie("portal_form")
        assert cookie is not None
        self.cookie = f"portal_form={cookie.value}"
        self.was_quick = False
        self._is_open = True
        answer = QuickSubmit._answer

        def seen(quick: QuickSubmit, environ: dict[str, Any]) -> list[tuple[str, str]] | None:
            given = answer(quick, environ) if self._is_open else None
            self.was_quick = given is not None
            return given

        monkeypatch.setattr(QuickSubmit, "_answer", seen)

    def send(self, *, quick: bool, **changes: Any) -> Answer:
        """Send the form; give status, headers and page, less what each request has of its own."""
        self._is_open = quick
        fields = {"csrf_token": self.token, "email": ANN, "password": "", "is_sso": "false"}
        fields |= {"next": "", **changes.pop("fields", {})}
        kept = [(name, value) for name, value in fields.items() if value is not None]
        values: dict[str, Any] = {
            "base_url": BASE,
            "data": urlencode([*kept, *changes.pop("more", [])]),
            "content_type": "application/x-www-form-urlencoded",
            "headers": {"Cookie": self.cookie, **changes.pop("headers", {})},
            **changes,
        }
        answer = self._client.post(values.pop("path", "/auth/login"), **values)
        headers = [(k, _OF_THIS_REQUEST.sub("…", v)) for k, v in answer.headers]
        return answer.status_code, sorted(headers), _OF_THIS_REQUEST.sub("…", answer.text)

    def compare(self, **changes: Any) -> Answer:
        long = self.send(quick=False, **changes)
        short = self.send(quick=True, **changes)
        assert short == long
        return short


@pytest.fixture
def ways(app: Flask, registry: Any, monkeypatch: pytest.MonkeyPatch) -> Ways:
    ways = Ways(app, monkeypatch)
    ways.send(quick=False)  # has the provider's metadata fetched
    return ways


QUICK: dict[str, dict[str, Any]] = {
    "the plain form": {},
    "SSO asked for": {"fields": {"is_sso": "true"}},
    "an address in other letters": {"fields": {"email": "  Ann@ACME.Example "}},
    "a place to go on to": {"fields": {"next": "/admin/?a=1&b=2"}},
    "a place elsewhere": {"fields": {"next": "https://evil.example/"}},
    "our own origin": {"headers": {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}},
    "a host in capitals": {"headers": {"Host": "LOCALHOST:5000"}},
    "a character set": {"content_type": "application/x-www-form-urlencoded; charset=utf-8"},
    "a field twice": {"more": [("email", "bob@globex.example"), ("csrf_token", "x")]},
    "a field that nobody knows": {"more": [("color", "blue"), ("color", "")]},
    "other cookies": {"headers": {"Cookie": None}},
    "a cookie of bytes that are no text": {"headers": {"Cookie": None}},
    "the form's cookie before another of its name": {"headers": {"Cookie": None}},
}
SLOW: dict[str, dict[str, Any]] = {
    "no token": {"fields": {"csrf_token": None}},
    "a wrong token": {"fields": {"csrf_token": "x" * 43}},
    "a token that is no ASCII": {"fields": {"csrf_token": "ä"}},
    "no cookie": {"headers": {"Cookie": ""}},
    "another cookie": {"headers": {"Cookie": "portal_form=abc"}},
    "another site's origin": {"headers": {"Origin": "https://evil.example"}},
    "another site's fetch": {"headers": {"Sec-Fetch-Site": "cross-site"}},
    "another host": {"headers": {"Host": "evil.example"}},
    "no host": {"headers": {"Host": ""}},
    "a password": {"fields": {"password": PASSWORD}},
    "a password that is a space": {"fields": {"password": " "}},
    "a connection": {"fields": {"connection": "acme/okta"}},
    "a connection's name alone": {"fields": {"connection": "okta"}},
    "the toggle": {"fields": {"toggle": "sso"}},
    "no address": {"fields": {"email": None}},
    "an empty address": {"fields": {"email": ""}},
    "no e-mail address": {"fields": {"email": "ann"}},
    "a NUL": {"fields": {"email": "ann\0@acme.example"}},
    "a NUL in a field that nobody knows": {"more": [("color", "\0")]},
    "a form of bytes that are no text": {"data": b"email=ann%40acme.example&csrf_token=\xff"},
    "a form that is too long": {"more": [("color", "x" * 5000)]},
    "a form of an unusual kind": {"content_type": "text/plain"},
    "no kind": {"content_type": ""},
    "a query": {"path": "/auth/login?email=x"},
    "a NUL in the query": {"path": "/auth/login?x=%00"},
    "the path with a slash": {"path": "/auth/login/"},
    "a folder": {"environ_overrides": {"SCRIPT_NAME": "/x"}},
    "a domain with a password": {"fields": {"email": "peter@initech.example"}},
    "a domain with a choice": {"fields": {"email": "bob@globex.example"}},
    "a domain that nobody knows": {"fields": {"email": "x@nobody.example"}},
    "SSO where there is none": {"fields": {"email": "x@nobody.example", "is_sso": "true"}},
    "an exempt person": {"fields": {"email": "it@acme.example"}},
    "a tenant that is suspended": {"fields": {"email": "a@dark.example", "is_sso": "true"}},
    "a connection that is off": {"fields": {"email": "a@off.example", "is_sso": "true"}},
    "a provider that nobody asked yet": {"fields": {"email": "a@new.example"}},
}


@pytest.fixture
def more_tenants(services: Services) -> None:
    with services.database.transaction() as connection:
        dark = add_tenant(connection, "dark", status="suspended")
        add_domain(
            connection,
            dark,
            "dark.example",
            connections=(add_connection(connection, dark),),
            policy="required",
        )
        off = add_tenant(connection, "off")
        out = add_connection(connection, off, enabled=False)
        add_domain(connection, off, "off.example", connections=(out,), policy="required")
        new = add_tenant(connection, "new")
        client = add_client(connection, new, issuer="http://127.0.0.1:9")
        added = add_connection(connection, new, client_id=client)
        add_domain(connection, new, "new.example", connections=(added,), policy="required")


@pytest.mark.parametrize("case", QUICK)
def test_plain_form_goes_the_quick_way_to_the_same_answer(ways: Ways, case: str):
    changes = dict(QUICK[case])
    attempts = "; ".join(f"portal_attempt_{n}=x" for n in range(7))
    cookies = {
        "other cookies": f"a=b; {ways.cookie}; portal_session=x; {attempts}",
        "a cookie of bytes that are no text": f"a=\xff; {ways.cookie}",
        "the form's cookie before another of its name": f"{ways.cookie}; portal_form=abc",
    }
    if case in cookies:
        changes["headers"] = {"Cookie": cookies[case]}
    status, headers, _ = ways.compare(**changes)
    assert ways.was_quick
    assert status == 302
    assert sum(name == "Set-Cookie" for name, _ in headers) == 1


@pytest.mark.usefixtures("more_tenants")
@pytest.mark.parametrize("case", SLOW)
def test_all_else_is_answered_by_flask_as_if_there_were_no_quick_way(ways: Ways, case: str):
    ways.compare(**SLOW[case])
    assert not ways.was_quick


def test_ninth_attempt_of_a_browser_takes_the_oldest_back(ways: Ways):
    attempts = "; ".join(f"portal_attempt_{n}=x" for n in range(8))
    _, headers, _ = ways.compare(headers={"Cookie": f"{ways.cookie}; {attempts}"})
    assert not ways.was_quick
    assert sum(name == "Set-Cookie" for name, _ in headers) == 2


@settings(max_examples=60)
@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_body_whatever_is_answered_otherwise(ways: Ways, body: bytes):
    ways.compare(data=body)


@settings(max_examples=60)
@given(
    email=st.text(st.characters(codec="utf-8"), max_size=30),
    next_path=st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_no_address_or_place_is_answered_otherwise(ways: Ways, email: str, next_path: str):
    ways.compare(fields={"email": email + "@acme.example", "next": next_path})


def test_attempt_of_the_quick_way_is_one_that_comes_back(app: Flask, ways: Ways, visitor: Visitor):
    answer = visitor.sign_in_by_sso(ANN, next="/dashboard?x=1")
    assert answer.status_code == 303
    assert answer.location.endswith("/dashboard?x=1")
    assert visitor.is_signed_in


def test_each_submit_counts_once_whichever_way_it_goes(ways: Ways, monkeypatch: pytest.MonkeyPatch):
    limits = {**GATES, "submit": 7}  # the fixture has sent one
    monkeypatch.setattr("portal.throttle.GATES", limits)
    for _ in range(3):
        assert ways.send(quick=True)[0] == 302
        assert ways.send(quick=True, fields={"email": "peter@initech.example"})[0] == 200
    assert ways.send(quick=True)[0] == 429
    assert ways.send(quick=True, fields={"email": "peter@initech.example"})[0] == 429


def test_nothing_is_written_down_twice_where_the_quick_way_ends_early(
    ways: Ways, services: Services, more_tenants: None
):
    def entries() -> int:
        with services.database.read() as connection:
            return connection.execute(select(func.count()).select_from(AUDIT)).scalar_one()

    before = entries()
    ways.send(quick=True, fields={"email": "a@off.example", "is_sso": "true"})
    assert entries() == before + 1


def test_database_that_is_gone_is_waited_for_once(
    ways: Ways, services: Services, monkeypatch: pytest.MonkeyPatch
):
    asked: list[object] = []

    def gone(*names: object) -> Any:
        asked.append(names)
        raise DatabaseGoneError("OperationalError")

    monkeypatch.setattr(type(services.database), "fetch", gone)
    status, headers, page = ways.send(quick=True)
    assert status == 503
    assert ("Retry-After", "5") in headers
    assert "Reference" in page
    assert len(asked) == 1


def test_traced_requests_go_through_flask(ways: Ways, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracing, "is_on", lambda: True)
    assert ways.send(quick=True)[0] == 302
    assert not ways.was_quick


def test_https_attempts_are_bound_to_the_host(
    services: Services, make_settings: Callable[..., Settings]
):
    on_https = make_settings(
        PORTAL_BASE_URL="https://login.example",
        PORTAL_DATABASE_URL=services.database.url.render_as_string(hide_password=False),
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
    )
    built = build_services(on_https, passwords=services.passwords)
    browser = Visitor(create_app(built), base="https://login.example")
    for _ in range(2):
        answer = browser.submit(ANN)
        assert answer.status_code == 302
        (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if "attempt" in c]
        assert cookie.startswith("__Host-portal_attempt_")
        assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
        assert answer.headers["Strict-Transport-Security"]
    assert query_of(answer.location)["login_hint"] == ANN
    built.close()


def test_quick_way_knows_people_by_the_word_of_trusted_proxies(
    services: Services, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
):
    behind_a_proxy = make_settings(
        PORTAL_DATABASE_URL=services.database.url.render_as_string(hide_password=False),
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        PORTAL_TRUSTED_PROXIES="1",
    )
    built = build_services(behind_a_proxy, passwords=services.passwords)
    ways = Ways(create_app(built), monkeypatch)
    ways.send(quick=False)
    monkeypatch.setattr("portal.throttle.GATES", {**GATES, "submit": 1})
    forwarded = [{"X-Forwarded-For": f"198.51.100.7, 203.0.113.{n}"} for n in (1, 2)]
    for headers in forwarded:
        assert ways.send(quick=True, headers=headers)[0] == 302
        assert ways.was_quick
    assert ways.send(quick=True, headers=forwarded[0])[0] == 429
    with built.database.read() as connection:
        built.started.flush(now=built.now())
        networks = set(connection.execute(select(STARTED_SIGN_INS.c.network)).scalars())
    assert networks >= {"203.0.113.1", "203.0.113.2"}
    built.close()

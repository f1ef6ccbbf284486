"""What holds for every page: headers, host, cookies, errors in plain words."""

import re

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.app import create_app
from portal.core.errors import FailureCode
from portal.services import build_services
from portal.web.edge import Proxies
from portal.web.failures import ERROR_PAGES, WORDS
from tests.visitor import Visitor


@pytest.fixture
def https_visitor(make_settings, sqlite_database, cheap_passwords) -> Visitor:
    settings = make_settings(
        PORTAL_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False),
        PORTAL_BASE_URL="https://login.example",
        PORTAL_TRUSTED_PROXIES="1",
    )
    return Visitor(
        create_app(build_services(settings, passwords=cheap_passwords)), "https://login.example"
    )


def test_every_failure_code_has_words():
    assert set(WORDS) == set(FailureCode)
    for words in (*WORDS.values(), *ERROR_PAGES.values()):
        assert words.title
        assert words.text.endswith(".")


@pytest.mark.parametrize("path", ["/login", "/dashboard", "/nowhere", "/auth/logged-out"])
def test_pages_bear_the_headers_of_a_front_door(visitor: Visitor, path: str):
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_static_files_may_be_cached_by_their_content(visitor: Visitor):
    page = visitor.get("/login").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "?v=" in address
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    answer.close()


def test_form_may_lead_on_to_providers_by_https_only(visitor, https_visitor):
    policy = https_visitor.get("/login").headers["Content-Security-Policy"]
    assert "form-action 'self' https:" in policy
    assert "http:" not in policy.partition("form-action")[2]


def test_https_makes_cookies_secure_and_bound_to_the_host(https_visitor: Visitor):
    answer = https_visitor.get("/login")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal_form=")
    assert "Secure" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_another_host_name_is_refused_with_the_right_one(visitor: Visitor):
    answer = visitor.client.get("/login", base_url="http://evil.example")
    assert answer.status_code == 421
    assert "http://localhost:5000/login" in answer.text
    assert "evil.example" not in answer.text


def test_page_under_another_host_name_has_its_looks(visitor: Visitor):
    page = visitor.client.get("/login", base_url="http://evil.example").text
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    with visitor.client.get(style, base_url="http://evil.example") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")


@pytest.mark.parametrize("host", ["login.example", "LOGIN.Example", "login.example:443"])
def test_host_counts_in_any_case_and_with_the_usual_port(https_visitor: Visitor, host: str):
    for scheme in ("http", "https"):
        answer = https_visitor.client.get("/login", base_url=f"{scheme}://{host}")
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_answers_under_any_host(visitor: Visitor, path: str):
    assert visitor.client.get(path, base_url="http://10.0.0.7").status_code == 200


def test_forwarded_headers_count_only_from_trusted_proxies(visitor, https_visitor):
    untrusted = visitor.get("/login", headers={"X-Forwarded-Host": "evil.example"})
    assert untrusted.status_code == 200
    behind = https_visitor.client.get(
        "/login",
        base_url="http://10.0.0.7",
        headers={"X-Forwarded-Host": "login.example", "X-Forwarded-Proto": "https"},
    )
    assert behind.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/auth/backchannel-logout", 405),
        ("POST", "/dashboard", 405),
        ("GET", "/auth/frontchannel-logout", 400),
        ("GET", "/login/no-such-tenant", 404),
        ("GET", "/login/" + "x" * 500, 404),
    ],
)
def test_errors_are_pages_of_our_own_with_a_way_on(visitor, method, path, status):
    call = visitor.get if method == "GET" else visitor.post
    answer = call(path)
    assert answer.status_code == status
    assert "Reference" in answer.text
    assert "/login" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/auth/discover", "/auth/backchannel-logout"])
def test_what_programs_call_refuses_too_much_in_json(visitor: Visitor, path: str):
    answer = visitor.client.post(
        path, data={"logout_token": "x" * 2_000_000}, base_url="http://localhost:5000"
    )
    assert answer.status_code == 413
    assert answer.json["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"


def test_switched_off_and_never_set_up_are_told_apart(visitor: Visitor):
    assert "set up" not in WORDS[FailureCode.SSO_UNAVAILABLE].text


def test_bug_shows_a_page_and_logs_no_text_of_the_error(app: Flask, capsys):
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("planted-secret")

    answer = Visitor(app).get("/broken")
    assert answer.status_code == 500
    assert "planted-secret" not in answer.text + "".join(capsys.readouterr())


def test_signed_out_person_is_led_to_sign_in_and_back(visitor: Visitor):
    answer = visitor.get("/dashboard?tab=2")
    assert answer.location == "/login?next=%2Fdashboard%3Ftab%3D2"


def test_person_whose_session_is_gone_is_told_so(visitor: Visitor):
    visitor.client.set_cookie("portal_session", "gone", domain="localhost")
    answer = visitor.get("/dashboard")
    assert answer.location == "/login?error=session_expired&next=%2Fdashboard"
    assert "been signed out" in visitor.get(answer.location).text


def test_form_posted_after_the_session_ended_leads_to_sign_in(visitor: Visitor):
    visitor.client.set_cookie("portal_session", "gone", domain="localhost")
    answer = visitor.post(
        "/auth/sessions/abc/revoke", headers={"Referer": "http://localhost:5000/dashboard"}
    )
    assert answer.status_code == 302
    assert answer.location == "/login?error=session_expired&next=%2Fdashboard"


def test_address_of_the_form_leads_to_its_page(visitor: Visitor):
    assert visitor.get("/auth/login?next=/dashboard").location == "/login?next=/dashboard"


@pytest.mark.parametrize("name", ["email", "login_hint"])
def test_address_in_the_query_is_filled_in(visitor: Visitor, name: str):
    page = visitor.get(f"/login?{name}=Ann@ACME.example&next=/dashboard?x=1").text
    assert 'value="Ann@acme.example"' in page


@pytest.mark.parametrize("value", ["<b>x</b>", "no-address", "a@b"])
def test_what_is_no_address_in_the_query_is_not_shown(visitor: Visitor, value: str):
    page = visitor.get("/login", query_string={"email": value}).text
    assert value not in page


def test_blank_sign_in_page_is_the_same_for_everybody_but_for_the_token_of_its_form(app: Flask):
    one, other = Visitor(app), Visitor(app)
    pages = {who: (who.csrf_token(), who.get("/login").text) for who in (one, other)}
    (a, first), (b, second) = pages.values()
    assert a != b
    assert first.replace(a, "") == second.replace(b, "")
    for who in (one, other):
        assert who.submit("no address").status_code == 200  # and 400 with another's token
    assert one.get("/login?email=ann@acme.example").text != first
    assert "ann@acme.example" not in one.get("/login").text


TOLD = st.none() | st.text(alphabet='a1.:,"\\ \t[]', max_size=20)
BY_PROXIES = st.fixed_dictionaries(dict.fromkeys(("FOR", "PROTO", "HOST"), TOLD))


@given(told=BY_PROXIES, hops=st.integers(1, 3))
@example(told={"FOR": "192.0.2.7, 198.51.100.9", "PROTO": "https", "HOST": "[2001:db8::1]"}, hops=1)
@example(told={"FOR": "", "PROTO": ",", "HOST": "portal.example:8443"}, hops=1)
def test_word_of_proxies_is_taken_as_werkzeug_takes_it(told, hops):
    def asked_by(kind, **trusted):
        seen = {}
        environ = {
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "localhost:5000",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "5000",
        }
        environ |= {
            f"HTTP_X_FORWARDED_{name}": word for name, word in told.items() if word is not None
        }
        kind(lambda environ, _: seen.update(environ), **trusted)(environ, None)
        seen.pop("werkzeug.proxy_fix.orig", None)
        return seen

    theirs = asked_by(ProxyFix, x_for=hops, x_proto=hops, x_host=hops)
    assert asked_by(Proxies, hops=hops) == theirs


@pytest.mark.parametrize("path", ["/login", "/static/portal.css", "/nowhere", "/healthz"])
def test_no_header_stands_twice(visitor: Visitor, path: str):
    with visitor.get(path) as answer:
        names = [name.lower() for name, _ in answer.headers if name != "Set-Cookie"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", ["/login", "/auth/callback", "/dashboard", "/nowhere"])
def test_query_of_bytes_that_are_no_text_is_refused(visitor: Visitor, path: str):
    asked = {"QUERY_STRING": "email=\xff"}
    answer = visitor.client.get(path, base_url="http://localhost:5000", environ_overrides=asked)
    assert answer.status_code == 400
    assert "Reference" in answer.text

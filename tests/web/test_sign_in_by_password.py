"""Signing in with a password, as a person does it."""

import pytest

from tests.visitor import Visitor
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("registry")


def test_right_password_leads_to_the_dashboard(visitor: Visitor):
    response = visitor.submit("peter@initech.example", PASSWORD)
    assert (response.status_code, response.location) == (303, "/dashboard")
    page = visitor.get("/dashboard")
    assert page.status_code == 200
    for fact in ("Peter", "peter@initech.example", "Initech", "Password"):
        assert fact in page.text


def test_next_leads_on(visitor: Visitor):
    response = visitor.submit("peter@initech.example", PASSWORD, next="/dashboard?tab=2")
    assert response.location == "/dashboard?tab=2"


def test_next_never_leads_out(visitor: Visitor):
    response = visitor.submit("peter@initech.example", PASSWORD, next="//evil.example")
    assert response.location == "/dashboard"


@pytest.mark.parametrize("email", ["peter@initech.example", "nobody@initech.example"])
def test_unknown_address_and_wrong_password_look_the_same(visitor: Visitor, email: str):
    response = visitor.submit(email, "wrong")
    assert response.status_code == 200
    assert "don’t match" in response.text
    assert not visitor.is_signed_in
    visitor_text = response.text.replace(email, "X")
    other = visitor.submit("other@initech.example", "wrong").text
    assert _without_tokens(visitor_text) == _without_tokens(
        other.replace("other@initech.example", "X")
    )


def _without_tokens(text: str) -> str:
    lines = [line for line in text.splitlines() if "csrf_token" not in line]
    return "\n".join(lines)


def test_address_alone_is_asked_for_the_password(visitor: Visitor):
    response = visitor.submit("peter@initech.example")
    assert response.status_code == 200
    assert "Enter your password" in response.text
    assert 'value="peter@initech.example"' in response.text


def test_address_is_compared_without_case(visitor: Visitor):
    assert visitor.submit("PETER@INITECH.example", PASSWORD).status_code == 303


def test_every_sign_in_gets_a_new_session_and_ends_the_one_before(visitor: Visitor):
    visitor.submit("peter@initech.example", PASSWORD)
    first = visitor.session_token
    visitor.submit("peter@initech.example", PASSWORD)
    assert visitor.session_token != first
    visitor.client.set_cookie("portal_session", first or "", domain="localhost")
    assert not visitor.is_signed_in


def test_session_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor):
    response = visitor.submit("peter@initech.example", PASSWORD)
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if "portal_session" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_sso_asked_for_where_there_is_none_says_so(visitor: Visitor):
    response = visitor.submit("peter@initech.example", is_sso="true")
    assert response.status_code == 200
    assert "isn’t set up" in response.text


def test_eleventh_wrong_password_is_throttled_and_the_right_one_too(visitor: Visitor):
    for _ in range(10):
        assert visitor.submit("peter@initech.example", "wrong").status_code == 200
    response = visitor.submit("peter@initech.example", PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert "Too many tries" in response.text
    assert visitor.submit("bob@globex.example", PASSWORD).status_code == 303


def test_right_passwords_do_not_count_against_the_limit(visitor: Visitor):
    for _ in range(12):
        assert visitor.submit("peter@initech.example", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "email",
    ["", "peter", "a@b@c", "peter@", "@initech.example", "x" * 10_000 + "@initech.example"],
)
def test_what_is_no_address_gets_the_page_again_with_words(visitor: Visitor, email: str):
    response = visitor.submit(email, PASSWORD)
    assert response.status_code == 200
    assert 'id="email-error"' in response.text
    assert PASSWORD not in response.text


def test_form_larger_than_any_form_gets_a_page(visitor: Visitor):
    response = visitor.submit("a@initech.example", "x" * 100_000)
    assert response.status_code == 413
    assert "Reference" in response.text


def test_stale_csrf_token_gets_the_form_again_with_what_was_typed(visitor: Visitor):
    visitor.get("/login")
    response = visitor.client.post(
        "/auth/login",
        base_url=visitor.base,
        data={
            "email": "peter@initech.example",
            "password": PASSWORD,
            "next": "/dashboard?x=1",
            "csrf_token": "stale",
        },
    )
    assert response.status_code == 400
    assert 'value="peter@initech.example"' in response.text
    assert "/dashboard?x=1" in response.text
    assert PASSWORD not in response.text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_form_from_another_site_signs_nobody_in(visitor: Visitor, headers: dict[str, str]):
    token = visitor.csrf_token()
    response = visitor.client.post(
        "/auth/login",
        base_url=visitor.base,
        headers=headers,
        data={"email": "peter@initech.example", "password": PASSWORD, "csrf_token": token},
    )
    assert response.status_code == 400
    assert not visitor.is_signed_in


def test_toggle_without_javascript_shows_the_other_mode(visitor: Visitor):
    response = visitor.submit("peter@initech.example", "typed", toggle="sso")
    assert "Continue with SSO" in response.text
    assert "Back to Password Login" in response.text
    assert "typed" not in response.text
    back = visitor.submit("peter@initech.example", toggle="password", is_sso="true")
    assert "Sign in with SSO" in back.text

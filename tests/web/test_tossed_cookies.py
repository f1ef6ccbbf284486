"""Cookies that a sibling subdomain plants: they never become who somebody is, unseen."""

import pytest
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.services import build_services
from tests.visitor import Visitor
from tests.web.conftest import PASSWORD

BASE = "https://login.example"
PETER, BOB = "peter@initech.example", "bob@globex.example"


@pytest.fixture
def https_app(services, registry, make_settings, cheap_passwords):
    settings = make_settings(
        PORTAL_DATABASE_URL=services.database.url.render_as_string(hide_password=False),
        PORTAL_BASE_URL=BASE,
    )
    built = build_services(settings, passwords=cheap_passwords)
    yield create_app(built)
    built.close()


def cookies_of(app, email: str, base: str) -> dict[str, str]:
    """Sign in and give the cookies that the browser then has."""
    visitor = Visitor(app, base)
    assert visitor.submit(email, PASSWORD).status_code == 303
    return {cookie.key: cookie.value for cookie in visitor.client._cookies.values()}


def dashboard(app, base: str, *pairs: tuple[str, str], **headers: str) -> TestResponse:
    """Open the dashboard with these cookies, in this order."""
    client = app.test_client(use_cookies=False)
    sent = "; ".join(f"{name}={value}" for name, value in pairs)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/dashboard", base_url=base, headers={"Cookie": sent, **told})


def is_refused(answer: TestResponse) -> bool:
    return answer.status_code == 302 and answer.location.startswith("/login")


@pytest.mark.parametrize("attacker_first", [True, False])
def test_session_that_a_subdomain_plants_beside_ones_own_never_wins(https_app, attacker_first):
    mine, theirs = cookies_of(https_app, PETER, BASE), cookies_of(https_app, BOB, BASE)
    planted = ("portal_session", theirs["portal_session"])
    sent = [planted, *mine.items()] if attacker_first else [*mine.items(), planted]
    answer = dashboard(https_app, BASE, *sent)
    assert PETER in answer.text
    assert BOB not in answer.text


def test_session_planted_in_a_browser_that_is_signed_out_is_not_taken(https_app):
    theirs = cookies_of(https_app, BOB, BASE)["portal_session"]
    form = cookies_of(https_app, PETER, BASE)["__Host-portal_form"]
    planted = ("portal_session", theirs)
    assert is_refused(dashboard(https_app, BASE, planted, ("__Host-portal_form", form)))
    assert is_refused(dashboard(https_app, BASE, planted, Sec_Fetch_Site="none"))


def test_session_planted_over_ones_own_is_not_taken(https_app):
    mine, theirs = cookies_of(https_app, PETER, BASE), cookies_of(https_app, BOB, BASE)
    sent = {**mine, "portal_session": theirs["portal_session"]}
    assert is_refused(dashboard(https_app, BASE, *sent.items()))


def test_plain_client_that_was_handed_a_session_alone_goes_on(https_app):
    mine = cookies_of(https_app, PETER, BASE)["portal_session"]
    assert PETER in dashboard(https_app, BASE, ("portal_session", mine)).text


def test_signing_out_takes_the_companion_along(https_app):
    visitor = Visitor(https_app, BASE)
    visitor.submit(PETER, PASSWORD)
    visitor.post("/auth/logout")
    left = {cookie.key for cookie in visitor.client._cookies.values()}
    assert not {"portal_session", "__Host-portal_bound"} & left


def test_of_two_sessions_neither_wins_where_no_companion_can_tell(app, registry):
    base = "http://localhost:5000"
    mine, theirs = (cookies_of(app, who, base)["portal_session"] for who in (PETER, BOB))
    assert is_refused(dashboard(app, base, ("portal_session", theirs), ("portal_session", mine)))
    twice = dashboard(app, base, ("portal_session", mine), ("portal_session", mine))
    assert PETER in twice.text


def test_what_is_no_session_at_all_does_not_shut_out_the_one_beside_it(app, registry):
    base = "http://localhost:5000"
    mine = cookies_of(app, PETER, base)["portal_session"]
    assert PETER in dashboard(app, base, ("portal_session", "fix"), ("portal_session", mine)).text

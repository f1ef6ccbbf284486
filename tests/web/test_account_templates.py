"""The dashboard, the sign-out pages and the error page."""

from dataclasses import replace

import pytest

from portal.web.pages import ErrorPage, Link, SignedOutPage, SignOutPage, Viewer
from tests.web.markup import show
from tests.web.specimens import DASHBOARD


def test_dashboard_says_who_how_for_which_tenant_and_until_when():
    document = show("account/dashboard.html", DASHBOARD)
    assert document.one("h1").text == "Iris Tan"
    facts = dict(
        zip(
            [term.text for term in document.all("dt")],
            [value.text for value in document.all("dd")],
            strict=True,
        )
    )
    assert facts["Signed in with"] == "SSO with Acme Okta"
    assert facts["Company"] == "Acme Corporation"
    assert facts["Role"] == "Admin"
    assert facts["Signed in until"].startswith("9 March 2026, 20:00 UTC")
    assert document.one("dl").one("time").attrs["datetime"] == "2026-03-09T20:00:00Z"


def test_dashboard_lists_sessions_marks_this_one_and_signs_each_out():
    here, there = show("account/dashboard.html", DASHBOARD).all("li")
    assert "This session" in here.text
    assert "This session" not in there.text
    assert "Password · 203.0.113.8" in there.text
    assert here.one("button").text == "Sign out of Firefox on Windows"
    assert here.one("form").attrs["action"] == "/auth/sessions/s1/revoke"
    assert there.one("form").attrs["action"] == "/auth/sessions/s2/revoke"


@pytest.mark.parametrize("may_administer", [True, False])
def test_dashboard_leads_to_the_admin_pages_only_those_who_may(may_administer):
    viewer = replace(DASHBOARD.viewer, may_administer=may_administer)
    document = show("account/dashboard.html", replace(DASHBOARD, viewer=viewer))
    assert bool(document.all("a", href="/admin/")) is may_administer
    current = [link for link in document.all("a") if "aria-current" in link.attrs]
    assert [link.text for link in current] == ["Dashboard"]


def test_dashboard_greets_by_address_where_no_name_is_known():
    viewer = Viewer("", "it@acme.example")
    document = show("account/dashboard.html", replace(DASHBOARD, viewer=viewer, tenant=""))
    assert document.one("h1").text == "it@acme.example"
    assert "All companies" in document.one("dl").text


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Iris Tan", "IT"), ("Ana María de la Cruz", "AC"), ("Cher", "C"), ("  ", "i")],
)
def test_initials_are_those_of_the_first_and_last_name(name, initials):
    assert Viewer(name, "it@acme.example").initials == initials


def test_sign_out_page_is_one_button_that_says_what_it_ends():
    page = SignOutPage(email="it@acme.example", provider="Acme Okta")
    document = show("account/sign_out.html", page)
    assert document.one("button").text == "Sign out"
    assert document.one("form").attrs["action"] == "/auth/logout"
    assert "also signs you out of Acme Okta" in document.one("main").text
    assert "also" not in show("account/sign_out.html", replace(page, provider="")).text


def test_signed_out_page_says_what_is_left_open():
    document = show("account/signed_out.html", SignedOutPage(note="Acme Okta is still open."))
    assert "Acme Okta is still open." in document.one("main").text
    assert document.all("a")[-1].attrs["href"] == "/login"


def test_error_page_has_status_words_reference_and_a_way_on():
    page = ErrorPage(
        status=503,
        title="Back soon",
        text="Try again in a minute.",
        reference="4F7K-92QX",
        link=Link("/dashboard", "To the dashboard"),
    )
    document = show("errors/page.html", page)
    assert document.one("h1").text == "Error 503 Back soon"
    assert "Reference: 4F7K-92QX" in document.one("main").text
    assert document.all("a")[-1].attrs["href"] == "/dashboard"

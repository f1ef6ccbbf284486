"""The same pages in a browser that runs no script."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sign_in_form import SignInForm, at_dashboard, at_provider, pick_person
from tests.browser.stand import PASSWORD


@pytest.fixture
def form(plain_page: Page) -> SignInForm:
    return SignInForm(plain_page)


def test_toggle_hides_the_password_and_back_again(form: SignInForm) -> None:
    form.open("/login?next=/dashboard?from=mail").email.fill("erlich@eu.hooli.example")
    form.use_sso.click()
    expect(form.password).to_be_hidden()
    expect(form.continue_with_sso).to_be_visible()
    expect(form.email).to_have_value("erlich@eu.hooli.example")
    form.use_password.click()
    expect(form.password).to_be_visible()
    expect(form.sign_in).to_be_visible()
    form.use_sso.click()
    form.continue_with_sso.click()
    at_provider(form.page)
    pick_person(form.page, "erlich@eu.hooli.example")
    at_dashboard(form.page, "erlich@eu.hooli.example")
    assert form.page.url.endswith("/dashboard?from=mail")


def test_toggle_needs_no_address(form: SignInForm) -> None:
    form.open().use_sso.click()
    expect(form.continue_with_sso).to_be_visible()
    expect(form.alert).to_have_count(0)


def test_company_address_is_sent_on_by_the_same_form(form: SignInForm) -> None:
    form.open().email.fill("ann@acme.example")
    form.sign_in.click()
    at_provider(form.page)
    pick_person(form.page, "ann@acme.example")
    at_dashboard(form.page, "ann@acme.example")


def test_several_connections_lead_to_the_chooser(form: SignInForm) -> None:
    form.open().email.fill("mona@globex.example")
    form.sign_in.click()
    form.button("Continue with Globex Entra ID").click()
    at_provider(form.page)


def test_tenant_button_works(form: SignInForm) -> None:
    form.open("/login/acme").button("Continue with Acme Okta").click()
    at_provider(form.page)


def test_enter_signs_in_by_password(form: SignInForm) -> None:
    form.open().email.fill("peter@initech.example")
    form.password.fill(PASSWORD)
    form.password.press("Enter")
    at_dashboard(form.page, "peter@initech.example")


def test_what_needs_a_script_is_not_shown(form: SignInForm) -> None:
    form.open()
    expect(form.button("Show password")).to_have_count(0)


def test_sign_out_works(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@initech.example", PASSWORD)
    form.button("Sign out").click()
    expect(form.page.get_by_role("heading", name="You’re signed out")).to_be_visible()

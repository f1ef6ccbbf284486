"""Whole ways: from an address to the dashboard and out again, through the provider's own pages."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.sign_in_form import (
    SignInForm,
    at_dashboard,
    at_provider,
    pick_person,
    sign_in_by_sso,
)
from tests.browser.stand import PASSWORD, Stand


def test_password_leads_to_the_dashboard(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@initech.example", PASSWORD)
    at_dashboard(form.page, "peter@initech.example")
    facts = form.page.get_by_role("region").first
    expect(facts).to_contain_text("Password")
    expect(facts).to_contain_text("Initech")


def test_company_address_leads_through_its_provider_to_the_dashboard(page: Page) -> None:
    sign_in_by_sso(page, "ann@acme.example")
    at_dashboard(page, "ann@acme.example")
    expect(page.get_by_role("region").first).to_contain_text("SSO with Acme Okta")


def test_provider_is_told_who_is_coming_and_by_which_connection(form: SignInForm) -> None:
    form.open().send_to_provider("ann@acme.example")
    expect(form.page.get_by_role("main")).to_contain_text("acme-portal")
    expect(form.page.get_by_role("main")).to_contain_text("conn_acme")
    expect(form.page.get_by_role("main")).to_contain_text("ann@acme.example")


def test_toggle_leads_to_sso_too(form: SignInForm) -> None:
    form.open().use_sso.click()
    form.email.fill("erlich@eu.hooli.example")
    form.continue_with_sso.click()
    at_provider(form.page)
    pick_person(form.page, "erlich@eu.hooli.example")
    at_dashboard(form.page, "erlich@eu.hooli.example")
    expect(form.page.get_by_role("region").first).to_contain_text("Admin")


def test_chooser_leads_on_by_the_connection_picked(form: SignInForm) -> None:
    form.open().email.fill("mona@globex.example")
    form.button("Continue").click()
    expect(form.page.get_by_role("heading", name="Choose how to sign in")).to_be_visible()
    form.button("Continue with Globex Google Workspace").click()
    at_provider(form.page)
    expect(form.page.get_by_role("main")).to_contain_text("conn_globex_google")
    pick_person(form.page, "mona@globex.example")
    at_dashboard(form.page, "mona@globex.example")


def test_optional_company_takes_a_password_too(form: SignInForm) -> None:
    form.open().email.fill("hank@globex.example")
    form.use_password.click()
    form.password.fill(PASSWORD)
    form.sign_in.click()
    at_dashboard(form.page, "hank@globex.example")


def test_break_glass_account_gets_in_by_password(form: SignInForm) -> None:
    form.open().email.fill("it@acme.example")
    form.use_password.click()
    form.password.fill(PASSWORD)
    form.sign_in.click()
    at_dashboard(form.page, "it@acme.example")


def test_tenant_page_has_a_button_for_each_connection(form: SignInForm) -> None:
    form.open("/login/globex")
    expect(form.page.get_by_role("heading", name="Sign in to Globex")).to_be_visible()
    expect(form.button("Continue with Globex Google Workspace")).to_be_visible()
    form.email.fill("mona@globex.example")
    form.button("Continue with Globex Entra ID").click()
    at_provider(form.page)
    expect(form.page.get_by_role("main")).to_contain_text("mona@globex.example")


def test_tenant_button_asks_nobody_for_an_address(form: SignInForm) -> None:
    form.open("/login/acme").button("Continue with Acme Okta").click()
    at_provider(form.page)
    pick_person(form.page, "ann@acme.example")
    at_dashboard(form.page, "ann@acme.example")


def test_next_is_kept_on_every_way(open_page: Callable[..., Page]) -> None:
    wanted = re.compile(r"/dashboard\?from=mail$")
    by_password = SignInForm(open_page()).open("/dashboard?from=mail")
    by_password.sign_in_with_password("peter@initech.example", PASSWORD)
    expect(by_password.page).to_have_url(wanted)
    by_sso = open_page()
    sign_in_by_sso(by_sso, "ann@acme.example", path="/dashboard?from=mail")
    expect(by_sso).to_have_url(wanted)
    by_choice = SignInForm(open_page()).open("/dashboard?from=mail")
    by_choice.email.fill("mona@globex.example")
    by_choice.button("Continue").click()
    by_choice.button("Continue with Globex Entra ID").click()
    pick_person(by_choice.page, "mona@globex.example")
    expect(by_choice.page).to_have_url(wanted)
    by_button = SignInForm(open_page()).open("/login/acme?next=/dashboard?from=mail")
    by_button.button("Continue with Acme Okta").click()
    pick_person(by_button.page, "ann@acme.example")
    expect(by_button.page).to_have_url(wanted)


def test_next_and_address_are_kept_over_a_failure(page: Page) -> None:
    form = SignInForm(page).open("/dashboard?from=mail")
    form.send_to_provider("ann@acme.example")
    form.button("Deny access").click()
    expect(form.alert).to_contain_text("Your company’s sign-in said no")
    expect(form.email).to_have_value("ann@acme.example")
    form.continue_with_sso.click()
    pick_person(page, "ann@acme.example")
    expect(page).to_have_url(re.compile(r"/dashboard\?from=mail$"))


def test_failure_has_plain_words_a_reference_and_a_way_on(form: SignInForm) -> None:
    form.open().send_to_provider("ann@acme.example")
    form.button("Deny access").click()
    expect(form.page).to_have_title(re.compile("^Error: "))
    expect(form.alert).to_contain_text(re.compile(r"Reference:\s*[0-9A-Z]{4}-[0-9A-Z]{4}"))
    expect(form.email).to_be_visible()


def test_somebody_of_elsewhere_does_not_get_in(form: SignInForm) -> None:
    form.open().send_to_provider("ann@acme.example")
    form.page.get_by_label("E-mail address").fill("eve@elsewhere.example")
    form.button("Continue").click()
    expect(form.alert).to_contain_text("That address can’t sign in here")
    form.page.goto("/dashboard")
    expect(form.email).to_be_visible()


def test_wrong_password_keeps_the_address_and_asks_again(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@initech.example", "wrong")
    expect(form.alert).to_contain_text("That e-mail address and password don’t match")
    expect(form.email).to_have_value("peter@initech.example")
    expect(form.password).to_be_empty()
    expect(form.password).to_be_focused()
    form.password.fill(PASSWORD)
    form.sign_in.click()
    at_dashboard(form.page, "peter@initech.example")


def test_unknown_person_sees_what_a_wrong_password_shows(form: SignInForm) -> None:
    form.open().sign_in_with_password("nobody@initech.example", "wrong")
    expect(form.alert).to_contain_text("That e-mail address and password don’t match")


def test_address_alone_is_asked_for_its_password(form: SignInForm) -> None:
    form.open().email.fill("sam@elsewhere.example")
    form.sign_in.click()
    expect(form.password).to_be_focused()
    expect(form.password).to_have_accessible_description("Enter your password.")


def test_what_is_no_address_is_named_at_its_field(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@@initech.example", "x")
    expect(form.page).to_have_title("Error: Sign in · Portal")
    expect(form.email).to_have_value("peter@@initech.example")
    expect(form.email).to_have_accessible_description(re.compile("one @"))
    expect(form.email).to_be_focused()


def test_sign_out_goes_by_the_provider_and_back(page: Page, demo: Stand) -> None:
    sign_in_by_sso(page, "ann@acme.example")
    at_dashboard(page, "ann@acme.example")
    with page.expect_request(lambda request: request.url.startswith(f"{demo.provider}/logout")):
        page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="You’re signed out")).to_be_visible()
    expect(page).to_have_url(f"{demo.portal}/auth/logged-out")
    page.goto("/dashboard")
    expect(page).to_have_title("Sign in · Portal")


def test_sign_out_page_says_what_it_ends(page: Page) -> None:
    sign_in_by_sso(page, "ann@acme.example")
    page.goto("/auth/logout")
    expect(page.get_by_role("main")).to_contain_text("also signs you out of Acme Okta")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_password_session_signs_out_here(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@initech.example", PASSWORD)
    form.page.goto("/auth/logout")
    form.button("Sign out").click()
    expect(form.page.get_by_role("heading", name="You’re signed out")).to_be_visible()


def test_one_may_sign_out_another_browser(form: SignInForm, open_page: Callable[..., Page]) -> None:
    elsewhere = SignInForm(open_page(user_agent="Mozilla/5.0 (X11; Linux) Firefox/150.0")).open()
    elsewhere.sign_in_with_password("bill@initech.example", PASSWORD)
    form.open().sign_in_with_password("bill@initech.example", PASSWORD)
    rows = form.page.get_by_role("region", name="Your sessions").get_by_role("listitem")
    expect(rows).to_have_count(2)
    form.button("Sign out of Firefox on Linux").click()
    expect(rows).to_have_count(1)
    elsewhere.page.reload()
    expect(elsewhere.page).to_have_title("Sign in · Portal")
    expect(elsewhere.route.first).to_contain_text("You’ve been signed out")


def test_who_is_signed_in_already_is_led_on(form: SignInForm) -> None:
    form.open().sign_in_with_password("peter@initech.example", PASSWORD)
    at_dashboard(form.page, "peter@initech.example")
    form.open()
    expect(form.page.get_by_role("main")).to_contain_text("signed in as peter@initech.example")
    form.page.get_by_role("link", name="Continue to the portal").click()
    at_dashboard(form.page, "peter@initech.example")


def test_two_tabs_may_sign_in_at_once(form: SignInForm) -> None:
    second = SignInForm(form.page.context.new_page())
    form.open().send_to_provider("ann@acme.example")
    second.open().send_to_provider("erlich@eu.hooli.example")
    pick_person(form.page, "ann@acme.example")
    at_dashboard(form.page, "ann@acme.example")
    pick_person(second.page, "erlich@eu.hooli.example")
    at_dashboard(second.page, "erlich@eu.hooli.example")

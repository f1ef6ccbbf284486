"""The sign-in form by the labels that people see, and the pages around it."""

import re

from playwright.sync_api import Locator, Page, expect


class SignInForm:
    """The form on a page; every part is found as a person or a screen reader finds it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.email = page.get_by_label("Email address")
        self.password = page.get_by_label("Password", exact=True)
        self.sign_in = self.button("Sign in")
        self.continue_with_sso = self.button("Continue with SSO")
        self.use_sso = self.button("Sign in with SSO")
        self.use_password = self.button("Back to Password Login")
        self.route = page.get_by_role("status")
        self.alert = page.get_by_role("alert")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def open(self, path: str = "/login") -> "SignInForm":
        self.page.goto(path)
        return self

    def sign_in_with_password(self, email: str, password: str) -> None:
        self.email.fill(email)
        self.password.fill(password)
        self.sign_in.click()

    def send_to_provider(self, email: str) -> None:
        """Type an address of a company with one connection, and go where it leads."""
        self.email.fill(email)
        self.continue_with_sso.click()
        at_provider(self.page)


def at_provider(page: Page) -> None:
    """Be on the page of the demo provider that asks who is signing in."""
    expect(page.get_by_role("heading", name="Who is signing in?")).to_be_visible()


def pick_person(page: Page, email: str) -> None:
    """Pick an account at the provider."""
    page.get_by_role("button", name=re.compile(re.escape(email))).click()


def at_dashboard(page: Page, email: str) -> None:
    """Be on the dashboard, as this person."""
    expect(page).to_have_title("Dashboard · Portal")
    expect(page.get_by_role("region").first).to_contain_text(email)


def sign_in_by_sso(page: Page, email: str, *, path: str = "/login") -> None:
    """The whole way through the provider's page."""
    SignInForm(page).open(path).send_to_provider(email)
    pick_person(page, email)

"""Every page in every state: nothing for axe to find, light and dark, wide and narrow.

A state is reached once; colours and width then change under it, as a person would change them.
"""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.sign_in_form import SignInForm, at_dashboard, sign_in_by_sso
from tests.browser.stand import PASSWORD

WIDTHS = (1280, 360, 320)
SCHEMES = ("light", "dark")
_FINDINGS = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(
  (finding) => `${finding.id}: ${finding.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""
# What sticks out on either side, whether one could scroll to it or it is cut off.
_STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const out = [...document.body.querySelectorAll("*")].filter((it) => {
    const box = it.getBoundingClientRect();
    return box.width > 0 && it.checkVisibility() && (box.right > wide + 1 || box.left < -1);
  });
  const scrolls = document.documentElement.scrollWidth > wide ? ["the page scrolls"] : [];
  return [...scrolls, ...out.map((it) => `${it.tagName} ${it.className}`)];
}"""

Reach = Callable[[Page], None]
STATES: dict[str, Reach] = {}


def state(reach: Reach) -> Reach:
    STATES[reach.__name__] = reach
    return reach


@state
def sign_in(page: Page) -> None:
    page.goto("/login")


@state
def sign_in_with_sso_chosen(page: Page) -> None:
    SignInForm(page).open().use_sso.click()


@state
def sign_in_led_to_a_company(page: Page) -> None:
    form = SignInForm(page).open()
    form.email.fill("ann@acme.example")
    expect(form.route).to_have_text("Acme Corporation signs in with Acme Okta.")


@state
def sign_in_asking_for_the_password(page: Page) -> None:
    form = SignInForm(page).open()
    form.email.fill("sam@elsewhere.example")
    form.sign_in.click()
    expect(form.password).to_be_focused()


@state
def sign_in_after_a_wrong_password(page: Page) -> None:
    form = SignInForm(page).open()
    form.sign_in_with_password("nobody@elsewhere.example", "wrong")
    expect(form.alert).to_be_visible()


@state
def sign_in_with_no_address(page: Page) -> None:
    form = SignInForm(page).open()
    form.sign_in_with_password("no address at all", "x")
    expect(form.email).to_have_attribute("aria-invalid", "true")


@state
def sign_in_where_sso_is_not_set_up(page: Page) -> None:
    form = SignInForm(page).open()
    form.use_sso.click()
    form.email.fill("sam@elsewhere.example")
    form.continue_with_sso.click()
    expect(form.route.first).to_contain_text("Single sign-on isn’t set up")


@state
def sign_in_after_a_failure(page: Page) -> None:
    form = SignInForm(page).open()
    form.send_to_provider("ann@acme.example")
    form.button("Deny access").click()
    expect(form.alert).to_contain_text("Reference")


@state
def sign_in_after_too_many_tries(page: Page) -> None:
    form = SignInForm(page).open()
    for _ in range(11):
        form.sign_in_with_password("victim@elsewhere.example", "wrong")
        expect(form.password).to_be_focused()
    expect(form.alert).to_contain_text("Too many tries for this address")


@state
def sign_in_after_the_form_went_stale(page: Page) -> None:
    form = SignInForm(page).open()
    page.context.clear_cookies()
    form.sign_in_with_password("sam@elsewhere.example", "x")
    expect(form.route.first).to_contain_text("The page had been open for too long")


@state
def sign_in_to_one_company(page: Page) -> None:
    page.goto("/login/globex")


@state
def sign_in_when_signed_in_already(page: Page) -> None:
    SignInForm(page).open().sign_in_with_password("peter@initech.example", PASSWORD)
    at_dashboard(page, "peter@initech.example")
    page.goto("/login")


@state
def chooser(page: Page) -> None:
    form = SignInForm(page).open()
    form.email.fill("mona@globex.example")
    form.button("Continue").click()
    expect(page.get_by_role("heading", name="Choose how to sign in")).to_be_visible()


@state
def dashboard(page: Page) -> None:
    sign_in_by_sso(page, "erlich@eu.hooli.example")
    at_dashboard(page, "erlich@eu.hooli.example")


@state
def sign_out(page: Page) -> None:
    sign_in_by_sso(page, "ann@acme.example")
    page.goto("/auth/logout")


@state
def signed_out(page: Page) -> None:
    page.goto("/auth/logged-out")


@state
def page_that_is_not_there(page: Page) -> None:
    page.goto("/nothing/here")
    expect(page.get_by_role("heading")).to_contain_text("There’s nothing here")


@state
def question_of_the_provider(page: Page) -> None:
    SignInForm(page).open().send_to_provider("ann@acme.example")


@pytest.mark.parametrize("reach", STATES.values(), ids=STATES)
def test_page_is_sound_in_light_and_dark_wide_and_narrow(page: Page, reach: Reach) -> None:
    reach(page)
    page.evaluate(AXE_SCRIPT)
    findings = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 720})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = page.evaluate(_FINDINGS)
            found += page.evaluate(_STICKS_OUT)
            if found:
                findings[width, scheme] = found
    assert findings == {}


def test_every_page_has_one_title_of_its_own(page: Page) -> None:
    titles = []
    for path in ("/login", "/login/globex", "/auth/logged-out", "/nothing/here"):
        page.goto(path)
        titles.append(page.title())
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(" · Portal") for title in titles)


def test_text_may_be_twice_as_large(page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 720})  # 1280 at a zoom of 200 % (WCAG 1.4.4)
    page.goto("/login")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(_STICKS_OUT) == []


def test_forced_colours_leave_buttons_an_edge(open_page: Callable[..., Page]) -> None:
    form = SignInForm(open_page(forced_colors="active")).open()
    for button in (form.sign_in, form.use_sso):
        expect(button).to_have_css("border-top-style", "solid")

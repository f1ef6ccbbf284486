"""What the sign-in page does while somebody types."""

from playwright.sync_api import Page, Route, expect

from tests.browser.sign_in_form import SignInForm, at_dashboard, at_provider
from tests.browser.stand import PASSWORD


def test_email_and_password_are_there_from_the_start(form: SignInForm) -> None:
    form.open()
    expect(form.email).to_be_focused()
    expect(form.password).to_be_visible()
    expect(form.sign_in).to_be_visible()
    expect(form.use_sso).to_be_visible()
    expect(form.route).to_be_empty()


def test_toggle_hides_the_password_and_back_again(form: SignInForm) -> None:
    form.open()
    form.use_sso.click()
    expect(form.password).to_be_hidden()
    expect(form.continue_with_sso).to_be_visible()
    expect(form.route).to_have_text("Your company’s sign-in page opens next.")
    form.use_password.click()
    expect(form.password).to_be_visible()
    expect(form.sign_in).to_be_visible()
    expect(form.route).to_be_empty()


def test_toggle_leaves_the_cursor_where_something_is_missing(form: SignInForm) -> None:
    form.open()
    form.use_sso.click()
    expect(form.email).to_be_focused()
    form.email.fill("sam@elsewhere.example")
    form.use_password.click()
    expect(form.password).to_be_focused()
    form.use_sso.click()
    expect(form.continue_with_sso).to_be_focused()


def test_typed_address_finds_its_company_and_drops_the_password(form: SignInForm) -> None:
    form.open().email.press_sequentially("ann@acme.example")
    expect(form.route).to_have_text("Acme Corporation signs in with Acme Okta.")
    expect(form.password).to_be_hidden()
    expect(form.continue_with_sso).to_be_visible()


def test_nothing_jumps_when_the_password_is_dropped(form: SignInForm) -> None:
    form.open()
    before = form.sign_in.bounding_box()
    form.email.fill("ann@acme.example")
    expect(form.password).to_be_hidden()
    assert form.continue_with_sso.bounding_box() == before


def test_another_address_brings_the_password_back(form: SignInForm) -> None:
    form.open().email.fill("ann@acme.example")
    expect(form.password).to_be_hidden()
    form.email.fill("peter@initech.example")
    expect(form.password).to_be_visible()
    expect(form.route).to_be_empty()
    expect(form.sign_in).to_be_visible()


def test_company_with_several_ways_says_so(form: SignInForm) -> None:
    form.open().email.fill("mona@globex.example")
    expect(form.route).to_have_text("Globex offers 2 ways to sign in.")
    expect(form.button("Continue")).to_be_visible()


def test_typed_password_is_never_taken_away(form: SignInForm) -> None:
    form.open()
    form.password.fill("something long")
    form.email.fill("ann@acme.example")
    expect(form.route).to_have_text("Acme Corporation signs in with Acme Okta.")
    expect(form.password).to_have_value("something long")
    expect(form.password).to_be_visible()
    form.sign_in.click()
    at_provider(form.page)


def test_who_goes_back_to_the_password_keeps_it_for_that_company(form: SignInForm) -> None:
    form.open().email.fill("hank@globex.example")
    form.use_password.click()
    expect(form.password).to_be_focused()
    with form.page.expect_event("requestfinished", timeout=500) as told:
        form.email.fill("hank@globex-foods.example")
        form.email.blur()
    assert told.value.url.endswith("/auth/discover")
    expect(form.password).to_be_hidden()  # another domain is another question
    form.use_password.click()
    form.email.fill("frank@globex-foods.example")
    form.email.blur()
    expect(form.password).to_be_visible()
    expect(form.sign_in).to_be_visible()


def test_late_answer_about_an_earlier_address_changes_nothing(form: SignInForm, page: Page) -> None:
    held = []
    page.route(
        "**/auth/discover",
        lambda route: (
            held.append(route) if "acme" in route.request.post_data else route.continue_()
        ),
    )
    form.open().email.fill("ann@acme.example")
    with page.expect_request("**/auth/discover"):
        form.email.blur()
    form.email.fill("mona@globex.example")
    expect(form.route).to_have_text("Globex offers 2 ways to sign in.")
    [late] = held
    late.fulfill(json={"method": "sso", "connections": [], "message": "Too late."})
    expect(form.route).to_have_text("Globex offers 2 ways to sign in.")


def test_form_works_when_the_lookup_does_not(form: SignInForm, page: Page) -> None:
    page.route("**/auth/discover", lambda route: route.fulfill(status=200, body="no JSON"))
    form.open().email.fill("ann@acme.example")
    with page.expect_response("**/auth/discover"):
        form.email.blur()
    expect(form.password).to_be_visible()
    form.sign_in.click()
    at_provider(page)


def test_press_that_began_before_the_company_was_found_counts(form: SignInForm, page: Page) -> None:
    """Nothing moves from under a finger: a press that ends elsewhere is no click."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/auth/discover", hold)
    form.open().password.fill(PASSWORD)
    with page.expect_request("**/auth/discover"):
        form.email.fill("it@acme.example")
    form.sign_in.hover()
    page.mouse.down()
    with page.expect_response("**/auth/discover"):
        held[0].continue_()
    page.wait_for_timeout(300)
    page.mouse.up()
    at_dashboard(page, "it@acme.example")


def test_what_was_found_during_a_press_elsewhere_shows_after_it(
    form: SignInForm, page: Page
) -> None:
    form.open()
    page.mouse.move(1, 1)
    page.mouse.down()
    with page.expect_response("**/auth/discover"):
        form.email.fill("ann@acme.example")
    page.mouse.up()
    expect(form.route).to_have_text("Acme Corporation signs in with Acme Okta.")


def test_whole_sign_in_needs_the_keyboard_alone(page: Page, form: SignInForm) -> None:
    form.open()
    expect(form.email).to_be_focused()
    page.keyboard.type("peter@initech.example")
    page.keyboard.press("Tab")
    expect(form.password).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_title("Dashboard · Portal")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_tab_goes_through_the_form_in_the_order_of_the_page(page: Page, form: SignInForm) -> None:
    form.open()
    expect(form.email).to_be_focused()
    for next_stop in (form.password, form.button("Show password"), form.sign_in, form.use_sso):
        page.keyboard.press("Tab")
        expect(next_stop).to_be_focused()


def test_enter_in_the_address_goes_on_to_sso(page: Page, form: SignInForm) -> None:
    form.open()
    expect(form.email).to_be_focused()
    page.keyboard.type("ann@acme.example")
    page.keyboard.press("Enter")  # before or after the lookup: the same
    at_provider(page)


def test_focus_moves_on_when_the_field_under_it_leaves(page: Page, form: SignInForm) -> None:
    form.open()
    expect(form.email).to_be_focused()
    page.keyboard.type("ann@acme.example")
    page.keyboard.press("Tab")
    expect(form.password).to_be_hidden()
    expect(form.continue_with_sso).to_be_focused()


def test_password_can_be_looked_at_and_is_covered_when_sent(form: SignInForm) -> None:
    form.open().email.fill("peter@initech.example")
    form.password.fill("mistyped")
    show = form.button("Show password")
    show.click()
    expect(form.password).to_have_attribute("type", "text")
    expect(show).to_have_attribute("aria-pressed", "true")
    form.page.evaluate(
        """document.querySelector("form[data-sign-in]").addEventListener("submit", (event) => {
             event.preventDefault();
             document.title = document.getElementById("password").type;
           })"""
    )
    form.sign_in.click()
    expect(form.page).to_have_title("password")


def test_button_that_was_pressed_is_not_busy_after_going_back(form: SignInForm) -> None:
    form.open().send_to_provider("ann@acme.example")
    form.page.go_back()
    expect(form.email).to_have_value("ann@acme.example")
    expect(form.page.locator("[data-busy]")).to_have_count(0)
    expect(form.page.locator("#submit")).to_have_text("Continue with SSO")

"""`python -m tests.browser.pictures`: takes the pictures that the README shows, into `docs/`."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM_OPTIONS
from tests.browser.sign_in_form import SignInForm
from tests.browser.stand import running_demo

DOCS = Path(__file__).parents[2] / "docs"
NAMES = {"light": "sign-in.png", "dark": "sign-in-dark.png"}


def main() -> None:
    """Show the page as it greets somebody whose company signs in elsewhere."""
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS
        )
        for scheme, name in NAMES.items():
            page = browser.new_page(
                base_url=demo.portal,
                color_scheme=scheme,
                device_scale_factor=1.5,
                viewport={"width": 960, "height": 680},
                reduced_motion="reduce",
            )
            form = SignInForm(page).open()
            form.email.fill("ann@acme.example")
            form.email.blur()
            form.continue_with_sso.wait_for()
            page.screenshot(path=DOCS / name)
        browser.close()


if __name__ == "__main__":
    main()

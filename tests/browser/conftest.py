"""A real browser before a real portal: `portal demo` in a process, and the system's Chromium.

    demo         the addresses of a running demo, with the tenants in `seeds/`
    open_page    opens a page in a browser of its own; what it complains of fails the test
    page         such a page
    plain_page   such a page without JavaScript
    form         the sign-in form of `page`, by the labels that people see

With CI=true a missing Chromium is a failure; elsewhere it is said and left out.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.complaints import Complaints
from tests.browser.sign_in_form import SignInForm
from tests.browser.stand import Stand, running_demo
from tests.databases import missing

CHROMIUM_OPTIONS = [
    "--no-sandbox",  # tests run as root in containers, on pages of our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 10_000  # milliseconds, on a machine that does other things too


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the system's Chromium: the download of Playwright's own is not for tests."""
    found = shutil.which("chromium")
    if found is None:
        missing("Chromium")
    return {**browser_type_launch_args, "executable_path": found, "args": CHROMIUM_OPTIONS}


@pytest.fixture(scope="session")
def demo() -> Iterator[Stand]:
    with running_demo() as stand:
        yield stand


@pytest.fixture(scope="session")
def base_url(demo: Stand) -> str:
    """Where a path such as `/login` is opened."""
    return demo.portal


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Speak British English in Berlin: nothing may hang on the machine's own place."""
    return {**browser_context_args, "locale": "en-GB", "timezone_id": "Europe/Berlin"}


@pytest.fixture
def open_page(
    new_context: Callable[..., BrowserContext], base_url: str
) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser of its own; whatever it complains of fails the test."""
    opened: list[Complaints] = []

    def open_one(**options: Any) -> Page:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        opened.append(Complaints(page, base_url))
        return page

    yield open_one
    assert [words for complaints in opened for words in complaints.heard] == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def plain_page(open_page: Callable[..., Page]) -> Page:
    return open_page(java_script_enabled=False)


@pytest.fixture
def form(page: Page) -> SignInForm:
    return SignInForm(page)

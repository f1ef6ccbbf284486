"""The admin pages in a real browser: for axe, on any width, and all the way to `required`."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from portal.core.registry import Policy
from portal.core.rollout_plan import PlanState, RolloutPlan, RolloutStep, WayNow
from portal.store import rollout_plans
from portal.store.tables import DOMAINS
from tests.browser.admin_stand import PASSWORD, AdminStand, running_portal
from tests.browser.complaints import Complaints

ACME = "/admin/tenants/acme"
TROUBLED = "/admin/tenants/troubled"
WIDTHS = (1280, 360, 320)
SCHEMES = ("light", "dark")
_FINDINGS = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(
  (finding) => `${finding.id}: ${finding.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""
_HIDDEN_FOR_GOOD = """() => [...document.querySelectorAll("input[type=password]")]
  .map((field) => field.id)
  .filter((id) => !document.querySelector(`.reveal[aria-controls="${id}"]:not([hidden])`))"""
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

PAGES = {
    "all companies": ("ops", "/admin/"),
    "no company fits": ("ops", "/admin/?q=nothing"),
    "new company": ("ops", "/admin/new-tenant"),
    "trail of all": ("ops", "/admin/audit"),
    "suspend": ("ops", f"{ACME}/suspend"),
    "overview": ("it", ACME),
    "overview of an empty company": ("ops", "/admin/tenants/newco"),
    "domains": ("it", f"{ACME}/domains"),
    "no domains": ("ops", "/admin/tenants/newco/domains"),
    "upload": ("it", f"{ACME}/domains/upload"),
    "upload for all": ("ops", "/admin/domains/upload"),
    "claim": ("it", f"{ACME}/domains/new"),
    "proven domain": ("it", f"{ACME}/domains/acme.test"),
    "unproven domain": ("it", f"{ACME}/domains/xn--mnchen-3ya.test"),
    "remove a domain": ("it", f"{ACME}/domains/acme.test/remove"),
    "rollout": ("it", f"{ACME}/domains/acme.test/rollout"),
    "connections": ("it", f"{ACME}/connections"),
    "no connections": ("ops", "/admin/tenants/newco/connections"),
    "connection": ("it", f"{ACME}/connections/okta"),
    "new connection": ("it", f"{ACME}/connections/new"),
    "application": ("it", f"{ACME}/clients/main"),
    "new application": ("it", f"{ACME}/clients/new"),
    "people": ("it", f"{ACME}/people"),
    "person": ("it", f"{ACME}/people/2"),
    "new person": ("it", f"{ACME}/people/new"),
    "failed sign-ins": ("it", f"{ACME}/failures"),
    "failed sign-in": ("it", f"{ACME}/failures/4F7K-0000"),
    "sign-in under way": ("it", f"{ACME}/failures/SENT-0003"),
    "sign-in that timed out": ("it", f"{ACME}/failures/SENT-0040"),
    "all that are not back": ("it", f"{ACME}/failures?show=sent"),
    "connections in trouble": ("ops", f"{TROUBLED}/connections"),
    "connection in trouble": ("ops", f"{TROUBLED}/connections/okta"),
    "company's sign-in page in trouble": ("ops", "/login/troubled"),
    "application with two secrets": ("ops", f"{TROUBLED}/clients/main"),
    "no failed sign-ins": ("ops", "/admin/tenants/newco/failures"),
    "trail": ("it", f"{ACME}/audit"),
    "trail of one reference": ("it", f"{ACME}/audit?reference=4F7K-0000"),
    "explain": ("it", f"{ACME}/explain?email=ann@acme.test&policy=required&rollout=10"),
    "settings": ("it", f"{ACME}/settings"),
    "no set-up links": ("ops", f"{ACME}/setup-links"),
}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminStand]:
    with running_portal(tmp_path_factory.mktemp("admin")) as running:
        yield running


def signed_in(browser: Browser, stand: AdminStand, email: str, **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{stand.portal}/login")
    page.get_by_label("Password", exact=True).fill(PASSWORD)  # first: it then stays, SSO or not
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard")
    return page


@pytest.fixture(scope="module")
def signed_in_pages(browser: Browser, stand: AdminStand) -> Iterator[dict[str, Page]]:
    pages = {who: signed_in(browser, stand, f"{who}@{at}") for who, at in _PEOPLE.items()}
    yield pages
    for page in pages.values():
        page.context.close()


_PEOPLE = {"ops": "portal.test", "it": "acme.test"}


def check(page: Page) -> None:
    assert page.evaluate(_HIDDEN_FOR_GOOD) == [], "nobody can look at what they type"
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(_SIDEWAYS) <= 0, f"runs off the side at {width}"
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(_FINDINGS) == [], f"{width} {scheme}"


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_runs_off_the_side(stand, signed_in_pages, name):
    who, path = PAGES[name]
    page = signed_in_pages[who]
    heard = Complaints(page, stand.portal)
    assert page.goto(stand.portal + path).status == 200
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    check(page)
    assert heard.heard == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("person", "New password"),
        ("new person", "Password"),
        ("application", "Client secret"),
    ],
)
def test_what_is_typed_to_be_kept_secret_can_be_looked_at_and_is_covered_when_sent(
    stand, signed_in_pages, name, label
):
    who, path = PAGES[name]
    page = signed_in_pages[who]
    page.goto(stand.portal + path)
    field = page.locator("input[type=password]")
    expect(field).to_have_accessible_name(re.compile(label))
    expect(field).to_have_attribute("autocomplete", "new-password")
    field = page.locator(f"#{field.get_attribute('id')}")
    field.fill("mistyped")
    show = page.get_by_role("button", name=f"Show {label.lower()}")
    expect(show).to_have_attribute("aria-pressed", "false")
    show.click()
    expect(field).to_have_attribute("type", "text")
    expect(show).to_have_attribute("aria-pressed", "true")
    check(page)
    form = field.locator("xpath=ancestor::form")
    form.evaluate("form => form.addEventListener('submit', (event) => event.preventDefault())")
    form.evaluate("form => form.requestSubmit()")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value("mistyped")


def test_axe_finds_nothing_on_forms_with_errors_and_on_the_questions(stand, signed_in_pages):
    page = signed_in_pages["it"]
    page.goto(f"{stand.portal}{ACME}/domains/new")
    page.get_by_label("Domain").fill("co.uk")
    page.get_by_role("button", name="Claim domain").click()
    expect(page.get_by_text("is a public suffix")).to_be_visible()
    check(page)
    page.goto(f"{stand.portal}{ACME}/domains/acme.test")
    page.get_by_label("SSO required").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Require SSO for acme.test?")
    check(page)
    page.goto(f"{stand.portal}{ACME}/people/new")
    page.get_by_role("button", name="Add person").click()
    check(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_narrow_screen_the_menu_is_one_row_that_the_keyboard_opens(browser, stand, scripts):
    page = signed_in(
        browser,
        stand,
        "it@acme.test",
        java_script_enabled=scripts,
        viewport={"width": 360, "height": 800},
    )
    page.goto(f"{stand.portal}{ACME}/people")
    menu, entry = page.locator(".menu"), page.get_by_role("link", name="Set-up links")
    assert menu.bounding_box()["height"] < 60
    expect(entry).not_to_be_visible()
    menu.locator("summary").press("Enter")
    expect(entry).to_be_visible()
    if scripts:
        check(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    expect(entry).to_be_visible()
    expect(menu.locator("summary")).not_to_be_visible()
    page.context.close()


def test_a_slider_and_its_number_go_together_and_say_whom_they_reach(stand, signed_in_pages):
    page = signed_in_pages["it"]
    page.goto(f"{stand.portal}{ACME}/domains/acme.test/rollout")
    number = page.get_by_label("Per cent, step 1", exact=True)
    slider = page.get_by_label("Per cent, step 1, as a slider")
    number.fill("100")
    expect(slider).to_have_value("100")
    expect(page.locator("[data-reached=size_0]")).to_have_text("1")
    slider.fill("0")
    expect(number).to_have_value("")
    expect(page.get_by_role("button", name="Show whom it reaches")).to_be_hidden()
    number.fill("100")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#day_1-error")).to_be_visible()
    check(page)


def test_a_file_of_domains_is_mended_looked_at_and_applied(stand, signed_in_pages, tmp_path):
    page = signed_in_pages["it"]
    long = "a" * 60 + ".test"
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_text(f"domain;connection;policy\ngmail.com;;password\n{long};octa;optional\n")
    right.write_text(f"domain;connection;policy\nmünchen.example;;password\n{long};okta;optional\n")
    page.goto(f"{stand.portal}{ACME}/domains")
    page.get_by_role("link", name="Upload a CSV").click()
    send_file(page, wrong)
    expect(page.get_by_role("heading", name="What is wrong in wrong.csv")).to_be_visible()
    expect(page.get_by_text('did you mean "okta"?')).to_be_visible()
    check(page)
    send_file(page, right)
    expect(page.get_by_role("heading", level=1)).to_have_text("What the upload would do")
    page.get_by_label("With the address").fill(f"ann@{long}")
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("is sent to Acme Okta")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Apply 2 changes").click()
    expect(page.get_by_text("2 domains added, 0 changed.")).to_be_visible()
    expect(page.get_by_role("link", name="münchen.example")).to_be_visible()
    check(page)


def send_file(page: Page, path: Path) -> None:
    page.get_by_label("CSV file").set_input_files(path)
    page.get_by_role("button", name="Check the file").click()


def test_a_file_that_is_too_large_is_told_before_it_is_sent(stand, signed_in_pages, tmp_path):
    page = signed_in_pages["it"]
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 2_100_000)
    page.goto(f"{stand.portal}{ACME}/domains/upload")
    page.get_by_label("CSV file").set_input_files(large)
    expect(page.get_by_text("The file is larger than 2 MB")).to_be_visible()
    check(page)


def test_axe_finds_nothing_on_a_set_up_from_its_link_to_the_last_page(
    browser, stand, signed_in_pages
):
    page = signed_in_pages["it"]
    page.goto(f"{stand.portal}{ACME}/setup-links")
    page.get_by_label("For whom").fill("Jane Doe")
    page.get_by_label("Switch single sign-on on").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#setup-link").inner_text()
    check(page)
    guest = browser.new_context().new_page()
    guest.goto(link)
    check(guest)
    guest.get_by_role("button", name="Start the set-up").click()
    check(guest)
    guest.get_by_role("link", name="Show the record").click()
    check(guest)
    guest.get_by_role("link", name="Connection and test").click()
    guest.get_by_role("link", name="Acme Okta").click()
    check(guest)
    guest.goto(f"{stand.portal}/setup/clients/main")
    expect(guest.get_by_role("button", name="Show client secret")).to_be_visible()
    check(guest)
    guest.get_by_role("link", name="Finish", exact=True).click()
    check(guest)
    guest.get_by_role("button", name="Finish and tell them").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Thank you")
    check(guest)
    guest.goto(link)
    expect(guest.get_by_role("heading", level=1)).to_have_text("This link has been used")
    check(guest)
    guest.context.close()


def test_axe_finds_nothing_on_the_pages_of_a_link_to_a_new_password(
    browser, stand, signed_in_pages
):
    page = signed_in_pages["ops"]
    page.goto(f"{stand.portal}/admin/tenants/newco/people/1")
    page.get_by_role("button", name="Send a link to set a new password").click()
    check(page)
    mails = (stand.services.settings.instance_dir / "mail").glob("*.eml")
    newest = max(mails, key=lambda file: file.stat().st_mtime_ns).read_text()
    person = browser.new_page(java_script_enabled=False)
    person.goto(re.search(r"http://\S+/welcome/\S+", newest)[0])
    person.get_by_label("New password").fill("short")
    person.get_by_role("button", name="Set password").click()
    expect(person.get_by_label("New password")).to_have_attribute("aria-invalid", "true")
    person.close()
    person = browser.new_page()
    person.goto(re.search(r"http://\S+/welcome/\S+", newest)[0])
    person.get_by_role("button", name="Set password").click()
    check(person)
    person.get_by_role("button", name="Show password").click()
    expect(person.get_by_label("New password")).to_have_attribute("type", "text")
    check(person)
    person.get_by_label("New password").fill(PASSWORD)
    person.get_by_role("button", name="Set password").click()
    expect(person.get_by_role("heading", level=1)).to_have_text("Your password is set")
    check(person)
    person.close()


def test_a_planned_rollout_is_announced_while_the_address_is_typed(browser, stand):
    put_plan(stand)
    page = browser.new_context().new_page()
    page.goto(f"{stand.portal}/login")
    banner = page.get_by_label("Announcement")
    expect(banner).to_be_hidden()
    page.get_by_label("Email address").fill("ann@acme.test")
    expect(banner).to_contain_text("you sign in with Acme Okta.")
    check(page)
    page.get_by_role("button", name="Back to Password Login").click()
    expect(banner).to_be_visible()
    page.get_by_label("Email address").fill("sam@elsewhere.test")
    expect(banner).to_be_hidden()
    page.context.close()
    put_plan(stand, is_there=False)


def test_axe_finds_nothing_on_a_rollout_that_is_to_come_or_stopped(stand, signed_in_pages):
    page = signed_in_pages["it"]
    for state, path in (
        (PlanState.PLANNED, f"{ACME}/domains/acme.test/rollout"),
        (PlanState.STOPPED, f"{ACME}/domains/acme.test/rollout"),
        (PlanState.STOPPED, ACME),
    ):
        put_plan(stand, state=state)
        page.goto(stand.portal + path)
        check(page)
    put_plan(stand, is_there=False)


def put_plan(
    stand: AdminStand, *, state: PlanState = PlanState.PLANNED, is_there: bool = True
) -> None:
    """Plan a rollout for everybody of acme.test behind the pages, or take it away."""
    now, way = stand.services.now(), WayNow(Policy.OPTIONAL, 100)
    day = (now + timedelta(days=3)).date()
    told = {"why": "failures", "failed": 6, "tried": 8, "at": now.isoformat(), "day": str(day)}
    made = RolloutPlan(
        steps=(RolloutStep(day, 100),),
        planned_by="it@acme.test",
        planned_at=now,
        before=way,
        left=way,
        state=state,
        due_at=now + timedelta(days=3) if state is PlanState.PLANNED else None,
        watched_until=now + timedelta(days=7),
        told=told,
    )
    with stand.services.database.transaction() as connection:
        query = select(DOMAINS.c.id).where(DOMAINS.c.name == "acme.test")
        number = connection.execute(query).scalar_one()
        rollout_plans.drop(connection, number)
        if is_there:
            rollout_plans.put(connection, number, made)


def test_an_admin_goes_from_nothing_to_required_by_what_stands_on_the_pages(browser, stand):
    go_from_nothing_to_required(browser, stand, "newco.test", is_first=True)
    go_from_nothing_to_required(browser, stand, "second.newco.test", java_script_enabled=False)


def go_from_nothing_to_required(
    browser: Browser, stand: AdminStand, domain: str, *, is_first: bool = False, **options: Any
) -> None:
    page = signed_in(browser, stand, "it@newco.test", **options)
    page.get_by_role("link", name="Administration").click()
    claim_and_prove(page, stand, domain)
    if is_first:
        add_application_and_connection(page, stand)
    lead_domain(page, stand, domain)
    try_connection(page, passes=True)
    mark_break_glass(page, stand)
    require(page, stand, domain)
    page.context.close()


def claim_and_prove(page: Page, stand: AdminStand, domain: str) -> None:
    page.get_by_role("link", name="Domains").click()
    page.get_by_role("link", name="Claim a domain").first.click()
    page.get_by_label("Domain").fill(domain)
    page.get_by_role("button", name="Claim domain").click()
    name = page.locator("#record-name").inner_text()
    value = page.locator("#record-value").inner_text()
    assert name == f"_portal-challenge.{domain}"
    stand.dns.domains.add(domain)
    page.get_by_role("button", name="Check now").click()
    expect(
        page.get_by_role("status").get_by_text("The record is not there yet").first
    ).to_be_visible()
    stand.dns.records[name] = [value]
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text(f"{domain} is proven")).to_be_visible()


def add_application_and_connection(page: Page, stand: AdminStand) -> None:
    page.get_by_role("link", name="Connections").click()
    page.get_by_role("link", name="Add an application first").click()
    page.get_by_label("Issuer").fill(stand.issuer)
    page.get_by_role("button", name="Read the issuer").click()
    expect(page.get_by_role("heading", name="What the issuer publishes")).to_be_visible()
    page.get_by_label("Client ID").fill("cli_newco")
    page.get_by_label("Client secret").fill("a secret")
    page.get_by_role("button", name="Save application").click()
    expect(page.get_by_text("Now register these addresses")).to_be_visible()
    expect(page.get_by_role("button", name="Copy Redirect URI")).to_be_visible()
    page.get_by_role("link", name="Connections").click()
    page.get_by_role("link", name="Add a connection").click()
    page.get_by_label("Name", exact=True).fill("Newco Okta")
    page.get_by_role("button", name="Add connection").click()
    expect(page.get_by_text("Newco Okta is added")).to_be_visible()


def lead_domain(page: Page, stand: AdminStand, domain: str) -> None:
    page.get_by_role("link", name="Domains").click()
    page.get_by_role("link", name=domain, exact=True).click()
    page.get_by_label("SSO optional").check()
    page.get_by_label("Newco Okta").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It holds from now on")).to_be_visible()


def try_connection(page: Page, *, passes: bool) -> None:
    page.get_by_role("link", name="Connections").click()
    page.get_by_role("link", name="Newco Okta").click()
    page.get_by_label("With the address").fill("it@newco.test")
    page.get_by_role("button", name="Start the test").click()
    words = "Every check passed" if passes else "Not every check passed"
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    expect(page.get_by_text("it@newco.test").first).to_be_visible()


def mark_break_glass(page: Page, stand: AdminStand) -> None:
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Nora Okonjo").click()
    if page.get_by_role("button", name="Mark as break-glass").count():
        page.get_by_label("Reason").fill("On call")
        page.get_by_role("button", name="Mark as break-glass").click()
        expect(page.get_by_text("is break-glass now")).to_be_visible()


def require(page: Page, stand: AdminStand, domain: str) -> None:
    page.get_by_role("link", name="Domains").click()
    page.get_by_role("link", name=domain, exact=True).click()
    page.get_by_label("SSO required").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("Not met"))).to_have_count(0)
    page.get_by_role("button", name="Require SSO").click()
    expect(page.get_by_text("It holds from now on")).to_be_visible()
    with stand.services.database.read() as connection:
        policy = select(DOMAINS.c.policy).where(DOMAINS.c.name == domain)
        assert connection.execute(policy).scalar_one() == "required"

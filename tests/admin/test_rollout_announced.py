"""A planned rollout is announced to the people of the domain, and told to whoever asks why."""

from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import insert, select, update

from portal.core.address import Address
from portal.core.registry import Policy
from portal.core.rollout_plan import PlanState, RolloutPlan, RolloutStep, WayNow
from portal.core.routing import in_rollout
from portal.store import rollout_plans
from portal.store.tables import CONNECTIONS, DOMAIN_CONNECTIONS, DOMAINS, USERS
from tests.admin.conftest import PASSWORD
from tests.builders import NOW, add_connection, change_tenant
from tests.visitor import Visitor

OPTIONAL = WayNow(Policy.OPTIONAL, 100)
SOON = RolloutStep((NOW + timedelta(days=8)).date(), 50)
LATER = RolloutStep((NOW + timedelta(days=40)).date(), 100)
WORDS = "From 1 December you sign in with Okta."
NAMES = [f"p{n}@acme.example" for n in range(50)]
REACHED = next(name for name in NAMES if in_rollout(Address.parse(name), 50))
LEFT_OUT = next(name for name in NAMES if not in_rollout(Address.parse(name), 50))


@pytest.fixture
def planned(services, world):
    def planned(**values):
        given = {"steps": (SOON, LATER), "before": OPTIONAL, "left": OPTIONAL, "due_at": SOON.at}
        made = RolloutPlan(planned_by="it@acme.example", planned_at=NOW, **{**given, **values})
        with services.database.transaction() as connection:
            rollout_plans.put(connection, world.acme.domain_id, made)

    planned()
    return planned


@pytest.fixture
def visitor(app):
    return Visitor(app, "http://localhost")


def discovered(visitor, email, **more):
    asked = {"email": email, "words": True, **more}
    return visitor.client.post("/auth/discover", json=asked, base_url=visitor.base).get_json()


def banner_of(text):
    return unescape(text.split('aria-live="polite">')[1].split("</aside>")[0])


def test_the_chooser_says_it_too(services, world, visitor, planned):
    with services.database.transaction() as connection:
        mine = CONNECTIONS.c.id == world.acme.connection_id
        client = connection.scalar(select(CONNECTIONS.c.client_id).where(mine))
        two = add_connection(connection, world.acme.id, key="two", name="Two", client_id=client)
        led = {"domain_id": world.acme.domain_id, "position": 1, "connection_id": two}
        connection.execute(insert(DOMAIN_CONNECTIONS).values(**led))
        change_tenant(connection, world.acme.id)
    chooser = visitor.submit(REACHED, is_sso="true").text
    assert "Choose how to sign in" in chooser
    assert "From 1 December you sign in with Okta or Two." in chooser
    assert "Announcement" not in visitor.submit(LEFT_OUT, is_sso="true").text


def test_the_page_says_from_when_once_the_domain_is_known(visitor, planned):
    assert banner_of(visitor.get("/login").text) == ""
    assert banner_of(visitor.get(f"/login?email={REACHED}").text) == WORDS
    assert banner_of(visitor.submit(REACHED, "wrong").text) == WORDS
    assert discovered(visitor, REACHED)["banner"] == WORDS
    assert discovered(visitor, "ann@elsewhere.example")["banner"] == ""


def test_discovery_says_nothing_but_the_way_unless_words_are_asked_for(visitor, planned):
    answer = discovered(visitor, REACHED, words=False)
    assert answer == {"method": "sso", "connections": [{"id": "acme-okta", "name": "Okta"}]}


def test_whether_there_is_an_account_changes_nothing(services, world, visitor, planned):
    before = discovered(visitor, REACHED)
    with services.database.transaction() as connection:
        mine = USERS.c.id == world.acme.member
        values = {"email": REACHED, "email_key": REACHED, "sso_exempt": True}
        connection.execute(update(USERS).where(mine).values(**values))
    assert discovered(visitor, REACHED) == before


def test_who_comes_later_hears_of_it_later(services, visitor, planned, clock):
    assert discovered(visitor, LEFT_OUT)["banner"] == ""
    clock.forward(days=26)
    assert discovered(visitor, LEFT_OUT)["banner"] == "From 2 January 2027 you sign in with Okta."


def test_the_page_of_the_company_speaks_of_its_domain(visitor, planned, clock):
    words = "From 1 December people of acme.example sign in with Okta."
    assert banner_of(visitor.get("/login/acme").text) == words
    assert banner_of(visitor.get("/login/globex").text) == ""


@pytest.mark.parametrize("state", [PlanState.HELD, PlanState.STOPPED, PlanState.DONE])
def test_a_plan_that_waits_or_is_over_announces_nothing(visitor, planned, state):
    planned(state=state)
    assert discovered(visitor, REACHED)["banner"] == ""
    assert banner_of(visitor.get("/login/acme").text) == ""


def test_a_plan_that_will_not_come_true_announces_nothing(services, visitor, planned):
    with services.database.transaction() as connection:
        connection.execute(update(DOMAINS).values(policy="password"))
    assert discovered(visitor, REACHED)["banner"] == ""


def test_the_dashboard_tells_who_signed_in_by_password(services, world, visitor, planned):
    planned(steps=(RolloutStep(SOON.on, 100),))
    assert visitor.submit("it@acme.example", PASSWORD).status_code == 303
    assert WORDS in unescape(visitor.get("/dashboard").text)
    with services.database.transaction() as connection:
        connection.execute(update(USERS).values(sso_exempt=True))
    assert WORDS not in unescape(visitor.get("/dashboard").text)


def test_why_an_address_goes_where_it_goes_tells_what_is_planned(admin, planned):
    path = "/admin/tenants/acme/explain?email="
    assert "From 1 December SSO is required." in admin.text(path + REACHED)
    assert "From 2 January 2027 SSO is required." in admin.text(path + LEFT_OUT)
    assert "SSO is required." not in admin.text(f"{path}ann@globex.example")

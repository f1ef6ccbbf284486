"""A sign-in that the provider starts: an app tile, or a link in a mail."""

import pytest
from sqlalchemy import update

from portal.store.tables import CLIENTS
from tests.builders import change_tenant
from tests.visitor import Visitor, error_of, query_of
from tests.web.conftest import PASSWORD


def test_address_with_a_clear_route_goes_to_the_provider_at_once(visitor, registry, provider):
    answer = visitor.get(
        "/auth/initiate?login_hint=ann@acme.example&target_link_uri=/dashboard?a=1"
    )
    assert answer.status_code == 302
    assert answer.location.startswith(provider.issuer)
    assert query_of(answer.location)["login_hint"] == "ann@acme.example"
    assert visitor.come_back(visitor.at_provider(answer)).location == "/dashboard?a=1"


def test_issuer_of_a_single_connection_is_enough(visitor, services, registry):
    with services.database.transaction() as connection:
        connection.execute(
            update(CLIENTS)
            .where(CLIENTS.c.id != registry.client)
            .values(issuer="https://other.example")
        )
        change_tenant(connection, registry.globex)
    issuer = services.registry.tenant("acme").connections[registry.okta].client.issuer
    answer = visitor.get("/auth/initiate", query_string={"iss": issuer})
    assert answer.location.startswith(issuer)


def test_issuer_of_several_connections_leads_to_the_sign_in_page(visitor, registry, provider):
    answer = visitor.get("/auth/initiate", query_string={"iss": provider.issuer})
    assert answer.location == "/login"


def test_issuer_that_is_none_of_ours_is_refused(visitor, registry):
    query = {"iss": "https://evil.example", "login_hint": "ann@acme.example"}
    assert error_of(visitor.get("/auth/initiate", query_string=query)) == "sso_unavailable"


def test_issuer_to_which_the_address_does_not_lead_decides_nothing(visitor, services, registry):
    with services.database.transaction() as connection:
        connection.execute(
            update(CLIENTS)
            .where(CLIENTS.c.id != registry.client)
            .values(issuer="https://other.example")
        )
    query = {"iss": "https://other.example", "login_hint": "ann@acme.example"}
    answer = visitor.get("/auth/initiate", query_string=query)
    assert answer.location == "/login?email=ann%40acme.example"


@pytest.mark.parametrize("email", ["ann@globex.example", "peter@initech.example", "x@y.example"])
def test_route_that_is_not_clear_leads_to_the_sign_in_page_with_what_is_known(
    visitor: Visitor, registry, email
):
    query = {"login_hint": email, "target_link_uri": "/dashboard?b=2"}
    answer = visitor.get("/auth/initiate", query_string=query)
    assert query_of(answer.location) == {"email": email, "next": "/dashboard?b=2"}


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_target_never_leads_out(visitor, registry, target):
    query = {"login_hint": "ann@acme.example", "target_link_uri": target}
    answer = visitor.get("/auth/initiate", query_string=query)
    assert visitor.come_back(visitor.at_provider(answer)).location == "/dashboard"


def test_own_absolute_address_is_a_target(visitor, registry):
    query = {
        "login_hint": "ann@acme.example",
        "target_link_uri": "http://localhost:5000/dashboard?c=3",
    }
    answer = visitor.get("/auth/initiate", query_string=query)
    assert visitor.come_back(visitor.at_provider(answer)).location == "/dashboard?c=3"


def test_nothing_known_leads_to_the_sign_in_page_with_the_target(visitor, registry):
    assert visitor.get("/auth/initiate").location == "/login"
    answer = visitor.get("/auth/initiate", query_string={"target_link_uri": "/dashboard?c=3"})
    assert answer.location == "/login?next=%2Fdashboard%3Fc%3D3"


def test_hint_that_is_no_address_is_not_a_way_in(visitor, registry):
    assert visitor.get("/auth/initiate?login_hint=nobody").location == "/login"


def test_request_may_come_as_a_form_too(visitor, registry, provider):
    form = {"iss": provider.issuer, "login_hint": "ann@acme.example"}
    answer = visitor.client.post("/auth/initiate", base_url=visitor.base, data=form)
    assert answer.location.startswith(provider.issuer)


def test_foreign_form_does_not_put_somebody_else_in_the_place_of_who_is_signed_in(
    visitor, registry, provider
):
    visitor.submit("peter@initech.example", PASSWORD)
    form = {"iss": provider.issuer, "login_hint": "ann@acme.example", "evil": "1"}
    # As browsers send another site's form: without the session (SameSite=Lax), with an Origin.
    blind = visitor.client.application.test_client(use_cookies=False)
    headers = {"Origin": "https://evil.example"}
    posted = blind.post("/auth/initiate", base_url=visitor.base, data=form, headers=headers)
    assert posted.status_code == 303
    assert "Set-Cookie" not in posted.headers
    assert posted.location.startswith("/auth/initiate?iss=")
    assert "evil=" not in posted.location
    # They send it along when they follow by GET: the sign-in page asks first.
    assert visitor.get(posted.location).location == "/login?email=ann%40acme.example"
    assert blind.get(posted.location, base_url=visitor.base).location.startswith(provider.issuer)


def test_answer_to_a_link_does_not_replace_who_signed_in_meanwhile(visitor, registry, provider):
    begun = visitor.get("/auth/initiate?login_hint=ann@acme.example")
    held_back = visitor.at_provider(begun)
    visitor.submit("peter@initech.example", PASSWORD)
    assert error_of(visitor.come_back(held_back)) == "state_mismatch"
    assert "peter@initech.example" in visitor.get("/dashboard").text


def test_answer_to_a_link_replaces_somebody_of_the_same_company(visitor, registry, provider):
    begun = visitor.get("/auth/initiate?login_hint=ann@acme.example")
    held_back = visitor.at_provider(begun)
    visitor.submit("it@acme.example", PASSWORD)
    assert visitor.come_back(held_back).status_code == 303
    assert "ann@acme.example" in visitor.get("/dashboard").text

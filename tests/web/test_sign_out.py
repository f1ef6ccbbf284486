"""Sign-out: here, at the provider, and when the provider says so."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from portal.cli.demo_provider import LIES, Lie, ProviderControl, Stage, Verdict
from portal.flows.outcomes import Visitor as Origin
from portal.flows.signing.sign_out import LogoutTaken, end_by_logout_token
from portal.store.tables import AUDIT, SESSIONS, SPENT
from tests.visitor import Visitor, query_of
from tests.web.conftest import PASSWORD


def post_logout(visitor: Visitor, token: str | list[str]):
    return visitor.client.post(
        "/auth/backchannel-logout", base_url=visitor.base, data={"logout_token": token}
    )


def sid_of(services) -> str:
    with services.database.read() as connection:
        return connection.execute(select(SESSIONS.c.sid)).scalars().first()


def test_page_has_one_button_and_get_signs_nobody_out(visitor, registry):
    visitor.submit("peter@initech.example", PASSWORD)
    page = visitor.get("/auth/logout")
    assert page.status_code == 200
    assert page.text.count("<button") == 1
    assert visitor.is_signed_in


def test_password_session_ends_here(visitor, services, registry):
    visitor.submit("peter@initech.example", PASSWORD)
    token = visitor.session_token
    response = visitor.post("/auth/logout")
    assert (response.status_code, response.location) == (303, "/auth/logged-out")
    assert visitor.session_token is None
    visitor.client.set_cookie("portal_session", token, domain="localhost")
    assert not visitor.is_signed_in
    with services.database.read() as connection:
        events = connection.execute(select(AUDIT.c.event)).scalars().all()
    assert "session:sign_out" in events


def test_sso_session_ends_here_and_at_the_provider(visitor, registry, provider):
    visitor.sign_in_by_sso("ann@acme.example")
    response = visitor.post("/auth/logout")
    query = query_of(response.location)
    assert response.status_code == 302
    assert response.location.startswith(provider.issuer)
    assert query["client_id"] == "portal"
    assert query["post_logout_redirect_uri"] == "http://localhost:5000/auth/logged-out"
    assert query["id_token_hint"].count(".") == 2
    assert not visitor.is_signed_in


@pytest.mark.parametrize("lie", ["metadata_no_end_session"])
def test_provider_without_sign_out_still_ends_the_session_here(visitor, registry, provider, lie):
    provider.lie(lie)
    visitor.sign_in_by_sso("ann@acme.example")
    assert visitor.post("/auth/logout").location == "/auth/logged-out"
    assert not visitor.is_signed_in


def test_sign_out_sent_twice_is_no_error(visitor, registry):
    visitor.submit("peter@initech.example", PASSWORD)
    assert visitor.post("/auth/logout").status_code == 303
    assert visitor.post("/auth/logout").status_code == 303
    assert visitor.get("/auth/logged-out").status_code == 200


def test_sign_out_needs_a_csrf_token(visitor, registry):
    visitor.submit("peter@initech.example", PASSWORD)
    response = visitor.client.post("/auth/logout", base_url=visitor.base)
    assert response.status_code == 400
    assert visitor.is_signed_in


def test_other_session_of_the_person_can_be_signed_out(app, visitor, registry, services):
    other = Visitor(app)
    other.submit("peter@initech.example", PASSWORD)
    with services.database.read() as connection:
        public_id = connection.execute(select(SESSIONS.c.public_id)).scalar_one()
    visitor.submit("peter@initech.example", PASSWORD)
    assert f"/auth/sessions/{public_id}/revoke" in visitor.get("/dashboard").text
    assert visitor.post(f"/auth/sessions/{public_id}/revoke").location == "/dashboard"
    assert not other.is_signed_in
    assert visitor.is_signed_in


def test_session_of_somebody_else_cannot_be_signed_out(app, visitor, registry, services):
    other = Visitor(app)
    other.submit("bob@globex.example", PASSWORD)
    with services.database.read() as connection:
        public_id = connection.execute(select(SESSIONS.c.public_id)).scalar_one()
    visitor.submit("peter@initech.example", PASSWORD)
    visitor.post(f"/auth/sessions/{public_id}/revoke")
    assert other.is_signed_in


def test_logout_token_with_sid_ends_that_session(visitor, services, registry, provider):
    visitor.sign_in_by_sso("ann@acme.example")
    token = provider.logout_token("portal", sid=sid_of(services))
    response = post_logout(visitor, token)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert not visitor.is_signed_in


def test_logout_token_with_sub_alone_ends_every_session_of_the_person(
    app, visitor, services, registry, provider
):
    second, stranger = Visitor(app), Visitor(app)
    visitor.sign_in_by_sso("ann@acme.example")
    second.sign_in_by_sso("ann@acme.example")
    stranger.sign_in_by_sso("bob@acme.example")
    provider.lie("logout_only_sub")
    token = provider.logout_token("portal", email="ann@acme.example")
    assert post_logout(visitor, token).status_code == 200
    assert not visitor.is_signed_in
    assert not second.is_signed_in
    assert stranger.is_signed_in


def test_logout_token_of_another_client_ends_nothing_of_this_one(
    visitor, services, registry, provider
):
    visitor.sign_in_by_sso("ann@acme.example")
    token = provider.logout_token("globex", sid=sid_of(services))
    assert post_logout(visitor, token).status_code == 200
    assert visitor.is_signed_in


def test_replayed_logout_token_is_refused(visitor, services, registry, provider):
    visitor.sign_in_by_sso("ann@acme.example")
    token = provider.logout_token("portal", sid=sid_of(services))
    assert post_logout(visitor, token).status_code == 200
    replay = post_logout(visitor, token)
    assert replay.status_code == 400
    assert replay.json["error"] == "invalid_request"
    assert "no-store" in replay.headers["Cache-Control"]


LOGOUT_LIES = {name: lie for name, lie in LIES.items() if Stage.LOGOUT_TOKEN in lie.hooks}


@pytest.mark.parametrize(
    ("name", "lie"), [pytest.param(name, lie, id=name) for name, lie in LOGOUT_LIES.items()]
)
def test_logout_token_that_lies_ends_nothing(
    visitor, services, registry, provider: ProviderControl, name: str, lie: Lie
):
    visitor.sign_in_by_sso("ann@acme.example")
    sid = sid_of(services)
    provider.lie(name)
    response = post_logout(
        visitor, provider.logout_token("portal", email="ann@acme.example", sid=sid)
    )
    assert response.status_code in {200, 400}
    if lie.verdict is Verdict.REFUSE:
        assert response.status_code == 400, f"{lie.does} ({lie.rule})"
        assert response.json["error"]
        assert visitor.is_signed_in
    elif lie.verdict is Verdict.ACCEPT:
        assert response.status_code == 200, f"{lie.does} ({lie.rule})"


@pytest.mark.parametrize("body", ["", "x", "a.b.c", "é" * 50, "." * 5000])
def test_what_is_no_logout_token_is_a_400_in_json(visitor, registry, body: str):
    response = post_logout(visitor, body)
    assert response.status_code == 400
    assert response.json["error"] == "invalid_request"


def test_two_logout_tokens_at_once_are_refused(visitor, registry):
    assert post_logout(visitor, ["a.b.c", "d.e.f"]).status_code == 400


def test_eight_senders_of_one_logout_token_have_one_winner(visitor, services, registry, provider):
    visitor.sign_in_by_sso("ann@acme.example")
    token = provider.logout_token("portal", sid=sid_of(services))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda _: end_by_logout_token(services, token, Origin()), range(8))
        )
    assert sum(isinstance(outcome, LogoutTaken) for outcome in outcomes) == 1


def test_refused_logout_token_is_not_spent(visitor, services, registry, provider):
    visitor.sign_in_by_sso("ann@acme.example")
    with services.database.read() as connection:
        before = len(connection.execute(select(SPENT)).all())
    post_logout(visitor, "a.b.c")
    with services.database.read() as connection:
        assert len(connection.execute(select(SPENT)).all()) == before


def test_front_channel_ends_the_session_of_that_issuer_and_sid(
    visitor, services, registry, provider
):
    visitor.sign_in_by_sso("ann@acme.example")
    sid = sid_of(services)
    wrong = visitor.get(f"/auth/frontchannel-logout?iss=https://evil.example&sid={sid}")
    assert wrong.status_code == 200
    assert visitor.is_signed_in
    answer = visitor.get(f"/auth/frontchannel-logout?iss={provider.issuer}&sid={sid}")
    assert answer.status_code == 200
    (policy,) = answer.headers.getlist("Content-Security-Policy")
    assert f"frame-ancestors {provider.issuer}" in policy
    assert "X-Frame-Options" not in answer.headers
    assert not visitor.is_signed_in


@pytest.mark.parametrize("query", ["", "iss=x", "sid=y", "iss=a&iss=b&sid=c"])
def test_front_channel_needs_issuer_and_sid(visitor, registry, query):
    assert visitor.get(f"/auth/frontchannel-logout?{query}").status_code == 400


def test_logout_token_that_ends_nothing_leaves_no_line_in_the_trail(
    services, visitor, registry, provider
):
    assert post_logout(visitor, provider.logout_token("portal", sid="nobodys")).status_code == 200
    with services.database.read() as connection:
        assert connection.execute(select(AUDIT)).all() == []

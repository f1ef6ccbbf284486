"""A trial sign-in: every check reported, nobody signed in, nothing changed."""

import pytest
from sqlalchemy import func, select, update

from portal.core.attempt import Purpose
from portal.core.redirects import SafePath
from portal.flows.outcomes import Visitor as Origin
from portal.flows.signing.sign_in import go_to_provider
from portal.store.tables import AUDIT, CONNECTIONS, IDENTITIES, SESSIONS, USERS
from tests.builders import change_tenant

BACK = SafePath("/admin/tenants/acme/connections/okta/trial")
ALL = ["state", "registry", "answer", "token", "identity", "claims", "address", "domain", "account"]


def run(visitor, services, registry, email="ann@acme.example"):
    bundle = services.registry.tenant("acme")
    begun = go_to_provider(
        services,
        bundle.tenant,
        bundle.connections[registry.okta],
        Origin(),
        email=email,
        next_path=BACK,
        purpose=Purpose.TRIAL,
    )
    visitor.client.set_cookie(
        f"portal_attempt_{begun.cookie_name}", begun.cookie_value, domain="localhost"
    )
    import requests

    answer = requests.get(begun.url, allow_redirects=False, timeout=10)
    return visitor.come_back(answer.headers["Location"])


def report(services):
    with services.database.read() as connection:
        return connection.execute(select(AUDIT).where(AUDIT.c.event == "connection:tried")).one()


def counts(services) -> list[int]:
    with services.database.read() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (USERS, IDENTITIES, SESSIONS)
        ]


def test_trial_passes_every_check_and_changes_nothing(visitor, services, registry):
    before = counts(services)
    response = run(visitor, services, registry)
    entry = report(services)
    assert response.location == f"{BACK}/{entry.reference}"
    assert entry.outcome == "success"
    assert [name for name, _, _ in entry.detail["checks"]] == ALL
    assert all(passed for _, passed, _ in entry.detail["checks"])
    assert entry.detail["claims"]["email"] == "ann@acme.example"
    assert entry.detail["claims"]["email_verified"] == "true"
    assert entry.detail["role"] == "member"
    assert "nonce" not in entry.detail["claims"]
    assert counts(services) == before
    assert not visitor.is_signed_in


@pytest.mark.parametrize(
    ("lie", "failed"),
    [
        ("answer_error_access_denied", "answer"),
        ("token_error_invalid_client", "token"),
        ("nonce_wrong", "identity"),
        ("email_unverified", "address"),
        ("email_other_domain", "domain"),
    ],
)
def test_trial_names_the_check_that_failed(visitor, services, registry, provider, lie, failed):
    provider.lie(lie)
    run(visitor, services, registry)
    entry = report(services)
    assert entry.outcome == "failed"
    outcomes = {name: passed for name, passed, _ in entry.detail["checks"]}
    assert list(outcomes) == ALL
    assert outcomes[failed] is False
    assert all(outcomes[name] for name in ALL[: ALL.index(failed)])
    assert not visitor.is_signed_in


def test_connection_that_is_off_can_be_tried(visitor, services, registry):
    with services.database.transaction() as connection:
        connection.execute(
            update(CONNECTIONS).where(CONNECTIONS.c.id == registry.okta).values(enabled=False)
        )
        change_tenant(connection, registry.acme)
    run(visitor, services, registry)
    assert report(services).outcome == "success"

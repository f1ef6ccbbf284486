"""The registry as the sign-in path reads it, on both databases."""

import itertools

import pytest
from sqlalchemy import event, update

from portal.core.address import Address, Domain
from portal.core.registry import AuthMethod, Client, EmailVerified, NewUsers, Policy, Role, Sealed
from portal.store.accounts import by_address
from portal.store.engine import Database
from portal.store.lookup import LookupRow, in_their_order
from portal.store.registry import Registry
from portal.store.tables import CONNECTIONS
from tests.builders import (
    add_client,
    add_connection,
    add_domain,
    add_tenant,
    add_user,
    change_tenant,
    make_client,
)

BASE = "http://localhost:5000"


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as connection:
        acme = add_tenant(connection, "acme", name="Acme", idle_minutes=5)
        client = add_client(connection, acme, auth_method="none", scopes=["openid"])
        okta = add_connection(
            connection,
            acme,
            client_id=client,
            roles={"admins": "admin"},
            require_claims={"tenant_id": "66f0"},
            new_users="refuse",
            email_verified="required",
            authorize_params={"prompt": "login"},
        )
        plain = add_connection(connection, acme, key="plain", name="Plain")
        add_domain(connection, acme, connections=(plain, okta), policy="required", rollout=30)
        add_domain(connection, acme, "eu.acme.example", subdomains=True)
    return database


def candidates(database: Database, name: str, **values):
    registry = Registry(database, base_url=BASE, **values)
    return registry.candidates(Domain.parse(name))


def test_domain_comes_with_its_tenant_and_its_connections_in_order(filled):
    (rule,) = candidates(filled, "acme.example")
    assert (rule.domain.name, rule.policy, rule.rollout) == ("acme.example", Policy.REQUIRED, 30)
    assert rule.tenant.idle_minutes == 5
    assert [connection.slug for connection in rule.connections] == ["plain", "okta"]
    okta = rule.connections[1]
    assert okta.roles == {"admins": Role.ADMIN}
    assert okta.require_claims == {"tenant_id": "66f0"}
    assert okta.new_users is NewUsers.REFUSE
    assert okta.email_verified is EmailVerified.REQUIRED
    assert okta.authorize_params == {"prompt": "login"}
    assert okta.client == Client(
        key="main",
        tenant="acme",
        issuer="https://idp.example",
        client_id="portal",
        redirect_uri=f"{BASE}/auth/callback/acme",
        auth_method=AuthMethod.NONE,
        scopes=("openid",),
        secret=Sealed(b"sealed"),
    )


def test_parents_are_candidates_too(filled):
    names = {rule.domain.name for rule in candidates(filled, "x.eu.acme.example")}
    assert names == {"eu.acme.example", "acme.example"}


def test_unknown_domain_has_no_candidates(filled):
    assert candidates(filled, "elsewhere.example") == []


def test_connection_without_client_goes_through_the_default_one(filled):
    default = make_client(tenant=None)
    (rule,) = candidates(filled, "acme.example", default_client=default)
    assert rule.connections[0].client is default
    (rule,) = candidates(filled, "acme.example")
    assert not rule.connections[0].usable


def test_change_is_seen_by_every_reader_at_once(filled):
    one, other = (Registry(filled, base_url=BASE) for _ in range(2))
    domain = Domain.parse("acme.example")
    assert all(r.candidates(domain)[0].connections[1].enabled for r in (one, other))
    with filled.transaction() as connection:
        connection.execute(
            update(CONNECTIONS).where(CONNECTIONS.c.key == "okta").values(enabled=False)
        )
        change_tenant(connection, 1)
    assert not any(r.candidates(domain)[0].connections[1].enabled for r in (one, other))


def test_lookup_is_one_statement_once_the_tenant_is_known(filled, monkeypatch):
    registry = Registry(filled, base_url=BASE)
    domain = Domain.parse("x.y.eu.acme.example")
    registry.candidates(domain)
    seen: list[str] = []
    fetch = Database.fetch
    monkeypatch.setattr(
        Database, "fetch", lambda *given: seen.append(given[1].sql) or fetch(*given)
    )
    event.listen(filled.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    registry.candidates(domain)
    assert len(seen) == 1


def test_account_of_the_address_comes_with_the_same_query(filled):
    with filled.transaction() as connection:
        home = add_tenant(connection, "home", status="suspended")
        add_user(connection, "Ann@acme.example", home, role="member", group_role="admin")
    registry = Registry(filled, base_url=BASE)
    rules, account = registry.candidates_and_account(Address.parse("ann@ACME.example"))
    assert [rule.domain.name for rule in rules] == ["acme.example"]
    with filled.read() as connection:
        assert account == by_address(connection, Address.parse("ann@acme.example"))
    assert account.role is Role.ADMIN
    assert account.tenant.suspended
    assert registry.candidates_and_account(Address.parse("bob@acme.example"))[1] is None


def test_database_that_is_gone_is_named_so(tmp_path):
    from portal.store.engine import DatabaseGoneError

    gone = Database(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    with pytest.raises(DatabaseGoneError):
        candidates(gone, "acme.example")


def test_same_domain_of_two_tenants_gives_both_entries(filled):
    with filled.transaction() as connection:
        other = add_tenant(connection, "evil")
        add_domain(connection, other, verified=False)
    slugs = {rule.tenant.slug for rule in candidates(filled, "acme.example")}
    assert slugs == {"acme", "evil"}


def test_domain_can_be_verified_for_one_tenant_alone(filled):
    from portal.store.engine import IntegrityError

    with filled.transaction() as connection:
        other = add_tenant(connection, "evil")
    with pytest.raises(IntegrityError), filled.transaction() as connection:
        add_domain(connection, other, verified=True)


def test_connections_are_found_by_issuer(filled):
    registry = Registry(filled, base_url=BASE)
    ((tenant, connection),) = registry.by_issuer("https://idp.example")
    assert (tenant.slug, connection.slug) == ("acme", "okta")
    assert registry.by_issuer("https://evil.example") == []
    assert [client.client_id for client in registry.clients_at("https://idp.example")] == ["portal"]


def test_rows_are_put_in_order_however_a_database_gives_them():
    def row(entry: int, position: int | None) -> tuple[object, ...]:
        given = dict.fromkeys(LookupRow._fields) | {"id": entry, "position": position}
        return tuple(given.values())

    wanted = [row(1, None), row(2, 0), row(2, 1), row(2, 2), row(3, 0)]
    for found in itertools.permutations(wanted):
        assert in_their_order(list(found)) == wanted

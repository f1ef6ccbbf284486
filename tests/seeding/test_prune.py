"""What an apply keeps, and what a prune removes: never what people made in the admin pages."""

import pytest
from sqlalchemy import text

from portal.core.changes import Action
from tests.seeding.conftest import NOW

FULL = """
    tenant: acme
    name: Acme
    clients:
      main: {issuer: "https://auth.ssojet.com", client_id: a}
      old: {issuer: "https://auth.ssojet.com", client_id: b}
    connections:
      okta: {name: Okta, client: main}
      entra: {name: Entra, client: old}
    domains:
      acme.example: {connection: okta}
      old.example: {connection: entra, policy: required}
    users:
      - {email: it@acme.example, role: admin}
      - {email: old@acme.example}
"""
LESS = """
    tenant: acme
    name: Acme
    clients:
      main: {issuer: "https://auth.ssojet.com", client_id: a}
    connections:
      okta: {name: Okta, client: main}
    domains:
      acme.example: {connection: okta}
    users:
      - {email: it@acme.example, role: admin}
"""
GLOBEX = """
    tenant: globex
    name: Globex
    connections: {google: {name: Google}}
    domains: {globex.example: {connection: google}}
    users: [{email: hank@globex.example}]
"""


@pytest.fixture
def full(seeds, database):
    seeds.write(acme=FULL, globex=GLOBEX, ops="operators: [{email: ops@portal.example}]")
    seeds.apply(database)
    return seeds


def by_action(outcome) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for change in outcome.plan.changes:
        found.setdefault(change.action.value, set()).add(f"{change.kind} {change.key}")
    return found


def make_in_the_admin_pages(database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(statement))


def test_without_prune_everything_is_kept_and_listed(full, database, whole):
    before = whole(database)
    full.write(acme=LESS)
    full.remove("globex.yaml", "ops.yaml")
    outcome = full.apply(database)
    assert whole(database) == before
    assert by_action(outcome) == {
        "kept": {
            "tenant globex",
            "client old",
            "connection entra",
            "user old@acme.example",
            "operator ops@portal.example",
        }
    }
    assert outcome.plan.domains["acme"].kept == 1


def test_prune_removes_what_a_seed_made_and_disables_people(full, database, rows):
    full.write(acme=LESS)
    outcome = full.apply(database, prune=True)
    assert by_action(outcome) == {
        "removed": {"client old", "connection entra"},
        "disabled": {"user old@acme.example"},
    }
    assert rows(database, "SELECT name FROM domains ORDER BY name") == [
        {"name": "acme.example"},
        {"name": "globex.example"},
    ]
    assert [c["key"] for c in rows(database, "SELECT key FROM clients")] == ["main"]
    [user] = rows(database, "SELECT disabled FROM users WHERE email = 'old@acme.example'")
    assert user["disabled"]
    assert full.apply(database, prune=True).change_set is None


def test_prune_removes_a_whole_tenant_with_what_people_made_in_it(full, database, rows):
    make_in_the_admin_pages(
        database,
        "INSERT INTO domains (name, tenant_id, policy, subdomains, verified, rollout, origin) "
        "SELECT 'hand.example', id, 'password', false, true, 100, 'admin' FROM tenants "
        "WHERE slug = 'globex'",
    )
    full.remove("globex.yaml")
    outcome = full.apply(database, prune=True)
    assert by_action(outcome) == {"removed": {"tenant globex"}}
    assert rows(database, "SELECT slug FROM tenants") == [{"slug": "acme"}]
    assert (
        rows(database, "SELECT * FROM domains WHERE name IN ('globex.example','hand.example')")
        == []
    )
    assert rows(database, "SELECT * FROM users WHERE email = 'hank@globex.example'") == []
    entries = rows(database, "SELECT outcome, tenant_id FROM audit WHERE object = 'tenant globex'")
    assert [entry["outcome"] for entry in entries] == ["created", "removed"]
    assert entries[0]["tenant_id"] == entries[1]["tenant_id"] is not None


def test_prune_keeps_and_lists_what_people_made_in_the_admin_pages(full, database, whole):
    for statement in (
        "UPDATE tenants SET origin = 'admin' WHERE slug = 'globex'",
        "UPDATE clients SET origin = 'admin' WHERE key = 'old'",
        "UPDATE connections SET origin = 'admin' WHERE key = 'entra'",
        "UPDATE domains SET origin = 'admin' WHERE name = 'old.example'",
        "UPDATE users SET origin = 'admin' WHERE email = 'old@acme.example'",
    ):
        make_in_the_admin_pages(database, statement)
    before = whole(database)
    full.write(acme=LESS)
    full.remove("globex.yaml")
    outcome = full.apply(database, prune=True)
    assert whole(database) == before
    assert {"tenant globex", "client old", "connection entra"} <= by_action(outcome)["kept"]
    assert outcome.plan.domains["acme"].kept == 1


def test_prune_keeps_a_connection_that_a_domain_of_the_admin_pages_leads_to(full, database, rows):
    make_in_the_admin_pages(
        database, "UPDATE domains SET origin = 'admin' WHERE name = 'old.example'"
    )
    full.write(acme=LESS)
    outcome = full.apply(database, prune=True)
    kept = {c.key: c.note for c in outcome.plan.changes if c.action is Action.KEPT}
    assert kept == {
        "entra": "the domain old.example leads to it",
        "old": "the connection entra goes through it",
    }
    assert len(rows(database, "SELECT * FROM connections WHERE key = 'entra'")) == 1


def test_a_domain_moves_between_tenants_where_prune_frees_it(full, database, rows):
    full.write(
        acme=LESS,
        globex=GLOBEX.replace("{globex.example:", "{old.example: {}, globex.example:"),
    )
    assert "old.example is held by tenant acme" in full.refused(database)[0]
    full.apply(database, prune=True)
    [row] = rows(
        database,
        "SELECT slug FROM domains d JOIN tenants t ON t.id = d.tenant_id "
        "WHERE d.name = 'old.example'",
    )
    assert row == {"slug": "globex"}


def test_an_address_moves_to_another_tenant_where_its_tenant_goes(full, database, rows):
    full.remove("globex.yaml")
    full.write(acme=LESS.rstrip() + "\n      - {email: hank@globex.example}\n")
    full.apply(database, prune=True)
    [row] = rows(
        database,
        "SELECT slug FROM users u JOIN tenants t ON t.id = u.tenant_id "
        "WHERE u.email_key = 'hank@globex.example'",
    )
    assert row == {"slug": "acme"}


def test_somebody_whom_a_prune_disabled_is_enabled_by_the_file_again(full, database, rows):
    full.write(acme=LESS)
    full.apply(database, prune=True)
    full.write(acme=FULL)
    full.apply(database, prune=True)
    query = "SELECT disabled, origin FROM users WHERE email = 'old@acme.example'"
    assert rows(database, query) == [{"disabled": False, "origin": "seed"}]
    assert full.apply(database, prune=True).change_set is None


def test_somebody_whom_an_admin_disabled_stays_disabled(full, database, rows):
    make_in_the_admin_pages(
        database, "UPDATE users SET disabled = true WHERE email = 'old@acme.example'"
    )
    assert full.apply(database).change_set is None
    [user] = rows(database, "SELECT disabled FROM users WHERE email = 'old@acme.example'")
    assert user["disabled"]


def test_one_file_prunes_within_its_own_tenant_alone(full, database, rows, cheap_passwords):
    from portal.flows.changes.registry_changes import apply
    from portal.seeding.folder import read_folder

    full.write(acme=LESS)
    outcome = apply(
        database,
        full.vault,
        cheap_passwords,
        read_folder(full.folder / "acme.yaml"),
        now=NOW,
        by="olu",
        environ={},
        prune=True,
    )
    assert by_action(outcome)["removed"] == {"client old", "connection entra"}
    assert len(rows(database, "SELECT * FROM tenants")) == 2
    assert rows(database, "SELECT disabled FROM users WHERE role = 'operator'")[0]["disabled"] in (
        False,
        0,
    )


def test_operators_without_a_file_any_more_are_disabled_by_prune(full, database, rows):
    full.remove("ops.yaml")
    full.apply(database, prune=True)
    [operator] = rows(database, "SELECT disabled FROM users WHERE role = 'operator'")
    assert operator["disabled"]


def test_prune_of_thousands_of_domains_leaves_the_others(full, database, rows):
    lines = [f"acme,bulk-{number}.example,okta,required" for number in range(3000)]
    header = "tenant,domain,connection,policy\n"
    full.write(bulk_csv=header + "\n".join(lines) + "\n")
    full.apply(database)
    full.write(bulk_csv=header + "\n".join(lines[:10]) + "\n")
    outcome = full.apply(database, prune=True)
    assert outcome.plan.domains["acme"].removed == 2990
    [found] = rows(database, "SELECT count(*) AS n FROM domains WHERE name LIKE 'bulk-%'")
    assert found == {"n": 10}
    [links] = rows(
        database,
        "SELECT count(*) AS n FROM domain_connections WHERE domain_id NOT IN "
        "(SELECT id FROM domains)",
    )
    assert links == {"n": 0}

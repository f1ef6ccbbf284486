"""Applying seed files: the registry becomes what they say, all of it or nothing, once."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from portal.flows.changes.registry_changes import PlanIsStaleError, open_seed_run
from portal.flows.changes.seed_terms import BY_OPERATOR
from portal.seeding.folder import read_folder
from portal.store.engine import DatabaseGoneError
from portal.store.workbench import _LOCK
from tests.seeding.conftest import NOW

ACME = """
    tenant: acme
    name: Acme Corporation
    clients:
      main:
        issuer: https://auth.ssojet.com
        client_id: acme-portal
        client_secret: env:ACME_SECRET
    connections:
      okta: {name: Acme Okta, client: main, ssojet_connection: conn_acme}
      entra: {name: Acme Entra}
    domains:
      acme.example: {connection: okta, policy: required, rollout: 50, subdomains: true}
      both.example: {connections: [entra, okta]}
      plain.example:
    users:
      - {email: It@acme.example, name: Iris Tan, role: admin, password: env:IT, sso_exempt: true}
    session: {idle_minutes: 5, absolute_hours: 2}
"""
OPERATORS = """
    operators:
      - {email: ops@portal.example, name: Olu Pratt, password: env:OPS}
"""


@pytest.fixture
def acme(seeds):
    seeds.environ = {"ACME_SECRET": "s3cret", "IT": "iris", "OPS": "olu"}
    return seeds.write(acme=ACME, operators=OPERATORS)


def test_the_registry_becomes_what_the_files_say(acme, database, rows):
    acme.apply(database)
    assert rows(
        database, "SELECT slug, name, status, idle_minutes, absolute_hours FROM tenants"
    ) == [
        {
            "slug": "acme",
            "name": "Acme Corporation",
            "status": "active",
            "idle_minutes": 5,
            "absolute_hours": 2,
        }
    ]
    domains = rows(
        database, "SELECT name, policy, subdomains, verified, rollout FROM domains ORDER BY name"
    )
    assert [tuple(row.values()) for row in domains] == [
        ("acme.example", "required", True, True, 50),
        ("both.example", "optional", False, True, 100),
        ("plain.example", "password", False, True, 100),
    ]
    ways = rows(
        database,
        "SELECT d.name, c.key FROM domain_connections l JOIN domains d ON d.id = l.domain_id "
        "JOIN connections c ON c.id = l.connection_id ORDER BY d.name, l.position",
    )
    assert [tuple(row.values()) for row in ways] == [
        ("acme.example", "okta"),
        ("both.example", "entra"),
        ("both.example", "okta"),
    ]
    people = rows(
        database, "SELECT email, email_key, role, sso_exempt, origin FROM users ORDER BY email_key"
    )
    assert [tuple(row.values()) for row in people] == [
        ("It@acme.example", "it@acme.example", "admin", True, "seed"),
        ("ops@portal.example", "ops@portal.example", "operator", False, "seed"),
    ]


def test_a_second_apply_changes_nothing(acme, database, whole):
    acme.apply(database)
    before = whole(database)
    assert acme.apply(database).change_set is None
    assert whole(database) == before


def test_secrets_are_sealed_and_passwords_hashed(acme, database, rows):
    acme.apply(database)
    [client] = rows(database, "SELECT secret, secret_ref FROM clients")
    assert b"s3cret" not in bytes(client["secret"])
    assert client["secret_ref"] == "env:ACME_SECRET"
    [user] = rows(database, "SELECT password_hash FROM users WHERE role = 'admin'")
    assert acme.passwords.verify(user["password_hash"], "iris")


def test_a_new_value_behind_a_reference_is_a_change(acme, database, rows):
    acme.apply(database)
    before = rows(database, "SELECT secret FROM clients")
    acme.environ["ACME_SECRET"] = "another"
    outcome = acme.apply(database)
    [change] = [change for change in outcome.plan.changes if change.is_pending]
    assert [field.name for field in change.fields] == ["client_secret"]
    assert rows(database, "SELECT secret FROM clients") != before


def test_a_changed_password_is_a_change_and_an_equal_one_is_none(acme, database, rows):
    acme.apply(database)
    acme.environ["IT"] = "new"
    acme.apply(database)
    [user] = rows(database, "SELECT password_hash FROM users WHERE role = 'admin'")
    assert acme.passwords.verify(user["password_hash"], "new")
    assert acme.apply(database).change_set is None


def test_a_new_secret_is_stored_beside_the_old_one_until_it_has_worked(acme, database, rows):
    acme.apply(database)
    [before] = rows(database, "SELECT secret FROM clients")
    acme.environ["ACME_SECRET"] = "another"
    acme.apply(database)
    [after] = rows(database, "SELECT secret, old_secret, secret_set_at FROM clients")
    assert after["old_secret"] == before["secret"]
    assert after["secret"] != before["secret"]
    assert after["secret_set_at"] is not None
    acme.write(acme=ACME.replace("client_id: acme-portal", "client_id: acme-renamed"))
    acme.apply(database)
    assert rows(database, "SELECT old_secret FROM clients") == [{"old_secret": None}]


def test_a_secret_that_is_left_out_is_kept(acme, database, rows):
    acme.apply(database)
    before = rows(database, "SELECT secret, secret_ref FROM clients")
    acme.write(acme=ACME.replace("client_secret: env:ACME_SECRET", ""))
    assert acme.apply(database).change_set is None
    assert rows(database, "SELECT secret, secret_ref FROM clients") == before


def test_a_file_reference_is_relative_to_the_folder(acme, database, rows):
    (acme.folder / "secret.txt").write_text("from-a-file\n")
    acme.write(acme=ACME.replace("env:ACME_SECRET", "file:secret.txt"))
    acme.apply(database)
    assert rows(database, "SELECT secret_ref FROM clients") == [{"secret_ref": "file:secret.txt"}]
    assert acme.apply(database).change_set is None


def test_references_that_hold_nothing_are_all_named(acme, database, rows):
    acme.environ = {}
    assert acme.refused(database) == [
        "acme.yaml:7: clients.main.client_secret: ACME_SECRET is not set in the environment",
        "acme.yaml:16: users[0].password: IT is not set in the environment",
        "operators.yaml:2: operators[0].password: OPS is not set in the environment",
    ]
    assert rows(database, "SELECT * FROM tenants") == []


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("Acme Corporation", "Acme Inc", "name"),
        ("idle_minutes: 5", "idle_minutes: 6", "idle_minutes"),
        ("acme-portal", "acme-two", "client_id"),
        ("client: main, ", "", "client"),
        ("Acme Entra", "Entra", "name"),
        ("rollout: 50", "rollout: 60", "rollout"),
        ("policy: required", "policy: optional", "policy"),
        ("subdomains: true", "subdomains: false", "subdomains"),
        ("[entra, okta]", "[okta, entra]", "connections"),
        ("[entra, okta]", "[okta]", "connections"),
        ("connection: okta", "connections: [okta, entra]", "connections"),
        ("role: admin", "role: member", "role"),
        ("sso_exempt: true", "sso_exempt: false", "sso_exempt"),
        ("Iris Tan", "Iris", "name"),
        ("It@", "it@", "email"),
    ],
)
def test_each_field_is_changed_alone_and_then_settled(acme, database, rows, old, new, field):
    acme.apply(database)
    acme.write(acme=ACME.replace(old, new))
    with open_seed_run(
        database,
        read_folder(acme.folder),
        vault=acme.vault,
        passwords=acme.passwords,
        environ=acme.environ,
    ) as run:
        plan = run.plan()
        changes = [c for c in (*plan.changes, *run.domain_changes()) if c.is_pending]
        assert [[f.name for f in change.fields] for change in changes] == [[field]]
        run.apply(plan, now=NOW, by="olu")
    assert acme.apply(database).change_set is None


def test_running_portals_hear_of_a_change_by_the_tenants_version(acme, database, rows):
    acme.apply(database)
    acme.write(globex="tenant: globex\nname: Globex\n")
    acme.apply(database)
    before = rows(database, "SELECT slug, version FROM tenants ORDER BY slug")
    acme.write(acme=ACME.replace("rollout: 50", "rollout: 60"))
    acme.apply(database)
    after = rows(database, "SELECT slug, version FROM tenants ORDER BY slug")
    assert after[0]["version"] > before[0]["version"]
    assert after[1] == before[1]


def test_everything_is_in_the_trail_as_one_change_set_without_secrets(acme, database, rows):
    outcome = acme.apply(database, by="Olu Pratt")
    entries = rows(database, "SELECT * FROM audit")
    assert {entry["change_set"] for entry in entries} == {outcome.change_set}
    assert {entry["actor"] for entry in entries} == {"Olu Pratt"}
    objects = {entry["object"] for entry in entries}
    assert {"tenant acme", "client acme/main", "domain acme/acme.example"} <= objects
    for secret in acme.environ.values():
        assert f'"{secret}"' not in str(entries)
        assert f"'{secret}'" not in str(entries)
    of_acme = {entry["tenant_id"] for entry in entries if "acme" in entry["object"]}
    assert None not in of_acme


def test_domains_by_the_thousand_share_entries_of_the_trail_that_name_each(acme, database, rows):
    lines = [f"acme,bulk-{number}.example,okta,required" for number in range(2500)]
    acme.write(bulk_csv="\n".join(["tenant,domain,connection,policy", *lines, ""]))
    acme.apply(database)
    entries = rows(database, "SELECT object, detail FROM audit WHERE object LIKE '%domains'")
    assert len(entries) == 3
    assert all(f"bulk-{number}.example" in str(entries) for number in range(2500))


def test_what_goes_wrong_on_the_way_leaves_the_old_registry(acme, database, whole, monkeypatch):
    acme.apply(database)
    before = whole(database)
    acme.write(
        acme=ACME.replace("Acme Corporation", "New"), globex="tenant: globex\nname: Globex\n"
    )

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("portal.store.domain_plan.DomainPlan.write", fails)
    with pytest.raises(RuntimeError):
        acme.apply(database)
    assert whole(database) == before
    monkeypatch.undo()
    assert acme.apply(database).change_set is not None


def test_a_plan_is_refused_when_the_registry_changed_since(acme, database, whole):
    acme.apply(database)
    acme.write(acme=ACME.replace("Acme Corporation", "Acme Inc"))
    with open_seed_run(
        database,
        read_folder(acme.folder),
        vault=acme.vault,
        passwords=acme.passwords,
        environ=acme.environ,
    ) as run:
        plan = run.plan()
        with database.transaction() as connection:
            connection.execute(text("UPDATE domains SET rollout = 1 WHERE name = 'acme.example'"))
        before = whole(database)
        with pytest.raises(PlanIsStaleError):
            run.apply(plan, now=NOW, by="olu")
        assert whole(database) == before
        run.apply(run.plan(), now=NOW, by="olu")
    assert acme.apply(database).change_set is None


def test_a_csv_may_name_a_tenant_that_only_the_registry_has(acme, database, rows):
    acme.apply(database)
    acme.remove("acme.yaml")
    acme.write(
        bulk_csv="""
        tenant,domain,connection,policy
        acme,one.example,okta,required
        acme,two.example,entra|okta,
        """.replace("    ", "")
    )
    acme.apply(database)
    found = rows(database, "SELECT policy FROM domains WHERE name IN ('one.example','two.example')")
    assert sorted(row["policy"] for row in found) == ["optional", "required"]
    assert acme.apply(database).change_set is None


def test_a_csv_that_names_what_no_registry_has_is_refused(acme, database):
    acme.apply(database)
    acme.remove("acme.yaml")
    header = "tenant,domain,connection,policy\n"
    acme.write(bulk_csv=header + "acmee,one.example,okta,\nacme,two.example,okat,required\n")
    assert acme.refused(database) == [
        (
            'bulk.csv:2: tenant: no file and no registry has a tenant "acmee"; '
            'describe it in a file, or mend the row; did you mean "acme"?'
        ),
        'bulk.csv:3: connection: tenant acme has no connection "okat"; did you mean "okta"?',
    ]


def test_a_domain_that_another_tenant_holds_is_refused_naming_both_places(acme, database, whole):
    acme.apply(database)
    before = whole(database)
    acme.remove("acme.yaml")
    acme.write(globex="tenant: globex\nname: Globex\ndomains:\n  ACME.example:\n")
    assert acme.refused(database) == [
        (
            "globex.yaml:4: domains.acme.example: acme.example is held by tenant acme in the "
            "registry; --prune would free it"
        )
    ]
    assert whole(database) == before


def test_an_address_that_is_somebody_elses_account_is_refused(acme, database, whole):
    acme.apply(database)
    before = whole(database)
    acme.remove("acme.yaml", "operators.yaml")
    acme.write(
        globex="""
        tenant: globex
        name: Globex
        users:
          - {email: IT@acme.example}
          - {email: ops@portal.example}
        """
    )
    assert acme.refused(database) == [
        (
            "globex.yaml:4: users[0].email: it@acme.example is a user of tenant acme in the "
            "registry; an address is one"
        ),
        (
            "globex.yaml:5: users[1].email: ops@portal.example is an operator in the registry; "
            "an address is one"
        ),
    ]
    assert whole(database) == before


def test_a_password_hash_is_stored_as_it_is(acme, database, rows):
    hashed = acme.passwords.hash("iris")
    acme.write(acme=ACME.replace("password: env:IT", f'password_hash: "{hashed}"'))
    acme.apply(database)
    assert rows(database, "SELECT password_hash FROM users WHERE role = 'admin'") == [
        {"password_hash": hashed}
    ]
    assert acme.apply(database).change_set is None


SIGNING = """
    tenant: acme
    name: Acme
    clients:
      main:
        issuer: https://idp.example
        client_id: a
        auth_method: private_key_jwt
        private_key: file:key.pem
"""


@pytest.mark.parametrize("pem", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAA==\n"])
def test_what_is_no_private_key_is_refused_before_anybody_signs_in_by_it(seeds, database, pem):
    (seeds.folder / "key.pem").write_text(pem)
    seeds.write(acme=SIGNING)
    assert seeds.refused(database) == [
        "acme.yaml:8: clients.main.private_key: holds no PEM private key without a passphrase"
    ]


def test_a_domain_that_waits_for_its_proof_gets_a_challenge_and_stays_proven(seeds, database, rows):
    claim = "tenant: acme\nname: Acme\ndomains: {acme.example: {verified: false%s}}\n"
    seeds.write(acme=claim % "")
    seeds.apply(database)
    assert len(rows(database, "SELECT token FROM domain_proofs")) == 1
    with database.transaction() as connection:
        connection.execute(text("UPDATE domain_proofs SET proven_at = '2026-11-23 12:00:00'"))
        connection.execute(text("UPDATE domains SET verified = true"))
    assert seeds.apply(database).change_set is None
    seeds.write(acme=claim % ", rollout: 50")
    seeds.apply(database)
    [domain] = rows(database, "SELECT verified, rollout FROM domains")
    assert (bool(domain["verified"]), domain["rollout"]) == (True, 50)
    seeds.write(acme=claim.replace("false", "true") % "")
    seeds.apply(database)
    assert len(rows(database, "SELECT token FROM domain_proofs")) == 1


def test_what_only_the_files_vouched_for_is_unverified_when_they_do_not(seeds, database, rows):
    vouched = "tenant: acme\nname: Acme\ndomains: {acme.example: {verified: true}}\n"
    seeds.write(acme=vouched)
    seeds.apply(database)
    seeds.write(acme=vouched.replace("verified: true", "verified: false"))
    seeds.apply(database)
    assert not rows(database, "SELECT verified FROM domains")[0]["verified"]


def test_somebody_before_a_browser_does_not_wait_for_ever_for_another_writer(acme, database, rows):
    def write_while_another_one_writes():
        with open_seed_run(
            database,
            read_folder(acme.folder),
            vault=acme.vault,
            passwords=acme.passwords,
            environ=acme.environ,
            terms=replace(BY_OPERATOR, patience=1),
        ) as run:
            plan = run.plan()
            with database.transaction() as other:
                if not database.is_sqlite:
                    other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                run.apply(plan, now=NOW, by="olu")

    with pytest.raises(DatabaseGoneError):
        write_while_another_one_writes()
    assert rows(database, "SELECT slug FROM tenants") == []

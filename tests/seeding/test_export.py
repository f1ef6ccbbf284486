"""The registry written back as files: they apply with no change here and on an empty database."""

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import insert, select, text

from portal.crypto import Vault, new_key
from portal.flows.changes.seed_export import ExportError, export
from portal.flows.changes.seed_update import update
from portal.store.engine import Database
from portal.store.tables import TENANTS, USERS
from tests.databases import migrate
from tests.seeding.conftest import NOW, Seeds

ACME = """
    # Everything about Acme.
    tenant: acme
    name: Acme   # the short name

    clients:
      main:
        issuer: https://auth.ssojet.com
        client_id: acme-portal
        client_secret: env:SECRET    # in the vault
        scopes: [openid, email]
      literal: {issuer: "https://two.example", client_id: two, client_secret: in-the-clear}
      signing:
        issuer: https://three.example
        client_id: three
        auth_method: private_key_jwt
        private_key: file:key.pem
    connections:
      okta:
        name: Acme Okta
        client: main
        authorize_params: {prompt: login}
        require_claims: {tenant_id: "66f0", level: 3}
        role_claim: groups
        roles: {admins: admin}
      entra: {name: "Acme: Entra", enabled: false, email_verified: required, new_users: refuse}

    domains:
      # the first one
      acme.example: {connection: okta, policy: required, rollout: 20, subdomains: true}
      both.example:
        connections: [entra, okta]
      plain.example:
      later.example: {verified: false}
    users:
      - email: It@acme.example   # break-glass
        name: "007"
        role: admin
        password: env:IT
        sso_exempt: true
      - {email: plain@acme.example}
    session: {idle_minutes: 5}
"""


@pytest.fixture
def filled(seeds, database):
    seeds.environ = {"SECRET": "s3cret", "IT": "iris", "OPS": "olu", "SEED_KEY": new_key()}
    (seeds.folder / "key.pem").write_text(ECKey.generate_key("P-256").as_pem(private=True).decode())
    lines = [f"globex,bulk-{number}.example,google," for number in range(150)]
    seeds.write(
        acme=ACME,
        ops="operators: [{email: ops@portal.example, password: env:OPS}]",
        globex="tenant: globex\nname: Globex\nconnections: {google: {name: Google}}\n",
        bulk_csv="\n".join(["tenant,domain,connection,policy", *lines, ""]),
    )
    seeds.apply(database)
    return seeds


@pytest.fixture
def exported(filled, database, tmp_path):
    """The registry of `filled` in a folder of its own."""
    other = Seeds(tmp_path / "exported", filled.vault, filled.passwords)
    other.environ = filled.environ
    export(database, filled.vault, other.folder, key="env:SEED_KEY", environ=filled.environ)
    (other.folder / "key.pem").write_bytes((filled.folder / "key.pem").read_bytes())
    return other


def test_an_export_applies_with_no_change(exported, database, whole):
    before = whole(database)
    assert exported.apply(database, prune=True).change_set is None
    assert whole(database) == before


def test_an_export_makes_the_same_registry_on_an_empty_database(exported, database, tmp_path, rows):
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    migrate(empty)
    exported.apply(empty)
    for query in (
        "SELECT slug, name, status, idle_minutes, absolute_hours FROM tenants ORDER BY slug",
        (
            "SELECT key, issuer, client_id, auth_method, connection_param, private_key_ref, "
            "secret_ref FROM clients ORDER BY issuer"
        ),
        (
            "SELECT key, name, ssojet_connection, email_verified, new_users, role_claim "
            "FROM connections ORDER BY name"
        ),
        "SELECT name, policy, rollout FROM domains ORDER BY name",
        (
            "SELECT d.name, l.position, c.key FROM domain_connections l JOIN connections c "
            "ON c.id = l.connection_id JOIN domains d ON d.id = l.domain_id "
            "ORDER BY d.name, position"
        ),
        "SELECT email, name, role, password_hash FROM users ORDER BY email",
    ):
        assert rows(empty, query) == rows(database, query)
    assert exported.apply(empty).change_set is None
    empty.close()


def test_no_secret_is_written_in_clear(exported):
    written = "".join(path.read_text() for path in exported.folder.glob("*.*ml"))
    for secret in ("s3cret", "in-the-clear", "iris", "olu\n", exported.environ["SEED_KEY"]):
        assert secret not in written
    assert "client_secret: env:SECRET" in written
    assert "client_secret: encrypted:env:SEED_KEY:" in written
    assert "private_key: file:key.pem" in written
    assert "password_hash: $argon2id$" in written


def test_bulk_domains_are_written_as_rows(exported):
    lines = (exported.folder / "domains.csv").read_text().splitlines()
    assert len(lines) == 151
    assert lines[1] == "globex,bulk-0.example,google,optional"
    assert "bulk-" not in (exported.folder / "globex.yaml").read_text()


def test_a_secret_without_a_reference_is_encrypted_under_the_portals_own_key_where_none_is_named(
    filled, database, tmp_path
):
    other = Seeds(tmp_path / "out", filled.vault, filled.passwords)
    other.environ = filled.environ
    done = export(database, filled.vault, other.folder, key=None, environ={})
    note = "client_secret of client acme/literal opens with this portal's PORTAL_ENCRYPTION_KEYS"
    assert f"{note} alone" in done.notes
    assert "in-the-clear" not in (other.folder / "acme.yaml").read_text()
    (other.folder / "key.pem").write_bytes((filled.folder / "key.pem").read_bytes())
    assert other.apply(database, prune=True).change_set is None
    other.vault = Vault([new_key()])
    [refusal] = other.refused(database)
    assert "client_secret: no key of PORTAL_ENCRYPTION_KEYS opens it" in refusal


def test_the_key_of_an_export_is_named_and_never_written(filled, database, tmp_path):
    with pytest.raises(ExportError, match="not the key itself"):
        export(database, filled.vault, tmp_path / "out", key=new_key(), environ={})
    with pytest.raises(ExportError, match="NO_KEY is not set"):
        export(database, filled.vault, tmp_path / "out", key="env:NO_KEY", environ={})


def test_disabled_accounts_are_left_out_and_told_of(filled, database, tmp_path):
    with database.transaction() as connection:
        connection.execute(text("UPDATE users SET disabled = true WHERE role = 'member'"))
    done = export(
        database, filled.vault, tmp_path / "out", key="env:SEED_KEY", environ=filled.environ
    )
    assert "1 disabled account left out" in done.notes
    assert "plain@" not in (tmp_path / "out" / "acme.yaml").read_text()


def updated(seeds, database) -> list[str]:
    return update(
        database,
        seeds.vault,
        seeds.passwords,
        seeds.folder,
        key="env:SEED_KEY" if "SEED_KEY" in seeds.environ else None,
        environ=seeds.environ,
    ).files


def change(database, *statements: str) -> None:
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_an_update_of_what_is_so_already_touches_no_file(filled, database):
    before = {path.name: path.read_bytes() for path in filled.folder.iterdir()}
    assert updated(filled, database) == []
    assert {path.name: path.read_bytes() for path in filled.folder.iterdir()} == before


def test_an_update_edits_what_differs_and_keeps_comments_and_order(filled, database):
    change(
        database,
        "UPDATE tenants SET name = 'Acme Inc', absolute_hours = 3 WHERE slug = 'acme'",
        "UPDATE clients SET client_id = 'new-id' WHERE key = 'main'",
        "UPDATE connections SET enabled = false WHERE key = 'okta'",
        "UPDATE domains SET rollout = 90 WHERE name = 'acme.example'",
        "UPDATE domains SET rollout = 10 WHERE name = 'plain.example'",
        "UPDATE users SET name = 'James' WHERE role = 'admin'",
    )
    before = (filled.folder / "acme.yaml").read_text().splitlines()
    assert updated(filled, database) == ["acme.yaml"]
    after = (filled.folder / "acme.yaml").read_text().splitlines()
    for comment in ("# Everything about Acme.", "# the short name", "# in the vault"):
        assert any(comment in line for line in after)
    assert any("# the first one" in line for line in after)
    assert any("# break-glass" in line for line in after)
    strip = [line.strip() for line in after]
    assert strip.index("clients:") < strip.index("connections:") < strip.index("domains:")
    assert len(set(after) - set(before)) < 10
    assert filled.apply(database).change_set is None


def test_an_update_takes_over_what_people_made_and_drops_what_they_removed(filled, database, rows):
    with database.transaction() as connection:
        acme = connection.execute(select(TENANTS.c.id).where(TENANTS.c.slug == "acme")).scalar()
        connection.execute(
            insert(USERS).values(
                email="new@acme.example",
                email_key="new@acme.example",
                name="New",
                role="member",
                tenant_id=acme,
                created_at=NOW,
            )
        )
        connection.execute(
            insert(TENANTS).values(slug="hooli", name="Hooli", created_at=NOW, version=1)
        )
    change(
        database,
        "DELETE FROM domain_connections WHERE domain_id IN "
        "(SELECT id FROM domains WHERE name IN ('bulk-7.example', 'bulk-8.example'))",
        "DELETE FROM domains WHERE name IN ('plain.example', 'bulk-7.example')",
        "UPDATE domains SET policy = 'password' WHERE name = 'bulk-8.example'",
        "UPDATE domains SET rollout = 30 WHERE name = 'bulk-9.example'",
        "INSERT INTO domains (name, tenant_id, policy, subdomains, verified, rollout) SELECT "
        "'hand.example', id, 'password', false, true, 100 FROM tenants WHERE slug = 'acme'",
    )
    assert updated(filled, database) == ["acme.yaml", "bulk.csv", "globex.yaml", "hooli.yaml"]
    acme_file = (filled.folder / "acme.yaml").read_text()
    assert "plain.example" not in acme_file
    assert "hand.example" in acme_file
    assert "new@acme.example" in acme_file
    lines = (filled.folder / "bulk.csv").read_text().splitlines()
    assert "globex,bulk-8.example,,password" in lines
    assert not any("bulk-7." in line or "bulk-9." in line for line in lines)
    assert "bulk-9.example" in (filled.folder / "globex.yaml").read_text()
    assert filled.apply(database, prune=True).change_set is None


def test_an_update_refuses_toml_that_would_have_to_change(seeds, database):
    seeds.write(acme_toml='tenant = "acme"\nname = "Acme"\n')
    seeds.apply(database)
    assert updated(seeds, database) == []
    change(database, "UPDATE tenants SET name = 'Other'")
    with pytest.raises(ExportError, match=r"acme.toml: TOML cannot be updated in place"):
        updated(seeds, database)


def test_an_update_refuses_a_file_with_aliases_before_it_edits_two_places_at_once(seeds, database):
    seeds.write(
        acme="""
        tenant: acme
        name: Acme
        domains: {a.example: &off {policy: password}, b.example: *off}
        """
    )
    seeds.apply(database)
    assert updated(seeds, database) == []
    change(database, "UPDATE domains SET rollout = 50 WHERE name = 'a.example'")
    with pytest.raises(ExportError, match=r"acme.yaml: aliases cannot be updated in place"):
        updated(seeds, database)


def test_an_update_edits_json_too(seeds, database):
    seeds.write(acme_json='{"tenant": "acme", "name": "Acme", "domains": {"acme.example": {}}}')
    seeds.apply(database)
    change(database, "UPDATE domains SET rollout = 50")
    assert updated(seeds, database) == ["acme.json"]
    assert seeds.apply(database).change_set is None
    assert '"rollout": 50' in (seeds.folder / "acme.json").read_text()

"""The seeds folder that ships: it teaches by example, and so it must be right."""

import json
from pathlib import Path

import pytest

from portal.core.address import Domain
from portal.seeding.desired import at_issuer, reference_names
from portal.seeding.folder import read_folder
from portal.seeding.schema import json_schema
from portal.seeding.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds"
FILES = sorted(SEEDS.glob("*.yaml"))


def test_it_shows_each_way_that_an_address_can_go():
    desired = read_folder(SEEDS)
    ways = {
        d.name: (d.policy, len(d.connections), d.rollout, d.subdomains) for d in desired.domains
    }
    assert ways["acme.example"] == ("required", 1, 100, False)
    assert ways["globex.example"] == ("optional", 2, 100, False)
    assert ways["initech.example"] == ("password", 0, 100, False)
    assert ways["hooli.example"] == ("required", 1, 50, True)
    people = {user.email: user for _, user in desired.people()}
    assert people["it@acme.example"].sso_exempt
    assert desired.operators
    assert any(c.roles for t in desired.tenants for c in t.connections)
    assert len(list(SEEDS.glob("*.csv"))) == 1


def test_every_secret_is_a_reference_and_every_reference_has_a_name():
    desired = read_folder(SEEDS)
    assert all(source.reference for source in desired.sources())
    assert {"ACME_SSOJET_CLIENT_SECRET", "ACME_IT_PASSWORD"} <= reference_names(desired)
    assert not any(name.startswith(("PORTAL_", "SSOJET_")) for name in reference_names(desired))


def test_another_issuer_can_stand_in_for_every_client():
    moved = at_issuer(read_folder(SEEDS), "http://127.0.0.1:1")
    issuers = {client.issuer for tenant in moved.tenants for client in tenant.clients}
    assert issuers == {"http://127.0.0.1:1"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_tells_editors_where_its_schema_is(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (SEEDS / first.partition("=")[2]).resolve() == ROOT / "docs" / "seed.schema.json"


def test_the_committed_schema_is_current():
    committed = json.loads((ROOT / "docs" / "seed.schema.json").read_text())
    assert committed == json_schema(), "run: portal seed schema > docs/seed.schema.json"


def test_the_schema_describes_every_key():
    for name, model in json_schema()["$defs"].items():
        assert model["additionalProperties"] is False
        assert model["description"]
        for key, described in model["properties"].items():
            assert described.get("description"), f"{name}.{key}"


def test_the_readme_shows_real_examples():
    blocks = (SEEDS / "README.md").read_text().split("```yaml\n")[1:]
    assert blocks
    for block in blocks:
        data = read_yaml(block.partition("```")[0]).data
        known = {key for model in json_schema()["$defs"].values() for key in model["properties"]}
        assert set(data) <= known
    assert Domain.parse("acme.example")

"""`portal explain`: the contract's JSON, and words for people."""

import json
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from portal.core.address import Domain
from portal.core.registry import Policy
from portal.core.rollout_plan import RolloutPlan, RolloutStep, WayNow
from portal.store import rollout_plans
from portal.store.near_misses import near_misses
from portal.store.tables import DOMAINS
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user

KEYS = ["email", "domain", "tenant", "method", "connection", "policy", "reason", "trace"]

SEEDS = """
tenant: acme
name: Acme
clients:
  main: {issuer: https://idp.example, client_id: c, auth_method: none}
connections:
  okta: {name: Acme Okta, client: main}
domains:
  acme.example: {connection: okta, policy: required}
  new.example: {connection: okta, policy: optional}
users:
  - {email: it@acme.example, name: It, role: admin, sso_exempt: true}
"""


@pytest.fixture
def acme(registry):
    """Acme requires SSO, half of it so far; one account is exempt."""
    with registry.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(connection, acme)
        okta = add_connection(connection, acme, name="Acme Okta", client_id=client)
        entra = add_connection(connection, acme, key="entra", client_id=client)
        off = add_connection(connection, acme, key="off", client_id=client, enabled=False)
        add_domain(connection, acme, connections=(okta,), policy="required")
        add_domain(connection, acme, "two.example", connections=(okta, entra))
        add_domain(connection, acme, "off.example", connections=(off,), policy="required")
        add_domain(connection, acme, "plain.example", policy="password")
        add_domain(connection, acme, "claimed.example", verified=False, connections=(okta,))
        add_user(connection, "it@acme.example", acme, sso_exempt=True, password_hash="x")
        add_user(connection, "gone@plain.example", acme, disabled=True, password_hash="x")
    return acme


def explained(portal, *words):
    ended = portal("explain", *words, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def said(portal, *words):
    ended = portal("explain", *words)
    assert ended.status == 0, ended.err
    return ended.out


WAYS = [
    ("ann@acme.example", (), "sso", "okta", "required"),
    ("ann@acme.example", ("--sso",), "sso", "okta", "required"),
    ("it@acme.example", (), "password", None, "required"),
    ("it@acme.example", ("--sso",), "sso", "okta", "required"),
    ("x@two.example", (), "choose", None, "optional"),
    ("x@off.example", (), "password", None, "required"),
    ("x@off.example", ("--sso",), "refused", None, "required"),
    ("x@plain.example", (), "password", None, "password"),
    ("x@plain.example", ("--sso",), "refused", None, "password"),
    ("x@claimed.example", (), "password", None, None),
    ("x@elsewhere.example", (), "password", None, None),
    ("x@elsewhere.example", ("--sso",), "refused", None, None),
]


def test_explain_tells_from_when_sso_is_planned_to_be_required(registry, portal, acme):
    with registry.transaction() as connection:
        query = select(DOMAINS.c.id).where(DOMAINS.c.name == "two.example")
        way = WayNow(Policy.OPTIONAL, 100)
        day = datetime.now(UTC).date().replace(month=12, day=1)
        made = RolloutPlan(
            steps=(RolloutStep(day, 100),),
            planned_by="it@acme.example",
            planned_at=datetime.now(UTC),
            before=way,
            left=way,
        )
        rollout_plans.put(connection, connection.execute(query).scalar(), made)
    words = "From 1 December SSO is required."
    assert f"Planned: {words}" in said(portal, "x@two.example")
    assert explained(portal, "x@two.example")["planned"] == words
    assert list(explained(portal, "ann@acme.example")) == KEYS


@pytest.mark.parametrize(("email", "words", "method", "connection", "policy"), WAYS)
def test_json_answers_as_the_contract_has_it(
    portal, acme, email, words, method, connection, policy
):
    found = explained(portal, email, *words)
    assert list(found) == KEYS
    assert (found["method"], found["connection"], found["policy"]) == (method, connection, policy)
    assert found["tenant"] == ("acme" if policy else None)
    assert found["email"] == email
    assert found["domain"] == email.partition("@")[2]
    assert found["reason"] == found["trace"][-1]["detail"]
    assert all(list(step) == ["rule", "outcome", "detail"] for step in found["trace"])


def test_the_address_is_put_in_normal_form(portal, acme):
    found = explained(portal, " Ann@ACME.example ")
    assert (found["email"], found["domain"]) == ("Ann@acme.example", "acme.example")


def test_the_tree_names_the_rule_that_decided_and_what_would_change_it(portal, acme):
    assert said(portal, "ann@acme.example").splitlines() == [
        "ann@acme.example signs in with SSO through Acme Okta.",
        "├─ domain: acme.example matches; tenant acme.",
        "├─ policy: The policy of acme.example is required.",
        "├─ connection: acme.example leads to okta.",
        "└─ asked: SSO through okta.",
        "",
        "`sso_exempt: true` on its account would let this address use a password.",
    ]


@pytest.mark.parametrize(
    ("email", "hint"),
    [
        ("it@acme.example", "Without its exemption the account would need SSO."),
        ("x@two.example", "With one connection on two.example nobody has to choose."),
        ("x@off.example", "A connection that is switched on and has a client brings SSO back."),
        ("x@plain.example", "No account has this address"),
        ("gone@plain.example", "The account is disabled"),
        ("x@claimed.example", "Proving the domain"),
    ],
)
def test_hints_say_what_stands_in_the_way_and_what_would_change_it(portal, acme, email, hint):
    assert hint in said(portal, email)


def test_the_share_that_would_take_an_address_in_is_told(portal, registry):
    with registry.transaction() as connection:
        acme = add_tenant(connection)
        client = add_client(connection, acme)
        okta = add_connection(connection, acme, client_id=client)
        add_domain(connection, acme, connections=(okta,), policy="required", rollout=1)
    words = said(portal, "ann@acme.example").splitlines()[-1]
    share = int(words.removeprefix("A rollout of ").partition(" ")[0])
    for rollout, inside in ((share - 1, False), (share, True)):
        with registry.transaction() as connection:
            connection.execute(DOMAINS.update().values(rollout=rollout))
        assert ("outside the rollout" not in said(portal, "ann@acme.example")) is inside


@pytest.mark.parametrize("typed", ["acme.exmaple", "acm.example", "acme.exampl", "accme.example"])
def test_a_near_miss_names_what_may_have_been_meant(portal, acme, typed):
    words = f"{typed} is not in the registry; acme.example is."
    assert words in said(portal, f"ann@{typed}")
    assert explained(portal, f"ann@{typed}")["trace"][0]["detail"] == words


def test_a_name_far_from_all_others_gets_no_suggestion(portal, acme):
    assert "nothing.test is not in the registry.\n" in said(portal, "ann@nothing.test")


def test_near_misses_are_looked_up_and_not_searched_for(database):
    with database.transaction() as connection:
        tenant = add_tenant(connection)
        rows = [
            {
                "tenant_id": tenant,
                "name": f"company-{number}.example",
                "policy": "password",
                "subdomains": False,
                "verified": True,
                "rollout": 100,
            }
            for number in range(20_000)
        ]
        connection.execute(insert(DOMAINS), rows)
    with database.read() as connection:
        began = time.process_time()
        found = near_misses(connection, Domain("compnay-12345.example"))
        assert found == ["company-12345.example"]
        assert time.process_time() - began < 1
        assert len(near_misses(connection, Domain("company-1.example"))) == 3


def test_what_is_no_address_is_one_line(portal, registry):
    ended = portal("explain", "nonsense")
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "no e-mail address" in ended.err


# --- as if seeds had been applied


@pytest.fixture
def seeds(tmp_path):
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "acme.yaml").write_text(SEEDS)
    return str(folder)


def test_seeds_answer_as_if_they_had_been_applied(portal, acme, seeds):
    assert explained(portal, "x@new.example")["method"] == "password"
    found = explained(portal, "x@new.example", "--seeds", seeds)
    assert list(found) == KEYS
    assert (found["method"], found["connection"], found["tenant"]) == ("sso", "okta", "acme")
    assert explained(portal, "it@acme.example", "--seeds", seeds)["method"] == "password"
    assert explained(portal, "x@new.example")["method"] == "password", "nothing was applied"


def test_what_the_seeds_do_not_name_stays_as_the_registry_has_it(portal, acme, seeds):
    assert explained(portal, "x@two.example", "--seeds", seeds)["method"] == "choose"


def test_a_csv_line_leads_to_a_connection_that_the_registry_alone_has(portal, acme, tmp_path):
    file = tmp_path / "bulk.csv"
    file.write_text("tenant,domain,connection,policy\nacme,bulk.example,entra,required\n")
    found = explained(portal, "x@bulk.example", "--seeds", str(file))
    assert (found["method"], found["connection"]) == ("sso", "entra")


def test_seeds_that_suspend_a_tenant_switch_its_domains_off(portal, acme, tmp_path):
    file = tmp_path / "acme.yaml"
    file.write_text("tenant: acme\nname: Acme\nstatus: suspended\n")
    assert explained(portal, "x@acme.example", "--sso", "--seeds", str(file))["method"] == "refused"


def test_seeds_answer_alone_without_a_database(portal, seeds):
    ended = portal("explain", "x@new.example", "--seeds", seeds)
    assert ended.status == 0
    assert "signs in with SSO through Acme Okta" in ended.out
    assert ended.err == "The database cannot be read: the files answer alone.\n"


def test_bad_seeds_are_named_by_file_and_line(portal, registry, tmp_path):
    (tmp_path / "bad.yaml").write_text("tenant: acme\nnmae: Acme\n")
    ended = portal("explain", "x@acme.example", "--seeds", str(tmp_path / "bad.yaml"))
    assert ended.status == 1
    assert "bad.yaml:2" in ended.err
    assert "Traceback" not in ended.err

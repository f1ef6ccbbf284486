"""Domains: claimed, proven by a record in DNS, led somewhere, removed."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from sqlalchemy import update

from portal.core.registry import Account, Role
from portal.flows.changes.tenant_edits import Actor
from portal.flows.domains.domain_proof import Finding, check, claim
from portal.store.tables import DOMAIN_PROOFS, DOMAINS
from portal.store.tenant_items import TenantRef
from tests.admin.conftest import seen_of
from tests.builders import add_domain, add_tenant

DOMAINS_PAGE = "/admin/tenants/acme/domains"
NEW = f"{DOMAINS_PAGE}/new"


def record_in(text):
    """The name and the value of the record that a page asks for."""
    name = re.search(r'<code id="record-name">([^<]+)', text).group(1)
    value = re.search(r'<code id="record-value">([^<]+)', text).group(1)
    return unescape(name), unescape(value)


def claimed(browser, domain="new.example", path=DOMAINS_PAGE):
    response = browser.post(f"{path}/new", domain=domain)
    assert response.status_code == 303, response.text
    return response.location


def test_a_claim_shows_the_record_to_publish_and_changes_nobodys_way(admin, services, row_of):
    path = claimed(admin)
    assert path == f"{DOMAINS_PAGE}/new.example"
    text = admin.text(path)
    name, value = record_in(text)
    assert name == "_portal-challenge.new.example"
    assert value.startswith("portal-verification=")
    assert len(value) > 50
    assert "Not proven" in text
    row = row_of(DOMAINS, name="new.example")
    assert (row.verified, row.policy, row.origin) == (False, "password", "admin")


def test_the_record_of_one_company_is_not_that_of_another(admin, operator):
    mine = record_in(admin.text(claimed(admin)))
    theirs = record_in(operator.text(claimed(operator, path="/admin/tenants/globex/domains")))
    assert mine[0] == theirs[0]
    assert mine[1] != theirs[1]


def test_the_right_record_proves_the_domain(admin, dns, row_of, trail):
    path = claimed(admin)
    name, value = record_in(admin.text(path))
    dns.records[name] = ["v=spf1 -all", value]
    assert admin.post(path, do="check").status_code == 303
    text = admin.text(path)
    assert "new.example is proven" in text
    assert "record-value" not in text
    assert row_of(DOMAINS, name="new.example").verified
    assert trail("domain:checked")[-1].outcome == "success"
    changed = trail("registry:changed")[-1]
    assert changed.detail["fields"]["verified"] == [False, True]
    assert changed.actor == "it@acme.example"
    assert changed.network == "127.0.0.1"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ({}, "DNS does not know new.example"),
        ({"domains": {"new.example"}}, "The record is not there yet"),
        ({"records": ["portal-verification=of-somebody-else"]}, "with another value"),
        ({"silent": True}, "The name server did not answer"),
        ({"broken": True}, "answer with an error"),
        ({"twice": True}, "has the domain in its name twice"),
    ],
    ids=["no name", "no record", "another value", "silent", "broken", "named twice"],
)
def test_each_failure_of_a_check_is_said_in_its_own_words(admin, dns, row_of, prepare, words):
    path = claimed(admin)
    name, value = record_in(admin.text(path))
    dns.domains |= prepare.get("domains", set())
    if "records" in prepare:
        dns.records[name] = prepare["records"]
    if prepare.get("twice"):
        dns.records[f"{name}.new.example"] = [value]
    dns.silent, dns.broken = prepare.get("silent", False), prepare.get("broken", False)
    admin.post(path, do="check")
    text = admin.text(path)
    assert words in text
    assert ("of-somebody-else" in text) == ("records" in prepare)
    assert not row_of(DOMAINS, name="new.example").verified


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("co.uk", "is a public suffix"),
        ("github.io", "is a public suffix"),
        ("gmail.com", "is a shared mailbox domain"),
        ("", "The domain is not valid."),
        ("no dots", "The domain is not valid."),
        ("acme.example.", "The domain is not valid."),
        ("globex.example", "has been proven by another company already"),
    ],
)
def test_what_cannot_be_claimed_is_refused_in_plain_words_beside_the_field(admin, domain, words):
    text = admin.post(NEW, domain=domain).text
    assert words in text
    assert 'id="domain-error"' in text
    assert f'value="{domain}"' in text
    assert "globex" not in text.replace("globex.example", "")


def test_a_domain_in_other_letters_is_shown_as_people_write_it_and_as_dns_does(admin):
    path = claimed(admin, "München.example")
    assert path == f"{DOMAINS_PAGE}/xn--mnchen-3ya.example"
    text = admin.text(path)
    assert "münchen.example" in text
    assert "_portal-challenge.xn--mnchen-3ya.example" in text
    assert "münchen.example" in admin.text(f"{DOMAINS_PAGE}?q=M%C3%BCnchen.example")


def test_claiming_twice_leads_to_the_domain(admin):
    first = claimed(admin)
    again = admin.post(NEW, domain="new.example")
    assert (again.status_code, again.location) == (303, first)
    known = admin.post(NEW, domain="acme.example")
    assert (known.status_code, known.location) == (303, f"{DOMAINS_PAGE}/acme.example")


def test_where_two_have_claimed_a_domain_the_first_proof_wins(admin, operator, dns, row_of):
    mine = claimed(admin)
    theirs = claimed(operator, path="/admin/tenants/globex/domains")
    records = [record_in(admin.text(mine)), record_in(operator.text(theirs))]
    dns.records[records[0][0]] = [value for _, value in records]
    operator.post(theirs, do="check")
    admin.post(mine, do="check")
    text = admin.text(mine)
    assert "has been proven by another company" in text
    assert "globex" not in text
    assert not row_of(DOMAINS, name="new.example", tenant_id=1).verified
    assert row_of(DOMAINS, name="new.example", tenant_id=2).verified


def test_of_eight_racing_claimants_one_proof_wins(services, dns):
    refs = []
    who = Account(0, "ops@portal.example", "", Role.OPERATOR, None)
    with services.database.transaction() as connection:
        for number in range(8):
            slug = f"t{number}"
            refs.append(TenantRef(add_tenant(connection, slug), slug))
    values = []
    for ref in refs:
        claim(services, Actor(who), ref, "race.example")
        with services.database.read() as connection:
            from portal.store import domain_proofs

            asked = domain_proofs.of_domain(connection, ref.id, "race.example")
        values.append(f"portal-verification={asked.token}")
    dns.records["_portal-challenge.race.example"] = values
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda ref: check(services, Actor(who), ref, "race.example").finding, refs)
        )
    assert found.count(Finding.PROVEN) == 1
    assert found.count(Finding.TAKEN) == 7


def test_an_operator_may_vouch_and_an_admin_may_not(admin, operator, row_of):
    path = claimed(admin)
    assert "Vouch" not in admin.text(path)
    admin.post(path, do="vouch")
    assert not row_of(DOMAINS, name="new.example").verified
    assert "Vouch" in operator.text(path)
    operator.post(path, do="vouch")
    assert row_of(DOMAINS, name="new.example").verified


def test_a_tenants_ten_thousand_domains_are_searched_filtered_and_cut_into_pages(
    services, world, admin
):
    with services.database.transaction() as connection:
        rows = [
            {
                "tenant_id": world.acme.id,
                "name": f"d{number:05}.example",
                "policy": "required" if number % 10 == 0 else "password",
                "subdomains": False,
                "verified": number % 2 == 0,
                "rollout": 100,
            }
            for number in range(10_000)
        ]
        connection.execute(DOMAINS.insert(), rows)
    assert "1 to 50 of 10,001 domains" in admin.text(DOMAINS_PAGE)
    assert "9,951 to 10,000 of 10,001" in admin.text(f"{DOMAINS_PAGE}?page=200")
    text = admin.text(f"{DOMAINS_PAGE}?q=d0012")
    assert "1 to 10 of 10 domains" in text
    assert "1 to 50 of 1,000 domains" in admin.text(f"{DOMAINS_PAGE}?only=required")
    assert "1 to 50 of 5,000 domains" in admin.text(f"{DOMAINS_PAGE}?only=unproven")
    assert "No domain fits" in admin.text(f"{DOMAINS_PAGE}?q=%25")


def test_a_domain_is_led_to_a_connection_with_before_and_after_in_the_trail(admin, row_of, trail):
    path = claimed(admin)
    fields = {"policy": "optional", "connections": "acme-okta", "rollout": "100"}
    response = admin.post(path, **fields, subdomains="on", seen=seen_of(admin.text(path)))
    assert response.status_code == 303
    row = row_of(DOMAINS, name="new.example")
    assert (row.policy, row.subdomains) == ("optional", True)
    entry = trail("registry:changed")[-1]
    assert entry.object == "domain acme/new.example"
    assert entry.detail["fields"] == {
        "policy": ["password", "optional"],
        "connections": [[], ["acme-okta"]],
        "subdomains": [False, True],
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"policy": "optional"}, "The way optional needs a connection"),
        ({"policy": "sometimes", "connections": "acme-okta"}, "The way must be"),
        ({"policy": "optional", "connections": "globex-okta"}, "there is no connection"),
        ({"policy": "password", "rollout": "many"}, "The rollout must be a whole number"),
        ({"policy": "password", "rollout": "101"}, "The rollout must be at most 100"),
    ],
)
def test_what_is_wrong_with_a_way_stands_beside_its_field(admin, row_of, fields, words):
    path = f"{DOMAINS_PAGE}/acme.example"
    text = admin.post(path, **{"rollout": "100", **fields}, seen=seen_of(admin.text(path))).text
    assert words in unescape(text)
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_a_way_can_be_tried_without_saving_it(admin, row_of):
    path = f"{DOMAINS_PAGE}/acme.example"
    fields = {"policy": "required", "connections": "acme-okta", "rollout": "100"}
    text = admin.post(path, **fields, do="try", **{"try": "ann@acme.example"}).text
    assert "is sent to Okta" in text
    assert "ann@acme.example is sent to Okta." in text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_removing_asks_first_and_says_whom_it_touches(admin, row_of, trail):
    path = f"{DOMAINS_PAGE}/acme.example/remove"
    assert "2 people we know by this domain" in admin.text(path)
    assert admin.post(path).location == DOMAINS_PAGE
    assert row_of(DOMAINS, name="acme.example") is None
    assert trail("registry:changed")[-1].outcome == "removed"
    assert admin.get(f"{DOMAINS_PAGE}/acme.example").status_code == 404


def test_a_removed_claim_leaves_no_challenge_behind(admin, row_of):
    path = claimed(admin)
    admin.text(path)
    assert row_of(DOMAIN_PROOFS) is not None
    admin.post(f"{path}/remove")
    assert row_of(DOMAIN_PROOFS) is None


def test_the_second_of_two_who_edit_a_domain_is_told_and_another_domain_is_not_in_the_way(
    services, world, admin, operator
):
    with services.database.transaction() as connection:
        add_domain(connection, world.acme.id, "other.example", policy="password")
    path, other = f"{DOMAINS_PAGE}/acme.example", f"{DOMAINS_PAGE}/other.example"
    seen, other_seen = seen_of(admin.text(path)), seen_of(admin.text(other))
    fields = {"policy": "password", "rollout": "100"}
    assert operator.post(path, **fields, seen=seen).status_code == 303
    told = admin.post(
        path, policy="optional", connections="acme-okta", rollout="50", seen=seen
    ).text
    assert "ops@portal.example changed this domain while you had it open" in told
    assert "Sign-in: optional → password" in told
    assert 'value="50"' in told
    assert admin.post(other, **fields, subdomains="on", seen=other_seen).status_code == 303


def test_a_change_reaches_running_portals_at_once(services, world, admin):
    from portal.core.address import Domain

    before = services.registry.candidates(Domain("acme.example"))[0]
    assert before.policy == "optional"
    path = f"{DOMAINS_PAGE}/acme.example"
    admin.post(path, policy="password", rollout="100", seen=seen_of(admin.text(path)))
    assert services.registry.candidates(Domain("acme.example"))[0].policy == "password"


def test_a_domain_that_a_seed_left_unproven_gets_its_record_too(services, world, admin):
    with services.database.transaction() as connection:
        connection.execute(
            update(DOMAINS).where(DOMAINS.c.id == world.acme.domain_id).values(verified=False)
        )
    assert record_in(admin.text(f"{DOMAINS_PAGE}/acme.example"))[0].endswith("acme.example")

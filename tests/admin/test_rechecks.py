"""Domains looked at again by themselves: claims ever less often, proven ones for life."""

from datetime import timedelta

import pytest

from portal.flows.domains.domain_rechecks import recheck_due
from portal.flows.letters.outgoing_mail import deliver_due
from portal.store.tables import DOMAIN_PROOFS, DOMAINS
from tests.admin.test_domains import claimed, record_in

NAME = "new.example"


@pytest.fixture
def claim(admin, dns):
    path = claimed(admin, NAME)
    record = record_in(admin.text(path))
    dns.domains.add(NAME)
    return record


def mails(services):
    deliver_due(services)
    folder = services.settings.instance_dir / "mail"
    return [file.read_text() for file in folder.iterdir()] if folder.is_dir() else []


def test_a_claim_is_proven_by_itself_once_the_record_is_there(services, claim, dns, row_of, trail):
    assert recheck_due(services) == 1
    assert not row_of(DOMAINS, name=NAME).verified
    dns.records[claim[0]] = [claim[1]]
    services.now.forward(minutes=6)
    assert recheck_due(services) == 1
    assert row_of(DOMAINS, name=NAME).verified
    assert trail("registry:changed")[-1].actor == "the portal itself"


def test_a_claim_that_is_not_proven_is_looked_at_ever_less_often(services, claim, row_of):
    waits = []
    for _ in range(12):
        assert recheck_due(services) == 1
        proof = row_of(DOMAIN_PROOFS)
        waits.append(proof.next_check_at - services.now())
        services.now.now = proof.next_check_at
    assert waits[0] == timedelta(minutes=5)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(days=1)


def test_what_is_not_due_is_left_alone(services, claim, dns):
    recheck_due(services)
    asked = len(dns.asked)
    assert recheck_due(services) == 0
    assert len(dns.asked) == asked


def prove(services, claim, dns):
    dns.records[claim[0]] = [claim[1]]
    recheck_due(services)


def test_a_proof_that_is_gone_is_told_once_by_mail_and_takes_nothing_away(
    services, claim, dns, row_of
):
    prove(services, claim, dns)
    dns.records.clear()
    for _ in range(3):
        services.now.forward(days=1, minutes=1)
        assert recheck_due(services) == 1
    assert row_of(DOMAINS, name=NAME).verified
    assert row_of(DOMAIN_PROOFS).lost_since is not None
    (mail,) = mails(services)
    assert "it@acme.example" in mail
    assert claim[0] in mail
    dns.records[claim[0]] = [claim[1]]
    services.now.forward(days=1, minutes=1)
    recheck_due(services)
    assert row_of(DOMAIN_PROOFS).lost_since is None


@pytest.mark.parametrize("fault", ["silent", "broken"])
def test_a_name_server_that_fails_says_nothing_about_the_record(
    services, claim, dns, row_of, fault
):
    prove(services, claim, dns)
    setattr(dns, fault, True)
    services.now.forward(days=1, minutes=1)
    recheck_due(services)
    assert row_of(DOMAIN_PROOFS).lost_since is None
    assert mails(services) == []


def test_a_domain_that_an_operator_vouched_for_is_never_looked_at(services, claim, operator, dns):
    operator.post(f"/admin/tenants/acme/domains/{NAME}", do="vouch")
    services.now.forward(days=9)
    assert recheck_due(services) == 0

"""Who claims a domain proves it by a TXT record; a look at DNS decides, never a promise.

- claim: a domain is noted for a tenant; it changes nothing for anybody yet
- challenge: the record to publish
- check: look for it now; the first of several claimants to prove it has the domain
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from portal.core.address import AddressError, Domain
from portal.core.changes import Item, Kind, Value
from portal.flows.changes.seed_terms import PROVEN_ELSEWHERE
from portal.flows.changes.tenant_edits import Actor, NotAllowed, Saved, SaveOutcome, Unchanged, save
from portal.flows.domains.txt_answers import Absence, Texts
from portal.flows.editing.form_checks import Wrong, check_domain
from portal.services import Services
from portal.store import audit, domain_proofs
from portal.store.domain_proofs import Challenge
from portal.store.engine import IntegrityError
from portal.store.tenant_items import TenantRef

if TYPE_CHECKING:
    from portal.flows.domains.txt_records import TxtRecords

LABEL = "_portal-challenge"
_PREFIX = "portal-verification="


class Finding(StrEnum):
    """How a look for the record ended."""

    PROVEN = "proven"
    NO_DOMAIN = "no_domain"
    NO_RECORD = "no_record"
    TWICE_NAMED = "twice_named"
    OTHER_VALUE = "other_value"
    SILENT = "silent"
    BROKEN = "broken"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Checked:
    """The finding, and what stood there instead of the right value."""

    finding: Finding
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The TXT record to publish."""

    name: str
    value: str


def record_of(challenge: Challenge) -> Record:
    """Give the record that proves a domain."""
    return Record(f"{LABEL}.{challenge.domain}", _PREFIX + challenge.token)


def claim(
    services: Services, actor: Actor, tenant: TenantRef, raw: str
) -> tuple[str, SaveOutcome | Wrong]:
    """Claim a domain for a tenant; give its name in A-label form and how it ended.

    Refused are public suffixes, shared mailbox domains, and what another tenant has proven: in
    words that do not say whose it is.
    """
    try:
        name = Domain.parse(raw).name
    except AddressError as error:
        return raw, Wrong({"": str(error)})
    checked = check_domain(name, {"policy": "password", "verified": False}, connections=())
    if isinstance(checked, Wrong):
        return name, checked
    fields: dict[str, Value] = {
        "policy": "password",
        "connections": (),
        "subdomains": False,
        "verified": False,
        "rollout": 100,
    }
    wanted = Item(Kind.DOMAIN, tenant.slug, name, fields)
    outcome = save(services, actor, wanted, guard=partial(_not_taken, name=name))
    if isinstance(outcome, Saved | Unchanged):
        challenge(services, tenant, name)
    return name, outcome


def _not_taken(
    connection: Connection, tenant: TenantRef, before: Item | None, *, name: str
) -> NotAllowed | None:
    del before
    if domain_proofs.is_proven_elsewhere(connection, name, tenant.id):
        return NotAllowed(f"{name} {PROVEN_ELSEWHERE}.")
    return None


def challenge(services: Services, tenant: TenantRef, name: str) -> Challenge:
    """Give the challenge of a tenant's domain, made at the first need of it."""
    with services.database.read() as connection:
        found = domain_proofs.of_domain(connection, tenant.id, name)
    if found is None:
        with services.database.transaction() as connection:
            domain_proofs.issue(connection, tenant.id, name, now=services.now())
            found = domain_proofs.of_domain(connection, tenant.id, name)
    assert found is not None, "the domain is the tenant's"
    return found


def check(services: Services, actor: Actor, tenant: TenantRef, name: str) -> Checked:
    """Look for the record now, and note what was found; the right one proves the domain."""
    asked = challenge(services, tenant, name)
    checked = look(services, asked)
    if checked.finding is Finding.PROVEN and not asked.verified:
        checked = _prove(services, actor, tenant, asked)
    now = services.now()
    with services.database.transaction() as connection:
        domain_proofs.note(
            connection,
            asked,
            checked.finding.value,
            found=checked.found,
            now=now,
            next_at=now + next_wait(asked, checked),
        )
        audit.record(connection, _entry(services, actor, tenant, asked, checked))
    return checked


def look(services: Services, asked: Challenge) -> Checked:
    """Look at DNS for a challenge's record, and find out why where it is not there."""
    from portal.flows.domains.txt_records import TxtRecords

    records = TxtRecords(services.settings.dns_servers)
    record = record_of(asked)
    texts = records.of(record.name)
    match texts:
        case Texts(found):
            clean = tuple(text.strip().strip('"') for text in found)
            if record.value in clean:
                return Checked(Finding.PROVEN)
            return Checked(Finding.OTHER_VALUE, found[:5])
        case Absence.SILENT:
            return Checked(Finding.SILENT)
        case Absence.BROKEN:
            return Checked(Finding.BROKEN)
        case Absence.NO_NAME | Absence.NO_RECORD:
            return _why_absent(records, asked)


def _why_absent(records: "TxtRecords", asked: Challenge) -> Checked:
    """Tell a record that is not there from a domain that is not, and from the usual slip.

    Many DNS consoles add the domain to the name by themselves.
    """
    if isinstance(records.of(f"{record_of(asked).name}.{asked.domain}"), Texts):
        return Checked(Finding.TWICE_NAMED)
    if records.of(asked.domain) is Absence.NO_NAME:
        return Checked(Finding.NO_DOMAIN)
    return Checked(Finding.NO_RECORD)


def vouch(services: Services, actor: Actor, tenant: TenantRef, name: str) -> Checked | NotAllowed:
    """Take a domain as proven on an operator's word."""
    if not actor.is_operator:
        return NotAllowed("Only an operator may vouch for a domain.")
    return _prove(services, actor, tenant, challenge(services, tenant, name))


def _prove(services: Services, actor: Actor, tenant: TenantRef, asked: Challenge) -> Checked:
    wanted = Item(Kind.DOMAIN, tenant.slug, asked.domain, {"verified": True})
    guard = partial(_not_taken, name=asked.domain)
    try:
        outcome = save(services, actor, wanted, regardless=True, guard=guard)
    except IntegrityError:
        # Another claimant's proof was written a moment before.
        return Checked(Finding.TAKEN)
    if isinstance(outcome, NotAllowed):
        return Checked(Finding.TAKEN)
    return Checked(Finding.PROVEN)


def next_wait(asked: Challenge, checked: Checked) -> timedelta:
    """Give how long to wait for the next check: a proven domain daily, a claim ever less often."""
    if asked.verified or checked.finding is Finding.PROVEN:
        return timedelta(days=1)
    return timedelta(minutes=10) if asked.checked_at is None else timedelta(hours=1)


def _entry(
    services: Services, actor: Actor, tenant: TenantRef, asked: Challenge, checked: Checked
) -> audit.Entry:
    return audit.Entry(
        at=services.now(),
        event=audit.Event.DOMAIN_CHECKED,
        outcome="success" if checked.finding is Finding.PROVEN else checked.finding.value,
        actor=actor.account.email,
        tenant_id=tenant.id,
        object=f"domain {tenant.slug}/{asked.domain}",
        network=actor.visitor.network,
        reference=actor.visitor.reference,
        detail={"found": list(checked.found)} if checked.found else {},
    )

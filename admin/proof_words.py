"""What is said of a domain's proof: one table for every finding."""

from admin.access import scope
from admin.domain_pages import ProofBox
from portal.flows.domains.domain_proof import LABEL, Finding, challenge, record_of
from portal.web.context import services

_WORDS: dict[Finding, tuple[str, str]] = {
    Finding.PROVEN: ("{name} is proven", "It is yours now, and nobody else can claim it."),
    Finding.NO_DOMAIN: (
        "DNS does not know {name}",
        "There is no such name. Check how it is spelt, and that it is registered.",
    ),
    Finding.NO_RECORD: (
        "The record is not there yet",
        "DNS has no TXT record at that name. A new one may take an hour to be seen everywhere.",
    ),
    Finding.TWICE_NAMED: (
        "The record has the domain in its name twice",
        "Your DNS provider adds the domain by itself. Enter just the part before it as the name.",
    ),
    Finding.OTHER_VALUE: (
        "There is a record, with another value",
        "Put the value above in its place, or add a second TXT record beside it.",
    ),
    Finding.SILENT: (
        "The name server did not answer",
        "Nothing is wrong with your record as far as we know. Try again in some minutes.",
    ),
    Finding.BROKEN: (
        "The name servers of {name} answer with an error",
        "Ask whoever runs your DNS: the domain is not served properly at the moment.",
    ),
    Finding.TAKEN: (
        "{name} has been proven by another company",
        "The first proof counts. If the domain is yours, ask the people who run this portal.",
    ),
}


def said(finding: Finding, name: str) -> tuple[str, str]:
    """Give a finding in plain words: what it is, and what to do."""
    title, text = _WORDS[finding]
    return title.format(name=name), text


def proof_box(name: str) -> ProofBox:
    """Give the record to publish, and how the last look for it ended."""
    at = scope()
    asked = challenge(services(), at.ref, name)
    record = record_of(asked)
    title, text = said(Finding(asked.outcome), name) if asked.outcome else ("", "")
    return ProofBox(
        record=record.name,
        host=LABEL,
        value=record.value,
        checked_at=asked.checked_at,
        title=title,
        text=text,
        found=asked.found,
        may_vouch=at.is_operator,
    )

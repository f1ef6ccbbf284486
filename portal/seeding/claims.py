"""Which domains no tenant can claim: public suffixes, and mailboxes that everybody may have."""

from functools import cache
from pathlib import Path

import idna

_LIST = Path(__file__).with_name("shared_mailboxes.txt")


def why_not_claimable(name: str) -> str | None:
    """Say why a domain (in A-label form) cannot be a tenant's, or give None where it can.

    The public suffix list is the copy that tldextract ships, private suffixes such as github.io
    included: whoever holds one would decide for everybody below it.
    """
    if name in shared_mailboxes():
        return "is a shared mailbox domain: its addresses belong to anybody"
    rules = _suffixes()
    _, _, parent = name.partition(".")
    matches = name in rules or f"*.{parent}" in rules or f"*.{name}" in rules
    if matches and f"!{name}" not in rules:
        return "is a public suffix: others register domains below it"
    return None


@cache
def shared_mailboxes() -> frozenset[str]:
    """Give the domains whose mailboxes anybody may open."""
    lines = _LIST.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def _suffixes() -> frozenset[str]:
    import tldextract

    extract = tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
    )
    return frozenset(_a_label(rule) for rule in extract.tlds)


def _a_label(rule: str) -> str:
    if rule.isascii():
        return rule
    mark = rule[:2] if rule.startswith("*.") else rule[:1] if rule.startswith("!") else ""
    return mark + idna.encode(rule.removeprefix(mark), uts46=True).decode("ascii")

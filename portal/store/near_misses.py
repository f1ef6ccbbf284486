"""Domains of the registry that a name may have been meant for.

Found by asking for the few thousand names that are one slip away, each by the index: the work is
bounded by the length of the name, whatever the size of the registry.
"""

from collections.abc import Iterator
from string import ascii_lowercase, digits

from sqlalchemy import Connection, select

from portal.core.address import Domain
from portal.store.tables import DOMAINS

_LETTERS = ascii_lowercase + digits + "-."
_LONGEST = 80  # nobody mistypes a domain beyond it: it was pasted
_AT_ONCE = 500


def near_misses(connection: Connection, domain: Domain, *, most: int = 3) -> list[str]:
    """Give up to `most` domains of the registry that are one slip of a finger from this one."""
    if len(domain.name) > _LONGEST:
        return []
    names = sorted(set(_one_slip_away(domain.name)) - {domain.name})
    found: list[str] = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        query = select(DOMAINS.c.name).where(DOMAINS.c.name.in_(some)).distinct()
        found += connection.execute(query).scalars()
    return sorted(found)[:most]


def _one_slip_away(name: str) -> Iterator[str]:
    """Give every text that one letter left out, added, changed or swapped makes of `name`."""
    for at in range(len(name) + 1):
        before, after = name[:at], name[at:]
        yield from (before + letter + after for letter in _LETTERS)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in _LETTERS)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]

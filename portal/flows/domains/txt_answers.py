"""What a name says in DNS: the texts of its TXT records, or why there are none."""

from dataclasses import dataclass
from enum import StrEnum


class Absence(StrEnum):
    """Why there is no record."""

    NO_NAME = "no_name"
    NO_RECORD = "no_record"
    SILENT = "silent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a name's TXT records, each put together from its parts (RFC 1035, 3.3.14)."""

    texts: tuple[str, ...]

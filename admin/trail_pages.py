"""What the audit trail prints."""

from dataclasses import dataclass
from datetime import datetime

from admin.frame_pages import AdminPage, Form, Option, Pager
from admin.overview_pages import CheckLine


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field of an entry; `old` is "" where there was nothing before, or nothing to tell."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry of the trail in plain words."""

    at: datetime
    who: str
    what: str
    about: str
    outcome: str
    tone: str
    tenant: str
    network: str
    reference: str
    fields: tuple[FieldLine, ...]
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPage(AdminPage):
    """The trail, filtered; `exports` are the same entries as files.

    `back_to`: a search for a text has looked no further back, None where at everything.
    """

    form: Form
    events: tuple[Option, ...]
    outcomes: tuple[Option, ...]
    rows: tuple[EntryRow, ...]
    back_to: datetime | None
    pager: Pager
    path: str
    exports: tuple[tuple[str, str], ...]
    is_filtered: bool


@dataclass(frozen=True, slots=True)
class FailureLine:
    """A failed sign-in in the list."""

    href: str
    at: datetime
    who: str
    way: str
    title: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLine:
    """A sign-in that was sent to a provider and has not come back; `tone` is its badge's."""

    href: str
    at: datetime
    who: str
    connection: str
    state: str
    tone: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresPage(AdminPage):
    """The sign-ins that failed, and the first of those that never came back, or only these."""

    reference: str
    rows: tuple[FailureLine, ...]
    pager: Pager
    sent: tuple[SentLine, ...]
    sent_total: int
    only_sent: bool
    sent_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePage(AdminPage):
    """One failed sign-in."""

    at: datetime
    who: str
    way: str
    network: str
    reference: str
    title: str
    text: str
    mender: str
    href: str
    cause: str
    steps: tuple[CheckLine, ...]
    claims: tuple[tuple[str, str], ...]
    link: str

"""What the pages of a set-up session print, and the page on which their links are made."""

from dataclasses import dataclass
from datetime import datetime

from admin.domain_pages import ProofBox
from admin.frame_pages import AdminPage, Form, Option
from admin.overview_pages import StepLine
from portal.web.pages import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPage:
    """What a set-up link is for, and the button that begins."""

    tenant: str
    for_whom: str
    made_by: str
    until: datetime
    steps: tuple[str, ...]
    hours: int
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage(AdminPage):
    """The steps, each with its next action."""

    steps: tuple[StepLine, ...]
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupDomainPage(AdminPage):
    """One domain: its proof and, where the link allows it, the first way to SSO.

    `connections` is empty where the way cannot be chosen here; `later` then says why.
    """

    name: str
    ascii: str
    verified: bool
    policy: str
    proof: ProofBox | None
    form: Form
    connections: tuple[Option, ...]
    later: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPage:
    """The end: what is done, and whom to tell."""

    tenant: str
    made_by: str
    steps: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLinkRow:
    """A link that is open, or whose session is under way."""

    id: int
    for_whom: str
    address: str
    is_mailed: bool
    is_waiting: bool
    may: str
    made_by: str
    made_at: datetime
    until: datetime
    under_way_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLinksPage(AdminPage):
    """The links, and the form of a new one; `url` is the one just made, shown this once."""

    rows: tuple[SetupLinkRow, ...]
    form: Form
    steps: tuple[Option, ...]
    url: str
    url_for: str
    aside: str

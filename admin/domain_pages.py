"""What the pages of domains print."""

from dataclasses import dataclass
from datetime import datetime

from admin.frame_pages import AdminPage, Form, Option, Pager
from admin.overview_pages import Explained


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain in the list. `ascii` is its A-label form, where that is another."""

    href: str
    name: str
    ascii: str
    policy: str
    verified: bool
    subdomains: bool
    rollout: int
    connections: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainsPage(AdminPage):
    """The list of a tenant's domains."""

    search: str
    only: str
    filters: tuple[Option, ...]
    rows: tuple[DomainRow, ...]
    pager: Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPage(AdminPage):
    """The form that claims a domain."""

    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBox:
    """The record to publish, and how the last look for it ended."""

    record: str
    host: str
    value: str
    checked_at: datetime | None
    title: str
    text: str
    found: tuple[str, ...]
    may_vouch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPage(AdminPage):
    """One domain: its proof, and how its people sign in."""

    name: str
    ascii: str
    verified: bool
    policy: str
    rollout: int
    proof: ProofBox | None
    form: Form
    policies: tuple[Option, ...]
    connections: tuple[Option, ...]
    known: int
    exempt: int
    by_rollout: tuple[int, ...]
    undo: str
    plan: str
    tried: Explained | None


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """A condition of the requirement, with the mend where it is not met."""

    is_met: bool
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirePage(AdminPage):
    """The question before a domain requires SSO: what must be so, and whom it touches."""

    name: str
    ascii: str
    rollout: int
    conditions: tuple[ConditionLine, ...]
    is_ready: bool
    may_override: bool
    known: int
    reached: int
    by_password: int
    with_identity: int
    left_out: int
    exempt: int
    kept: tuple[tuple[str, str], ...]
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDomainPage(AdminPage):
    """The question before a domain is removed. `seen` is how it was then."""

    seen: str
    name: str
    ascii: str
    known: int
    policy: str

"""What every admin template prints: the frame around a page, and the pages of the way in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from portal.web.pages import Notice, Viewer


@dataclass(frozen=True, slots=True)
class TenantHead:
    """The tenant that a page is about, as its heading and its menu show it.

    `base` is where its pages are: in a set-up session under an address of their own.
    """

    slug: str
    name: str
    suspended: bool = False
    base: str = ""

    def path(self, *parts: str) -> str:
        """Give the address of a page of this tenant."""
        return "/".join((self.base or f"/admin/tenants/{self.slug}", *parts))


@dataclass(frozen=True, slots=True)
class GuestStep:
    """A step of the set-up in the row at the head of each of its pages."""

    title: str
    href: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class GuestHead:
    """A set-up session, as its pages show it: for whom, by whom, until when."""

    for_whom: str
    made_by: str
    ends_at: datetime
    steps: tuple[GuestStep, ...]
    may_claim: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page. `place` is the entry of the menu that is open."""

    viewer: Viewer
    place: str
    is_operator: bool
    tenant: TenantHead | None = None
    guest: GuestHead | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPage:
    """A page in its frame."""

    frame: Frame

    @property
    def viewer(self) -> Viewer:
        """The person, as the bar at the head of every page wants it."""
        return self.frame.viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """The page that asks for the password again. `kept` is what was sent, to be sent again."""

    viewer: Viewer
    provider: str
    action: str
    kept: tuple[tuple[str, str], ...] = ()
    lost: bool = False
    notice: Notice | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it stands: what its fields hold, what is wrong, and what its editor saw."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    seen: str = ""

    def value(self, name: str) -> str:
        """Give what a field holds."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """Give what is wrong with a field, or nothing."""
        return self.errors.get(name, "")

    def is_on(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.values.get(name, "") == "on"

    def holds(self, name: str, option: str) -> bool:
        """Whether an option of a list of boxes is ticked."""
        return option in self.values.get(name, "").split()


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a list goes on. `query` is what else stands in its address."""

    number: int
    pages: int
    first: int
    last: int
    total: int
    query: Mapping[str, str]

    def href(self, number: int) -> str:
        """Give the address of another page of the list."""
        return "?" + urlencode({**self.query, "page": str(number)})


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a filter, a select or a group of radio buttons."""

    value: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant in the list of all."""

    href: str
    name: str
    slug: str
    suspended: bool
    domains: int
    people: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantsPage(AdminPage):
    """The list of all tenants."""

    search: str
    sort: str
    sorts: tuple[Option, ...]
    rows: tuple[TenantRow, ...]
    pager: Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFormPage(AdminPage):
    """The form of a new tenant, or of a tenant's own settings."""

    form: Form
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendPage(AdminPage):
    """The question before a tenant is suspended or let in again, with what it means."""

    suspended: bool
    people: int
    sessions: int
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurePage(AdminPage):
    """The second question before something that takes a way in from somebody."""

    title: str
    text: str
    back: str
    kept: tuple[tuple[str, str], ...]

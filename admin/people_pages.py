"""What the pages of people print."""

from dataclasses import dataclass
from datetime import datetime

from admin.frame_pages import AdminPage, Form, Option, Pager
from admin.overview_pages import Explained
from admin.person_links import LinkCard
from portal.store.break_glass import Mark
from portal.web.pages import SessionRow


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in the list."""

    href: str
    name: str
    email: str
    is_admin: bool
    by_group: bool
    disabled: bool
    break_glass: bool
    sessions: int
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage(AdminPage):
    """The list of a tenant's people."""

    search: str
    only: str
    filters: tuple[Option, ...]
    rows: tuple[PersonRow, ...]
    pager: Pager


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPersonPage(AdminPage):
    """The form of a new person; an operator may add any address.

    `aside` says where mail goes while no mail server is set.
    """

    form: Form
    aside: str
    any_address: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage(AdminPage):
    """One person: role, ways in, sessions. `seen` is what the page tells of the account.

    `is_anothers`: another tenant has proven the address's domain, and an operator may mend that.
    """

    form: Form
    seen: str
    name: str
    email: str
    is_self: bool
    is_anothers: bool
    role: str
    by_group: bool
    disabled: bool
    break_glass: bool
    mark: Mark
    has_password: bool
    link: LinkCard
    issuers: tuple[str, ...]
    created_at: datetime
    last_sign_in_at: datetime | None
    ways: tuple[tuple[str, Explained], ...]
    sessions: tuple[SessionRow, ...]

"""What the pages of connections and of their applications (clients) print."""

from dataclasses import dataclass
from datetime import datetime

from admin.frame_pages import AdminPage, Form, Option
from admin.overview_pages import CheckLine, Explained


@dataclass(frozen=True, slots=True)
class WayRow:
    """A connection in the list."""

    href: str
    name: str
    application: str
    enabled: bool
    usable: bool
    domains: str
    health: str
    health_tone: str
    health_text: str


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application in the list."""

    href: str
    key: str
    issuer: str
    client_id: str
    used_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsPage(AdminPage):
    """A tenant's connections and applications."""

    ways: tuple[WayRow, ...]
    applications: tuple[ApplicationRow, ...]
    has_default: bool


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One sign of a connection's health: how bad, in a word, how to mend it, and where."""

    level: str
    word: str
    title: str
    text: str
    mend: str
    href: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCard:
    """How a connection is without anybody signing in, and when somebody looked last."""

    badge: str
    tone: str
    is_good: bool
    looked: str
    may_check: bool
    lines: tuple[HealthLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPage(AdminPage):
    """The form of a connection, and the domains that lead to it."""

    form: Form
    test: Form
    tried: Explained | None
    is_new: bool
    key: str
    name: str
    enabled: bool
    applications: tuple[Option, ...]
    domains: tuple[str, ...]
    has_more_domains: bool
    login_path: str
    health: HealthCard | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What an issuer publishes, or why nothing could be read."""

    is_read: bool
    title: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """A value that must be registered at the issuer."""

    id: str
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretLine:
    """The secret or key that an application has, and the one that it replaces.

    `what` names it. `age` and `old_age` are "" where nobody knows. `refused_at`: when the issuer
    last refused the new one.
    """

    what: str
    set_at: datetime | None
    age: str
    has_old: bool
    old_set_at: datetime | None
    old_age: str
    refused_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPage(AdminPage):
    """The form of an application; a new one begins with its issuer alone."""

    form: Form
    name: str
    is_new: bool
    asks_issuer: bool
    has_secret: bool
    has_key: bool
    secret: SecretLine | None
    methods: tuple[Option, ...]
    finding: Finding | None
    registrations: tuple[Registration, ...]
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim as it came, and the time that its number means, where it means one."""

    name: str
    value: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPage(AdminPage):
    """The report of a test sign-in."""

    name: str
    back: str
    passed: bool
    at: datetime
    reference: str
    checks: tuple[CheckLine, ...]
    claims: tuple[ClaimLine, ...]
    role: str

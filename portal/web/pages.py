"""What the templates print: frozen values, one class a page, no policy and no queries.

    login/sign_in.html       SignInPage       GET /login, GET /login/<tenant>, POST /auth/login
    login/choose.html        ChoosePage       POST /auth/login, where several connections fit
    account/dashboard.html   DashboardPage    GET /dashboard
    account/sign_out.html    SignOutPage      GET /auth/logout
    account/signed_out.html  SignedOutPage    GET /auth/logged-out
    errors/page.html         ErrorPage        400, 403, 404, 405, 413, 429, 500, 503

Each template is rendered with its value as `page`; the globals are `csrf_field()`, `product_name`
and `counted(number, noun, plural)`, the filters `moment` for times, and `icon` and `static_url` for
names, whose values are part of the compiled template. Every text is printed escaped. May import:
the standard library.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from portal.core.values import quick_value


class Tone(StrEnum):
    """How a notice looks and how urgently a screen reader says it."""

    ERROR = "error"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Link:
    """A way on: `href` is a path of this portal."""

    href: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message at the head of a page. `reference` is what the log and the trail bear too.

    `share` is an address to pass on: the admins of the company read there what has to be mended.
    """

    tone: Tone
    title: str
    text: str = ""
    reference: str = ""
    share: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A connection to pick: `id` is posted as `connection`, `name` stands on the button.

    `has_trouble`: its provider does not answer well at the moment; it may be tried all the same.
    """

    id: str
    name: str
    has_trouble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """The sign-in page in any of its states.

    `sso` is the mode the person toggled (it is posted back as `is_sso`). `ask_password` puts the
    cursor into the password field and keeps the script from hiding it for the address given: set
    it wherever a password is what is asked for now, and after a wrong one. `email_error` and
    `password_note` stand at their fields, `notice` above the form, `banner` above the page.
    `tenant` is a tenant's name on its own page, `connections` are its buttons there.
    """

    email: str = ""
    next: str = ""
    sso: bool = False
    ask_password: bool = False
    email_error: str = ""
    password_note: str = ""
    notice: Notice | None = None
    banner: str = ""
    signed_in_as: str = ""
    tenant: str = ""
    connections: tuple[Choice, ...] = ()
    action: str = "/auth/login"

    @property
    def onward(self) -> str:
        """Where somebody who is signed in already goes on to."""
        return self.next or "/dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosePage:
    """The chooser between the connections that fit an address; `banner` stands above the page."""

    email: str
    connections: tuple[Choice, ...]
    next: str = ""
    tenant: str = ""
    notice: Notice | None = None
    banner: str = ""

    @property
    def start_again(self) -> str:
        """The sign-in page, for another address, with `next` kept."""
        return "/login" + ("?" + urlencode({"next": self.next}) if self.next else "")


@quick_value
class Viewer:
    """The person who is signed in, as the bar at the head of the page shows them."""

    name: str
    email: str
    may_administer: bool = False

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in (words if len(words) < 2 else (words[0], words[-1])))


@quick_value
class Method:
    """How a session was begun: `name` is "Password" or "SSO"."""

    name: str
    connection: str = ""

    def __str__(self) -> str:
        return f"{self.name} with {self.connection}" if self.connection else self.name


@quick_value(kw_only=True)
class SessionRow:
    """One of the person's sessions; times are UTC.

    `id` is its public, URL-safe id, never its token.
    """

    id: str
    method: Method
    started: datetime
    last_seen: datetime
    agent: str
    network: str
    current: bool = False


@quick_value(kw_only=True)
class DashboardPage:
    """Who is signed in, how, for which tenant, until when. `tenant` is "" for operators."""

    viewer: Viewer
    tenant: str
    role: str
    method: Method
    started: datetime
    ends: datetime
    idle_minutes: int
    sessions: tuple[SessionRow, ...]
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutPage:
    """The page with one button. `provider` is set where signing out ends the session there too."""

    email: str
    provider: str = ""
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutPage:
    """The page after sign-out. `note` says what is left open, such as the provider's session."""

    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """What went wrong, in plain words, with a way on."""

    status: int
    title: str
    text: str
    reference: str = ""
    link: Link = Link("/login", "Go to the sign-in page")

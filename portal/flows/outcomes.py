"""Who is asking, and how a flow can end."""

from dataclasses import dataclass, field

from portal.core.errors import FailureCode
from portal.core.redirects import SafePath
from portal.core.registry import Connection, Tenant
from portal.core.values import quick_value
from portal.throttle import Reached


@quick_value
class Visitor:
    """Where a request comes from; `reference` is what its page, log and trail bear.

    `known_mark` is what an earlier sign-in left in the browser.
    """

    network: str = ""
    user_agent: str = field(default="", repr=False)
    reference: str = ""
    known_mark: str = field(default="", repr=False)


@quick_value
class SignedIn:
    """A session was opened; `token` goes into its cookie and nowhere else.

    `known_mark` is for the browser to keep: it passes the limits that strangers can exhaust.
    """

    token: str = field(repr=False)
    next: SafePath
    known_mark: str = field(default="", repr=False)


@quick_value
class GoToProvider:
    """Send the browser to the provider, with the attempt in a cookie of its own."""

    url: str = field(repr=False)
    cookie_name: str
    cookie_value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordAsked:
    """The password is what is needed now.

    `off` says that SSO is not available, `exempt_only` that a password helps exempt people alone.
    """

    off: FailureCode | None = None
    exempt_only: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceAsked:
    """Several connections lead on; the person picks one."""

    tenant: Tenant
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class SsoMissing:
    """SSO was asked for, and the domain has none."""


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """Nobody of that address has that password."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many tries; another makes sense after `retry_after` seconds. `why` knows no account.

    `email` and `next` are what a sign-in under way began with.
    """

    retry_after: int
    why: Reached
    email: str = ""
    next: SafePath | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The sign-in ended; the person may start again with `email` and `next`.

    `is_kept`: the trail has it, so that its reference can be looked up; else the log alone.
    """

    code: FailureCode
    reference: str
    email: str = ""
    next: SafePath | None = None
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial came to its end; its report is in the trail under `reference`."""

    back: SafePath
    reference: str


BeginOutcome = (
    SignedIn
    | GoToProvider
    | PasswordAsked
    | ChoiceAsked
    | SsoMissing
    | WrongPassword
    | Throttled
    | Failed
)
FinishOutcome = SignedIn | Tried | Throttled | Failed

"""What the overview of a tenant and the explanation of an address print."""

from dataclasses import dataclass
from datetime import date

from admin.frame_pages import AdminPage, Form, Option


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A step of the checklist with its next action."""

    title: str
    text: str
    is_done: bool
    is_next: bool
    action: str
    href: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: from the ground up SSO, password, failed, in units of the picture."""

    x: int
    sso: int
    password: int
    failed: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Sign-ins by day, as bars and as numbers; `most` is what the highest bar stands for."""

    bars: tuple[Bar, ...]
    days: tuple[tuple[date, int, int, int], ...]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPage(AdminPage):
    """The checklist, and the numbers of the last 30 days."""

    steps: tuple[StepLine, ...]
    done: int
    domains: int
    people: int
    by_sso: int
    by_password: int
    failed: int
    chart: Chart


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One rule on the way: its name in plain words, what it gave, and the facts."""

    rule: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explained:
    """What happens for an address. `tone` is that of its badge; `planned` is what is to come."""

    address: str
    badge: str
    tone: str
    words: str
    trace: tuple[TraceLine, ...]
    planned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainPage(AdminPage):
    """The question, the answer, and the answer as it would be."""

    form: Form
    asked: tuple[Option, ...]
    policies: tuple[Option, ...]
    connections: tuple[Option, ...]
    switched: tuple[Option, ...]
    people: tuple[Option, ...]
    company: tuple[Option, ...]
    is_supposing: bool
    now: Explained | None = None
    supposed: Explained | None = None


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check that passed, failed, or (None) was not reached."""

    passed: bool | None
    title: str
    text: str

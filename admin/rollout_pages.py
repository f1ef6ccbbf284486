"""What the page of a planned rollout prints."""

from dataclasses import dataclass
from datetime import date, datetime

from admin.domain_pages import ConditionLine
from admin.frame_pages import AdminPage, Form


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of the plan as it stands: its day, whom it reaches, whether it has been taken."""

    day: str
    per_cent: int
    people: int
    is_done: bool
    is_next: bool


@dataclass(frozen=True, slots=True)
class StepField:
    """A row of the form: the names of its fields, and what stands at them."""

    number: int
    day: str
    size: str
    people: int
    error: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing more happens by itself, with the figures where there are any."""

    title: str
    text: str
    at: datetime | None
    is_failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPage(AdminPage):
    """What is planned for a domain, what must be so, and the form."""

    name: str
    ascii: str
    policy: str
    rollout: int
    connections: str
    planned: tuple[PlannedStep, ...]
    planned_by: str
    stops_when: str
    stop: Stop | None
    is_everybody: bool
    form: Form
    fields: tuple[StepField, ...]
    earliest: date
    known: int
    by_rollout: tuple[int, ...]
    conditions: tuple[ConditionLine, ...]
    is_ready: bool

"""What the pages of an upload of domains print."""

from dataclasses import dataclass

from admin.frame_pages import AdminPage, Form
from admin.overview_pages import Explained


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One thing that is wrong with a file, by line and column."""

    line: int
    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPage(AdminPage):
    """The form, and what was wrong with the file that was sent."""

    form: Form
    back: str
    many_tenants: bool
    vouches: bool
    example: str
    connections: tuple[tuple[str, str], ...]
    file_name: str = ""
    problems: tuple[ProblemLine, ...] = ()
    more: int = 0
    largest: int = 0


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What happens to one domain. `ascii` is its A-label form, where that is another.

    `added` says where a new one leads; nothing: it is there, and its fields change.
    """

    name: str
    ascii: str
    tenant: str
    added: str
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One consequence for people; `is_risky` where somebody should look twice."""

    text: str
    is_risky: bool


@dataclass(frozen=True, slots=True)
class UnmetLine:
    """Domains that would require SSO too early, and what they lack."""

    title: str
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage(AdminPage):
    """The plan of an upload, before it is applied."""

    file_name: str
    back: str
    many_tenants: bool
    vouches: bool
    rows: int
    created: int
    changed: int
    lines: tuple[PlanLine, ...]
    effects: tuple[EffectLine, ...]
    unmet: tuple[UnmetLine, ...]
    form: Form
    tried: Explained | None

    @property
    def unlisted(self) -> int:
        """How many changes are not listed."""
        return self.created + self.changed - len(self.lines)

    @property
    def same(self) -> int:
        """How many rows ask for nothing new."""
        return self.rows - self.created - self.changed

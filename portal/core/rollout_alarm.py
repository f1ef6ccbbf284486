"""When sign-ins after a step of a rollout fail so often that the step is taken back.

    a person failed     none of their tries since came to an end, and at least one of them counts
    alarm               five people failed within the hour, and they are most of those who tried;
                        of a domain with up to 20 people two, and they are half of those who tried

What counts must be beyond the reach of a stranger, who can begin sign-ins for any address and send
back any error. So a failure counts for a person only when

    the provider itself vouched for their address (it was the portal that refused them then), or
    it happened in a browser in which the owner of that address has signed in here by password.

Who was told no by the provider may have pressed Cancel: once is their own choice, twice is not.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from portal.core.errors import FailureCode

WINDOW = timedelta(hours=1)
LEAST_FAILED = 5
FEW_PEOPLE, LEAST_OF_FEW = 20, 2
_NOES = 2
_NO_FAULT = frozenset(
    {FailureCode.ACCOUNT_DISABLED, FailureCode.TENANT_SUSPENDED, FailureCode.STATE_MISMATCH}
)


@dataclass(frozen=True, slots=True)
class Try:
    """A sign-in by SSO that ended: whose it was, as far as that can be told, and how."""

    outcome: str
    typed: str
    vouched: str = ""
    known_browser: bool = False

    @property
    def person(self) -> str:
        """Give whose failure it is beyond doubt, or nothing."""
        return self.vouched or (self.typed if self.known_browser else "")


@dataclass(frozen=True, slots=True)
class Figures:
    """How many people did not get in, of how many who tried."""

    failed: int
    tried: int

    @property
    def may_alarm(self) -> bool:
        """Whether there is an alarm where the people are few; else it need not be asked."""
        return self.is_alarming(known=0)

    def is_alarming(self, *, known: int) -> bool:
        """Whether the step should be taken back; `known` people of the domain have an account.

        Among few, five are never reached: there one person is no pattern yet, and two are.
        """
        if max(known, self.tried) <= FEW_PEOPLE:
            return self.failed >= LEAST_OF_FEW and 2 * self.failed >= self.tried
        return self.failed >= LEAST_FAILED and 2 * self.failed > self.tried


def figures(tries: Iterable[Try]) -> Figures:
    """Count people by their tries, the oldest first."""
    noes: Counter[str] = Counter()
    failed: set[str] = set()
    came_in: set[str] = set()
    for one in tries:
        if one.outcome == "success":
            came_in.add(one.typed)
            failed.discard(one.typed)
            del noes[one.typed]
        elif one.person and one.outcome not in _NO_FAULT:
            noes[one.person] += one.outcome == FailureCode.ACCESS_DENIED
            if one.outcome != FailureCode.ACCESS_DENIED or noes[one.person] >= _NOES:
                failed.add(one.person)
    return Figures(len(failed), len(failed | came_in))

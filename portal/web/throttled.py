"""What people who have to wait are told: which limit it is, and nothing of any account."""

import math

from portal.core.counting import counted
from portal.flows.outcomes import Throttled
from portal.throttle import Reached
from portal.web.failures import Words
from portal.web.pages import Notice, Tone

BUSY = Words("Too many people are signing in at once", "Wait {wait} and try again.")
SUBMITS_OF_NETWORK = Words(
    "Too many sign-ins from your network", "Wait {wait} and try again. Nothing is locked."
)
_OTHER_BROWSER = "Wait {wait} and try again, or use a browser in which you signed in here before."
_WORDS = {
    Reached.ADDRESS: Words(
        "Too many tries for this address",
        "Wait {wait} and try again. Single sign-on still works where your company has it.",
    ),
    Reached.NETWORK: Words("Too many wrong passwords from your network", _OTHER_BROWSER),
    Reached.DOMAIN: Words("Too many wrong passwords for addresses of this domain", _OTHER_BROWSER),
    Reached.AT_ONCE: BUSY,
}


def notice_of(outcome: Throttled) -> Notice:
    """Say on the sign-in page why a password was not looked at, and for how long to wait."""
    return wait_notice(_WORDS[outcome.why], outcome.retry_after)


def wait_notice(words: Words, seconds: int) -> Notice:
    """Put the time to wait into words."""
    wait = "a few seconds" if seconds < 30 else counted(math.ceil(seconds / 60), "minute")
    return Notice(tone=Tone.ERROR, title=words.title, text=words.text.format(wait=wait))

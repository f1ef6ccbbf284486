"""What people who have to wait are told: which limit it is, and nothing of any account."""

import math

from flask import make_response, render_template
from werkzeug.wrappers import Response

from portal.core.counting import counted
from portal.flows.outcomes import Throttled
from portal.throttle import Reached
from portal.web.failures import Words
from portal.web.pages import Notice, SignInPage, Tone

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
    Reached.PROVIDER: Words(
        "Too many sign-ins from your network went wrong",
        "Your company’s sign-in is not asked again for a moment. Wait {wait} and sign in again.",
    ),
}


def notice_of(outcome: Throttled) -> Notice:
    """Say on the sign-in page why nothing was looked at, and for how long to wait."""
    return wait_notice(_WORDS[outcome.why], outcome.retry_after)


def wait_notice(words: Words, seconds: int) -> Notice:
    """Put the time to wait into words."""
    wait = "a few seconds" if seconds < 30 else counted(math.ceil(seconds / 60), "minute")
    return Notice(tone=Tone.ERROR, title=words.title, text=words.text.format(wait=wait))


def refused(page: SignInPage, retry_after: int) -> Response:
    """Give the sign-in page with the status and the header of a limit (RFC 6585, 4)."""
    response = make_response(render_template("login/sign_in.html", page=page), 429)
    response.headers["Retry-After"] = str(retry_after)
    return response

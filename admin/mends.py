"""What a failed sign-in means, and who has to mend it; the words are in `mend_words`."""

from collections.abc import Mapping
from typing import Any

from admin.mend_words import TABLE, Mend, Who

UNKNOWN = Mend(Who.OPERATOR, "Something else went wrong", "Give them the reference.")


def mend_of(outcome: str, detail: Mapping[str, Any]) -> Mend:
    """Give what a failure means."""
    cause = str(detail.get("cause", ""))
    return next((entry.mend for entry in TABLE if entry.fits(outcome, cause)), UNKNOWN)


def never_came_back(connection: str, *, others_did: bool) -> Mend:
    """Give what it means that somebody was sent to a provider and was not seen again.

    `others_did`: somebody came back by the same connection since.
    """
    title = f"They never came back from {connection}"
    if others_did:
        text = (
            "Others have come back since, so the connection works. Most often the page was closed, "
            "a second factor was not at hand, or the application is not assigned to the person."
        )
        return Mend(Who.PERSON, title, text)
    text = (
        "Nobody else has come back since. Ask what the provider’s page said: where it speaks of a "
        "redirect URI or an unknown application, compare both with the application’s page."
    )
    return Mend(Who.ADMIN, title, text, "connections")

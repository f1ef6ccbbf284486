"""What a failed sign-in means and who has to mend it: one table, the first line that fits wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Who(StrEnum):
    """Who has to do something."""

    PERSON = "The person who signs in"
    ADMIN = "You, on these pages"
    PROVIDER = "Whoever runs your identity provider"
    OPERATOR = "The people who run this portal"


@dataclass(frozen=True, slots=True)
class Mend:
    """Who has to mend it, how, and the page to do it on (parts of its address, "" for none)."""

    who: Who
    title: str
    text: str
    page: str = ""


_TABLE: tuple[tuple[str, str, Mend], ...] = (
    (
        "wrong_password",
        "",
        Mend(
            Who.PERSON,
            "The password was wrong",
            "Or the address has no password here. You can set a new one.",
            "people",
        ),
    ),
    (
        "email_not_allowed",
        "no usable email",
        Mend(
            Who.PROVIDER,
            "The provider sent no e-mail address",
            "Let it send the claim `email`, and ask for the scope `email`.",
            "connections",
        ),
    ),
    (
        "email_not_allowed",
        "no address",
        Mend(Who.PROVIDER, "The `email` claim is no address", "Mend it in the person’s profile."),
    ),
    (
        "email_not_allowed",
        "not verified the email",
        Mend(
            Who.PROVIDER,
            "The provider says that the address is not verified",
            "Have it verified there. What a connection asks of it stands on the connection’s page.",
            "connections",
        ),
    ),
    (
        "email_not_allowed",
        "no verified domain",
        Mend(
            Who.ADMIN,
            "The address is of no proven domain of this company",
            "Claim and prove its domain; or the person used another account at the provider.",
            "domains",
        ),
    ),
    (
        "email_not_allowed",
        "known already",
        Mend(
            Who.ADMIN,
            "The connection takes only people who are known already",
            "Add the person, or let the connection make accounts at the first sign-in.",
            "people",
        ),
    ),
    (
        "email_not_allowed",
        "another subject",
        Mend(
            Who.OPERATOR,
            "The account belongs to another person at the provider",
            "It was probably made anew there. The old link has to be taken away.",
        ),
    ),
    (
        "email_not_allowed",
        "",
        Mend(
            Who.OPERATOR,
            "The address is an account somewhere else",
            "An address is one account; the other one has to go first.",
        ),
    ),
    (
        "account_disabled",
        "",
        Mend(Who.ADMIN, "The account is switched off", "Switch it on under People.", "people"),
    ),
    (
        "tenant_suspended",
        "",
        Mend(Who.OPERATOR, "The company is suspended", "Nobody of it can sign in."),
    ),
    (
        "sso_unavailable",
        "",
        Mend(
            Who.ADMIN,
            "The connection is off or not complete",
            "Switch it on, and give it an application.",
            "connections",
        ),
    ),
    (
        "provider_unavailable",
        "",
        Mend(
            Who.PROVIDER,
            "The provider did not answer",
            "It was down, slow, or the network between was. Try again; break-glass people get in.",
        ),
    ),
    (
        "access_denied",
        "",
        Mend(
            Who.PROVIDER,
            "The provider said no",
            "The person cancelled, or may not use this application there: assign it to them.",
        ),
    ),
    (
        "state_mismatch",
        "",
        Mend(
            Who.PERSON,
            "The sign-in was not finished in time, or twice",
            "Start again, in one window, and not from a bookmark of the provider’s page.",
        ),
    ),
    (
        "oidc_failed",
        "has not the value required",
        Mend(
            Who.ADMIN,
            "A claim had another value than the connection asks for",
            "Compare the claims below with the connection’s.",
            "connections",
        ),
    ),
    (
        "oidc_failed",
        "invalid_client",
        Mend(
            Who.ADMIN,
            "The issuer did not accept the application’s proof",
            "The secret has probably changed there: store the new one.",
            "connections",
        ),
    ),
    (
        "oidc_failed",
        "",
        Mend(
            Who.PROVIDER,
            "The provider’s answer cannot be trusted",
            "Show them the cause below: it names what was wrong. Run a test sign-in when mended.",
            "connections",
        ),
    ),
)
_UNKNOWN = Mend(Who.OPERATOR, "Something else went wrong", "Give them the reference.")


def mend_of(outcome: str, detail: Mapping[str, Any]) -> Mend:
    """Give what a failure means."""
    cause = str(detail.get("cause", ""))
    fits = (mend for code, words, mend in _TABLE if code == outcome and words in cause)
    return next(fits, _UNKNOWN)

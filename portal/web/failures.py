"""The words: one table for every failure code, one for every error page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from flask import redirect, session
from werkzeug.wrappers import Response

from portal.core.errors import FailureCode
from portal.core.redirects import safe_path
from portal.flows.outcomes import Failed
from portal.web.context import reference, services
from portal.web.pages import Link, Notice, Tone


@dataclass(frozen=True, slots=True)
class Words:
    """What people read: a title, and what they can do."""

    title: str
    text: str


WORDS: dict[FailureCode, Words] = {
    FailureCode.STATE_MISMATCH: Words(
        "That sign-in didn’t finish",
        "It took too long, was used already, or was begun in another browser. Sign in again here.",
    ),
    FailureCode.OIDC_FAILED: Words(
        "Your company’s sign-in gave an answer we can’t trust",
        "You are not signed in. Try again; if it happens again, give your IT team the reference.",
    ),
    FailureCode.ACCESS_DENIED: Words(
        "Your company’s sign-in said no",
        "It was cancelled, or your account may not use this portal. Try again or ask your IT team.",
    ),
    FailureCode.PROVIDER_UNAVAILABLE: Words(
        "Your company’s sign-in can’t be reached",
        "It isn’t answering at the moment. Wait a minute and try again.",
    ),
    FailureCode.EMAIL_NOT_ALLOWED: Words(
        "That address can’t sign in here",
        "Your company’s sign-in sent an address that isn’t verified or isn’t your company’s. "
        "Check which account you used there, or ask your IT team.",
    ),
    FailureCode.ACCOUNT_DISABLED: Words(
        "Your account is switched off", "Ask your IT team to switch it on again."
    ),
    FailureCode.TENANT_SUSPENDED: Words(
        "Your company’s access is suspended",
        "Nobody of your company can sign in at the moment. Ask your IT team.",
    ),
    FailureCode.SSO_UNAVAILABLE: Words(
        "Single sign-on isn’t available right now",
        "Your company’s connection is switched off or incomplete. Ask your IT team.",
    ),
    FailureCode.SESSION_EXPIRED: Words(
        "You’ve been signed out", "Your session has ended. Sign in again to go on."
    ),
}
UNKNOWN = Words("Something went wrong", "Sign in again. If it happens again, ask your IT team.")

ERROR_PAGES: dict[int, Words] = {
    400: Words("That request didn’t make sense", "Go back and try again."),
    403: Words("That’s not yours to open", "Your account may not see this page."),
    404: Words("There’s nothing here", "The address may be mistyped, or the page has moved."),
    405: Words("That’s not how this page works", "Open it from its own link instead."),
    413: Words("That was too much", "What was sent is larger than this page takes."),
    421: Words("This portal lives at another address", "Open it by its own name."),
    429: Words("Too many tries", "Wait a little and try again."),
    500: Words("Something broke on our side", "It has been written down. Try again in a minute."),
    503: Words("The portal can’t work at the moment", "It will be back shortly. Try again soon."),
}


class _Kept(TypedDict):
    code: str
    reference: str
    email: str
    next: str
    at: float
    is_kept: bool


_KEPT_SECONDS = 900


def to_login(failed: Failed) -> Response:
    """Redirect to the sign-in page with the code; the rest waits in the signed form cookie."""
    session["failure"] = _Kept(
        code=failed.code.value,
        reference=failed.reference,
        email=failed.email,
        next=failed.next or "",
        at=services().now().timestamp(),
        is_kept=failed.is_kept,
    )
    return redirect(f"/login?error={failed.code.value}", 302)


def kept_failure(code: str) -> _Kept | None:
    """Give what `to_login` kept for this code in this browser, where it is fresh."""
    kept: Any = session.get("failure")
    if not isinstance(kept, dict) or kept.get("code") != code:
        return None
    now: datetime = services().now()
    if not 0 <= now.timestamp() - float(kept.get("at", 0)) < _KEPT_SECONDS:
        return None
    return _Kept(
        code=code,
        reference=str(kept.get("reference", "")),
        email=str(kept.get("email", "")),
        next=safe_path(str(kept.get("next", ""))) or "",
        at=float(kept["at"]),
        is_kept=kept.get("is_kept") is not False,
    )


def notice_for(
    code: FailureCode, *, failure_reference: str, retry: str = "", is_kept: bool = True
) -> Notice:
    """Give the notice for a failure; `retry` is a path at which to start again.

    `is_kept`: the trail holds the failure, so that a link to it leads somewhere.
    """
    words = WORDS[code]
    expired = code is FailureCode.SESSION_EXPIRED
    return Notice(
        tone=Tone.INFO if expired else Tone.ERROR,
        title=words.title,
        text=words.text,
        reference=failure_reference,
        share=_share(failure_reference) if failure_reference and is_kept else "",
        link=Link(retry, "Start again") if retry else None,
    )


def notice_from_query(raw: str) -> tuple[Notice, _Kept | None]:
    """Give the notice for `?error=`; an unknown code shows general words, never itself."""
    try:
        code = FailureCode(raw)
    except ValueError:
        general = Notice(
            tone=Tone.ERROR, title=UNKNOWN.title, text=UNKNOWN.text, reference=reference()
        )
        return general, None
    kept = kept_failure(code.value)
    if kept:
        shown, is_kept = kept["reference"], kept["is_kept"]
        return notice_for(code, failure_reference=shown, is_kept=is_kept), kept
    # A session that ended by itself is no failure: nothing is written down that could be found.
    shown = "" if code is FailureCode.SESSION_EXPIRED else reference()
    return notice_for(code, failure_reference=shown, is_kept=False), None


def _share(failure_reference: str) -> str:
    return f"{services().settings.base_url}/admin/failures/{failure_reference}"

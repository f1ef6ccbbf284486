"""What is said of a link's mail: sent, written to a folder, on its way, or not taken."""

from admin.access import scope
from portal.flows.letters.link_mail import Posted
from portal.flows.letters.outgoing_mail import Handed
from portal.web.context import services
from portal.web.pages import Tone


def mail_words(posted: Posted, what: str, *, again: str) -> tuple[str, Tone]:
    """Say how it went with the mail of `what`; `again` is the way to try once more."""
    to = posted.link.address
    if posted.mail is Handed.REFUSED:
        return f"{what} was not sent to {to}. The mail server did not take it. {again}", Tone.ERROR
    if posted.mail is Handed.WAITING:
        words = "The mail server takes its time. The mail goes out by itself; this page says when."
        return f"{what} for {to} waits. {words}", Tone.WARNING
    if aside := written_aside():
        return f"{what} for {to} is written. {aside}", Tone.WARNING
    return f"{what} is on its way to {to}.", Tone.SUCCESS


def written_aside() -> str:
    """Say where mail goes while no mail server is set, "" where one is."""
    if services().settings.mail_url is not None:
        return ""
    if scope().is_operator:
        folder = services().settings.instance_dir / "mail"
        return f"No mail server is set (PORTAL_MAIL_URL): mail stays in {folder}."
    return "This portal has no mail server yet: ask its operator to pass the mail on."

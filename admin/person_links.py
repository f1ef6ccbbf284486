"""The links that a person is sent by mail: an invitation, a new password; again, and taken back."""

from dataclasses import dataclass
from datetime import datetime

from werkzeug.wrappers import Response

from admin.access import actor, scope
from admin.framing import done, tenant_path
from admin.link_words import mail_words, written_aside
from portal.flows.changes.tenant_edits import NotAllowed
from portal.flows.editing.invitations import send_link, take_back
from portal.flows.letters.link_mail import TooMany
from portal.store import links, outbox
from portal.store.links import LinkKind
from portal.store.people import Person
from portal.web.context import services
from portal.web.pages import Tone

WHAT = {
    LinkKind.INVITATION: "The invitation",
    LinkKind.PASSWORD: "The link to a new password",
}
_AGAIN = "Try again on this page: “Send” makes a new one, and the account stays as it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCard:
    """What the page of a person says of their links. `open` names the one that still works."""

    open: str
    is_mailed: bool
    is_waiting: bool
    made_by: str
    until: datetime | None
    may_invite: bool
    may_send_password: bool
    aside: str


def link_card(who: Person) -> LinkCard:
    """Give what there is to say and to do."""
    with services().database.read() as connection:
        link = links.latest_of_user(connection, who.id)
        if link and not link.is_open(services().now()):
            link = None
        is_waiting = link is not None and bool(outbox.waiting_links(connection, [link.id]))
    return LinkCard(
        open=WHAT[link.kind] if link else "",
        is_mailed=bool(link and link.mailed_at),
        is_waiting=is_waiting,
        made_by=link.made_by if link else "",
        until=link.expires_at if link else None,
        may_invite=not who.disabled and who.last_sign_in_at is None,
        may_send_password=not who.disabled and (who.has_password or who.sso_exempt),
        aside=written_aside(),
    )


def send(who: Person, kind: LinkKind, *, first: str = "") -> Response:
    """Mail a link and go on to the person's page, which says how it went; `first` comes before."""
    path = tenant_path("people", str(who.id))
    outcome = send_link(services(), actor(), scope().tenant, who, kind=kind)
    if isinstance(outcome, NotAllowed | TooMany):
        return done(path, f"{first} {outcome.why}".strip(), tone=Tone.ERROR)
    words, tone = mail_words(outcome, WHAT[kind], again=_AGAIN)
    return done(path, f"{first} {words}".strip(), tone=tone)


def act_on_link(who: Person, do: str) -> Response:
    """Send an invitation or a link to a new password, or take back the one that is open."""
    if do == "invite":
        return send(who, LinkKind.INVITATION)
    if do == "send_password_link":
        return send(who, LinkKind.PASSWORD)
    taken = take_back(services(), actor(), scope().ref, who)
    words = "The link is taken back." if taken else "There is no open link any more."
    path = tenant_path("people", str(who.id))
    return done(path, words, tone=Tone.SUCCESS if taken else Tone.INFO)

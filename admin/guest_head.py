"""The head of the pages of a set-up session: its steps, and where one is."""

from admin.frame_pages import GuestHead, GuestStep
from portal.flows.editing.setup_rules import May
from portal.flows.editing.setup_session import Guest
from portal.web.guests import PATH

_STEPS = (
    ("overview", "Overview", "/", None),
    ("domains", "Domain", "/domains", May.DOMAINS),
    ("connections", "Connection and test", "/connections", May.CONNECTION),
    ("finish", "Finish", "/finish", None),
)


def guest_head(guest: Guest, place: str) -> GuestHead:
    """Give the head of a page; steps that the link does not allow are not there."""
    return GuestHead(
        for_whom=guest.link.for_whom,
        made_by=guest.link.made_by,
        ends_at=guest.ends_at,
        may_claim=May.DOMAINS in guest.may,
        steps=tuple(
            GuestStep(title, PATH + path, name == place)
            for name, title, path, may in _STEPS
            if may is None or may in guest.may or (may is May.DOMAINS and May.OPTIONAL in guest.may)
        ),
    )

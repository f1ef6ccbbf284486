"""Sign-ins that were sent to a provider and have not come back: under way, or timed out."""

from dataclasses import dataclass
from datetime import datetime

from flask import abort, render_template

from admin.access import scope
from admin.framing import frame, tenant_path
from admin.mend_words import Mend
from admin.mends import never_came_back
from admin.moments import moment_of
from admin.overview_pages import CheckLine
from admin.trail_pages import FailurePage, SentLine
from portal.core.spans import told
from portal.store import started
from portal.store.attempt_facts import came_back_since, came_in_later
from portal.store.listing import Slice
from portal.store.started import Started
from portal.web.context import services

FIRST = 10
_NOBODY = "No address was given"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was found, and its lines."""

    found: Slice[Started]
    lines: tuple[SentLine, ...]


def unfinished(person: str, *, number: int) -> Sent:
    """Give a page of the sign-ins that have not come back, of one person or of all."""
    tenant = scope().tenant
    with services().database.read() as connection:
        found = started.not_back(connection, tenant.id, person=person, number=number)
        later = came_in_later(connection, tenant.id, found.lines)
    return Sent(found, tuple(_line(one, came_later=one.key in later) for one in found.lines))


def _line(one: Started, *, came_later: bool) -> SentLine:
    now = services().now()
    if came_later:
        state, tone = "Came in later", "success"
    elif one.is_timed_out(now):
        state, tone = "Timed out", "error"
    else:
        state, tone = f"Sent {told(now - one.at)} ago", "warning"
    return SentLine(
        href=tenant_path("failures", one.reference),
        at=one.at,
        who=one.actor or _NOBODY,
        connection=connection_name(one),
        state=state,
        tone=tone,
        reference=one.reference,
    )


def connection_name(one: Started) -> str:
    """Name the connection that somebody was sent through."""
    bundle = scope().bundle
    way = bundle.connections.get(one.connection_id) if bundle else None
    return way.name if way else "a connection that is gone"


def started_page(reference: str) -> str:
    """Show one sign-in that has not come back; 404 where it is none of this tenant's."""
    tenant = scope().tenant
    with services().database.read() as connection:
        one = started.by_reference(connection, tenant.id, reference)
        if one is None or one.back_at is not None:
            abort(404)
        others_did = came_back_since(connection, tenant.id, _slug(one), since=one.at)
        later = came_in_later(connection, tenant.id, (one,)).get(one.key)
    name, now = connection_name(one), services().now()
    mend = _mend(one, name, others_did=others_did, later=later)
    page = FailurePage(
        frame=frame("failures"),
        at=one.at,
        who=one.actor or _NOBODY,
        way="SSO",
        network=one.network,
        reference=one.reference,
        title=mend.title,
        text=mend.text,
        mender=mend.who.value if later is None and one.is_timed_out(now) else "Nobody now",
        href=_page_of(mend, one),
        cause="",
        steps=(
            CheckLine(True, f"Sent to {name}", moment_of(one.at)),
            CheckLine(False, "Came back within 10 minutes", "Timed out.")
            if one.is_timed_out(now)
            else CheckLine(None, "Came back", f"Not yet, {told(now - one.at)} later."),
        ),
        claims=(),
        link=f"{services().settings.base_url}/admin/failures/{one.reference}",
    )
    return render_template("admin/failure.html", page=page)


def _mend(one: Started, name: str, *, others_did: bool, later: datetime | None) -> Mend:
    mend = never_came_back(name, others_did=others_did)
    if later is not None:
        text = f"They came in later, on {moment_of(later)}. Nothing is left to do."
        return Mend(mend.who, mend.title, text)
    if one.is_timed_out(services().now()):
        return mend
    title = f"They are at {name} now"
    return Mend(mend.who, title, "They were sent there and have ten minutes to come back.")


def _slug(one: Started) -> str:
    bundle = scope().bundle
    way = bundle.connections.get(one.connection_id) if bundle else None
    return way.slug if way else ""


def _page_of(mend: Mend, one: Started) -> str:
    bundle = scope().bundle
    way = bundle.connections.get(one.connection_id) if bundle else None
    if not mend.page or way is None:
        return ""
    if way.client and way.client.tenant:
        return tenant_path("clients", way.client.key)
    return tenant_path("connections", way.slug)

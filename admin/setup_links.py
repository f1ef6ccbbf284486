"""Set-up links of a tenant: a new one, shown once; those that are open; taking one back."""

from flask import render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.forms import sent, typed
from admin.frame_pages import Form, Option
from admin.framing import done, frame, tenant_path
from admin.link_words import mail_words, written_aside
from admin.setup_pages import SetupLinkRow, SetupLinksPage
from admin.setup_words import HINTS, SHORT, STEPS
from portal.flows.editing.form_checks import Wrong
from portal.flows.editing.setup_rules import May, allowed
from portal.flows.editing.setup_session import Wanted, make, take_back
from portal.flows.letters.link_mail import Posted, TooMany
from portal.store import links, outbox
from portal.store.links import Link
from portal.web.context import services
from portal.web.pages import Notice, Tone

_START = {"days": "7", "may": f"{May.DOMAINS.value} {May.CONNECTION.value}"}
_AGAIN = "Pass the link below on yourself, or take it back and make another."
_LONGEST_NUMBER = 9


@blueprint.route("/tenants/<tenant>/setup-links", methods=["GET", "POST"])
def setup_links(tenant: str) -> Response | str:
    """List a tenant's set-up links; make one, or take one back."""
    del tenant
    if request.method == "GET":
        return _page(Form(_START))
    form = Form(typed(("for_whom", "address", "days"), lists=("may",)))
    if not is_submitted():
        return _page(form)
    if request.form.get("do") == "take_back":
        return _taken_back()
    outcome = make(services(), actor(), scope().tenant, _wanted(form))
    match outcome:
        case Wrong(fields):
            return _page(Form(form.values, fields))
        case TooMany(why):
            return _page(form, Notice(tone=Tone.ERROR, title=why))
        case Posted():
            return _made(outcome)


def _wanted(form: Form) -> Wanted:
    return Wanted(
        for_whom=form.value("for_whom"),
        address=form.value("address"),
        days=form.value("days"),
        may=frozenset(may for may in May if form.holds("may", may.value)),
    )


def _made(posted: Posted) -> str:
    notices = []
    if posted.link.address:
        words, tone = mail_words(posted, "The link", again=_AGAIN)
        notices.append(Notice(tone=tone, title=words))
    return _page(Form(_START), *notices, url=posted.url, url_for=posted.link.for_whom)


def _taken_back() -> Response:
    raw = sent("link", longest=_LONGEST_NUMBER)
    number = int(raw) if raw.isascii() and raw.isdigit() else 0
    if take_back(services(), actor(), scope().ref, number):
        words = "The link is taken back. Nobody can go on with it."
        return done(tenant_path("setup-links"), words)
    return done(tenant_path("setup-links"), "That link is not open any more.", tone=Tone.INFO)


def _page(form: Form, *notices: Notice, url: str = "", url_for: str = "") -> str:
    with services().database.read() as connection:
        found = links.live_of_tenant(connection, scope().tenant.id, services().now())
        waiting = outbox.waiting_links(connection, [link.id for link in found])
    page = SetupLinksPage(
        frame=frame("setup-links", *notices),
        rows=tuple(_row(link, is_waiting=link.id in waiting) for link in found),
        form=form,
        steps=tuple(Option(may.value, STEPS[may], HINTS[may]) for may in May),
        url=url,
        url_for=url_for,
        aside=written_aside(),
    )
    return render_template("admin/setup_links.html", page=page)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(link: Link, *, is_waiting: bool) -> SetupLinkRow:
    return SetupLinkRow(
        id=link.id,
        for_whom=link.for_whom,
        address=link.address,
        is_mailed=link.mailed_at is not None,
        is_waiting=is_waiting,
        may=_begun(", ".join(text for may, text in SHORT.items() if may in allowed(link))),
        made_by=link.made_by,
        made_at=link.created_at,
        until=link.session_ends_at or link.expires_at,
        under_way_since=link.used_at,
    )

"""From flow outcomes to what the admin templates print: frames, messages, pagers."""

from collections.abc import Mapping
from typing import Any

from flask import flash, get_flashed_messages, redirect, request
from werkzeug.wrappers import Response

from admin.access import Scope, scope
from admin.forms import asked
from admin.frame_pages import Frame, Pager, TenantHead
from admin.guest_head import guest_head
from admin.next_step import go_on
from portal.core.changes import FieldChange, Secret, shown
from portal.flows.changes.tenant_edits import Overtaken
from portal.store.listing import Slice
from portal.web.account import viewer
from portal.web.context import services
from portal.web.guests import PATH
from portal.web.pages import Link, Notice, Tone

_LONGEST_SEARCH = 100
_HIGHEST_PAGE = 1_000_000
FIELDS = {
    "sso_exempt": "Break-glass",
    "break_glass": "Break-glass",
    "disabled": "Switched off",
    "enabled": "On",
    "ssojet_connection": "SSOJet connection",
    "client": "Application",
    "client_id": "Client ID",
    "idle_minutes": "Minutes without activity",
    "absolute_hours": "Hours until signed out",
    "policy": "Sign-in",
    "verified": "Proven",
}
"""What the fields of an object are called where it is said how they changed."""


def frame(place: str, *notices: Notice) -> Frame:
    """Give the frame of this page, with what an earlier one wanted said."""
    at = scope()
    said: Any = get_flashed_messages(with_categories=True)
    link = _way_on(at) if any(tone == Tone.SUCCESS.value for tone, _ in said) else None
    return Frame(
        viewer=viewer(at.session),
        place=place,
        is_operator=at.is_operator,
        tenant=head(at),
        guest=guest_head(at.guest, place) if at.guest else None,
        notices=(*(_notice(Tone(tone), text, link) for tone, text in said), *notices),
    )


def _notice(tone: Tone, text: str, link: Link | None) -> Notice:
    return Notice(tone=tone, title=text, link=link if tone is Tone.SUCCESS else None)


def _way_on(at: Scope) -> Link | None:
    """Give the next step of a tenant that is not set up yet, once something was done."""
    if at.guest is not None:
        return Link(f"{PATH}/", "Back to the steps")
    tenant = head(at)
    return go_on(services(), at.ref, tenant.path, here=request.path) if tenant else None


def head(at: Scope) -> TenantHead | None:
    """Give the tenant of this page as its menu shows it."""
    if at.bundle is None:
        return None
    base = PATH if at.guest else ""
    return TenantHead(at.tenant.slug, at.tenant.name, at.tenant.suspended, base)


def done(path: str, message: str, *, tone: Tone = Tone.SUCCESS) -> Response:
    """Go on to another page, which says what was done."""
    flash(message, tone.value)
    return redirect(path, 303)


def tenant_path(*parts: str) -> str:
    """Give the address of a page of this tenant."""
    tenant = head(scope())
    assert tenant is not None, "only pages of a tenant ask for it"
    return tenant.path(*parts)


def searched() -> str:
    """Give what the list is searched for."""
    return asked("q", longest=_LONGEST_SEARCH)


def page_number() -> int:
    """Give which page of the list is asked for; nonsense is the first."""
    raw = request.args.get("page", "")
    return min(int(raw), _HIGHEST_PAGE) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 1


def pager(found: Slice[Any], query: Mapping[str, str]) -> Pager:
    """Give where a list goes on."""
    kept = {name: value for name, value in query.items() if value}
    return Pager(found.number, found.pages, found.first, found.last, found.total, kept)


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def overtaken(outcome: Overtaken, what: str) -> Notice:
    """Say that somebody else changed the same thing, what, and what to do now."""
    changes = "; ".join(_said(change) for change in outcome.fields)
    who = outcome.by or "Somebody"
    return Notice(
        tone=Tone.WARNING,
        title=f"{who} changed {what} while you had it open",
        text=f"{changes}. Nothing of yours was saved yet: look at your values below and save "
        "again to put them over these.",
    )


def _said(change: FieldChange) -> str:
    name = FIELDS.get(change.name) or change.name.replace("_", " ").capitalize()
    if isinstance(change.new, Secret):
        return f"{name}: there is a new one"
    return f"{name}: {words(shown(change.old))} → {words(shown(change.new))}"


def words(value: object) -> str:
    """Give a value as people read it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    if isinstance(value, dict):
        return "; ".join(f"{name} = {inner}" for name, inner in value.items()) or "none"
    return "none" if value is None or value == "" else str(value)

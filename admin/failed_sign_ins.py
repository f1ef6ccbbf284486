"""Failed sign-ins, by the reference that people read out or pass on: steps, cause, mend."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, render_template
from werkzeug.wrappers import Response

from admin.access import blueprint, scope
from admin.forms import asked
from admin.framing import frame, page_number, pager, tenant_path
from admin.mend_words import Mend
from admin.mends import mend_of
from admin.moments import TIMES, moment_of, time_in
from admin.overview_pages import CheckLine
from admin.trail_pages import FailureLine, FailurePage, FailuresPage
from admin.unfinished import FIRST, started_page, unfinished
from portal.core.registry import Connection, Role
from portal.store import started, trail
from portal.store.setup_progress import PASSWORD, SSO
from portal.store.trail import Filter, Line
from portal.web.context import services
from portal.web.pages import Notice, Tone

_SHOWN = TIMES | {"iss", "aud", "azp"}
_NOBODY = "Nobody known yet"
_STAGES = {
    "sending": "The person was sent to the provider",
    "state": "The answer belongs to this browser and this attempt",
    "registry": "Company, connection and application are on",
    "answer": "The provider sent an answer",
    "token": "The code was exchanged for tokens",
    "identity": "The ID token is signed, fresh and meant for us",
    "admission": "The person may come in",
}


@blueprint.get("/failures/<reference>")
def forwarded(reference: str) -> Response:
    """Lead from a link that somebody passed on to the sign-in that it is about."""
    reference = reference[:32].upper()
    account = scope().session.account
    tenant = account.tenant
    with services().database.read() as connection:
        of = tenant.id if tenant else None
        line = trail.by_reference(connection, of, reference, SSO, PASSWORD)
        sent = None if line else started.by_reference(connection, of, reference)
    tenant_id = line.tenant_id if line else sent.tenant_id if sent else None
    if tenant and tenant_id is None and _stray(reference, tenant.slug):
        tenant_id = tenant.id
    bundle = services().registry.tenant_by_id(tenant_id) if tenant_id is not None else None
    if bundle is not None:
        return redirect(f"/admin/tenants/{bundle.tenant.slug}/failures/{reference}", 302)
    if account.role is not Role.OPERATOR or line is None:
        abort(404)
    return redirect(f"/admin/audit?{urlencode({'reference': reference})}", 302)


@blueprint.get("/tenants/<tenant>/failures")
def failures(tenant: str) -> Response | str:
    """List the sign-ins that failed or never came back; a reference leads straight to its own."""
    del tenant
    wanted = asked("reference", longest=320)
    person = wanted if "@" in wanted else ""
    notices: list[Notice] = []
    if wanted and not person:
        wanted = wanted[:32].upper()
        if _is_known(wanted):
            return redirect(tenant_path("failures", wanted), 302)
        text = (
            "Check how it is spelt. It may also be of another company, or of no failed sign-in; or "
            "so many came at once that only the first were written down, and the rest stand in the "
            "log of the portal’s operators."
        )
        notices = [Notice(tone=Tone.WARNING, title=f"Nothing bears {wanted}", text=text)]
    only_sent = asked("show", longest=20) == "sent"
    where = Filter(
        tenant_id=scope().tenant.id, events=(SSO, PASSWORD), outcome="failed", person=person
    )
    with services().database.read() as connection:
        edge = trail.edge_of(connection, where)
        found = trail.page(connection, where, number=page_number(), edge=edge)
    sent = unfinished(person, number=page_number() if only_sent else 1)
    query = {"reference": person, "show": "sent" if only_sent else ""}
    page = FailuresPage(
        frame=frame("failures", *notices),
        reference=wanted,
        rows=tuple(_line(line) for line in found.lines),
        pager=pager(sent.found if only_sent else found, query),
        sent=sent.lines if only_sent else sent.lines[:FIRST] if page_number() == 1 else (),
        sent_total=sent.found.total,
        only_sent=only_sent,
        sent_href=f"{tenant_path('failures')}?{urlencode({**query, 'show': 'sent'})}",
    )
    return render_template("admin/failures.html", page=page)


def _line(line: Line) -> FailureLine:
    mend = mend_of(line.outcome, line.detail)
    href = tenant_path("failures", line.reference) if line.reference else ""
    way = "SSO" if line.event == SSO else "Password"
    return FailureLine(href, line.at, line.actor or _NOBODY, way, mend.title, line.reference)


def _is_known(reference: str) -> bool:
    if _found(reference) is not None:
        return True
    with services().database.read() as connection:
        return started.by_reference(connection, scope().tenant.id, reference) is not None


def _found(reference: str) -> Line | None:
    tenant = scope().tenant
    with services().database.read() as connection:
        line = trail.by_reference(connection, tenant.id, reference, SSO, PASSWORD)
    if line is None:
        return _stray(reference, tenant.slug)
    return line if line.outcome != "success" else None


def _stray(reference: str, slug: str) -> Line | None:
    """Give an answer of no sign-in that came to the redirect URI of a tenant.

    Anybody can send one, so it stands in no list; who has its reference finds it.
    """
    with services().database.read() as connection:
        line = trail.by_reference(connection, None, reference, SSO)
    own = f"{services().settings.base_url}/auth/callback/{slug}"
    is_own = line is not None and line.tenant_id is None and line.detail.get("callback") == own
    return line if is_own else None


@blueprint.get("/tenants/<tenant>/failures/<reference>")
def failure(tenant: str, reference: str) -> str:
    """Show one failed sign-in, each step of it, and who has to mend what."""
    del tenant
    line = _found(reference)
    if line is None:
        return started_page(reference)
    detail: Any = line.detail
    mend = mend_of(line.outcome, detail)
    page = FailurePage(
        frame=frame("failures"),
        at=line.at,
        who=line.actor or _NOBODY,
        way="SSO" if line.event == SSO else "Password",
        network=line.network,
        reference=line.reference,
        title=mend.title,
        text=mend.text,
        mender=mend.who.value,
        href=_page_of(mend, line),
        cause=str(detail.get("cause", "")),
        steps=tuple(_steps(line)),
        claims=tuple(_claims(line)),
        link=f"{services().settings.base_url}/admin/failures/{line.reference}",
    )
    return render_template("admin/failure.html", page=page)


def _way(line: Line) -> Connection | None:
    bundle = scope().bundle
    if bundle is None:
        return None
    number: Any = line.detail.get("connection_id", 0)
    by_name = bundle.connection(line.about.removeprefix("connection "))
    return bundle.connections.get(number) or by_name


def _claims(line: Line) -> Iterator[tuple[str, str]]:
    """Give the claims that mattered, and what the one that failed was held against."""
    detail: Any = line.detail
    claims = detail.get("claims", {})
    for name, value in claims.items():
        yield str(name), _readable(str(name), str(value), str(detail.get("cause", "")))
    way, claim = _way(line), str(detail.get("claim", ""))
    if claim in _SHOWN and claim not in claims:
        yield claim, "not there"
    match claim:
        case "aud" | "azp" if way and way.client:
            yield "Client ID here", way.client.client_id
        case "iss" if way and way.client:
            yield "Issuer here", way.client.issuer
        case name if name in TIMES:
            yield "Time here", moment_of(line.at)
        case name if way and name in way.require_claims:
            yield "Asked for here", str(way.require_claims[name])


def _readable(name: str, value: str, cause: str) -> str:
    if "not a number" in cause:
        return value
    at = time_in(name, value)
    return moment_of(at) if at else value


def _page_of(mend: Mend, line: Line) -> str:
    """Give the page to mend it on: that of the very connection or application, where known."""
    way = _way(line)
    match mend.page:
        case "clients" if way and way.client and way.client.tenant:
            return tenant_path("clients", way.client.key)
        case "clients" | "connections" if way:
            return tenant_path("connections", way.slug)
        case "clients":
            return tenant_path("connections")
        case "people" if line.actor:
            return f"{tenant_path('people')}?{urlencode({'q': line.actor})}"
        case page:
            return tenant_path(page) if page else ""


def _steps(line: Line) -> Iterator[CheckLine]:
    """Give each step: passed, the one that failed, and those not reached."""
    detail: Any = line.detail
    stage = detail.get("stage")
    if stage not in _STAGES:
        return
    passed: bool | None = True
    said = str(detail.get("cause", ""))
    cause = said[:1].upper() + said[1:]
    for name, title in _STAGES.items():
        if name == stage:
            passed = None
            yield CheckLine(False, title, cause)
        elif passed is None:
            yield CheckLine(None, title, "Not reached.")
        else:
            yield CheckLine(True, title, _when(detail, line.at) if name == "sending" else "")


def _when(detail: Any, back_at: datetime) -> str:
    try:
        sent_at = datetime.fromisoformat(detail["sent_at"])
    except (KeyError, TypeError, ValueError):
        return ""
    took = round((back_at - sent_at).total_seconds())
    return f"{moment_of(sent_at)}; the answer came {took:,} s later."

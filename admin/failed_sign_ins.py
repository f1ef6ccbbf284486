"""Failed sign-ins, by the reference that people read out: the steps, the cause, the mend."""

from collections.abc import Iterator
from typing import Any

from flask import abort, redirect, render_template
from werkzeug.wrappers import Response

from admin.access import blueprint, scope
from admin.forms import asked
from admin.framing import frame, page_number, pager, tenant_path
from admin.mends import mend_of
from admin.overview_pages import CheckLine
from admin.trail_pages import FailureLine, FailurePage, FailuresPage
from portal.store import trail
from portal.store.setup_progress import PASSWORD, SSO
from portal.store.trail import Filter, Line
from portal.web.context import services
from portal.web.pages import Notice, Tone

_STAGES = {
    "state": "The answer belongs to this browser and this attempt",
    "registry": "Company, connection and application are on",
    "answer": "The provider sent an answer",
    "token": "The code was exchanged for tokens",
    "identity": "The ID token is signed, fresh and meant for us",
    "admission": "The person may come in",
}


@blueprint.get("/tenants/<tenant>/failures")
def failures(tenant: str) -> Response | str:
    """List the sign-ins that failed; a reference leads straight to its own."""
    del tenant
    reference = asked("reference", longest=32).upper()
    notices: list[Notice] = []
    if reference:
        if _found(reference) is not None:
            return redirect(tenant_path("failures", reference), 302)
        text = "Check how it is spelt. It may also be of another company, or of no failed sign-in."
        notices = [Notice(tone=Tone.WARNING, title=f"Nothing bears {reference}", text=text)]
    wanted = Filter(tenant_id=scope().tenant.id, events=(SSO, PASSWORD), outcome="failed")
    with services().database.read() as connection:
        found = trail.page(connection, wanted, number=page_number())
    page = FailuresPage(
        frame=frame("failures", *notices),
        reference=reference,
        rows=tuple(_line(line) for line in found.lines),
        pager=pager(found, {}),
    )
    return render_template("admin/failures.html", page=page)


def _line(line: Line) -> FailureLine:
    mend = mend_of(line.outcome, line.detail)
    href = tenant_path("failures", line.reference) if line.reference else ""
    way = "SSO" if line.event == SSO else "Password"
    return FailureLine(
        href, line.at, line.actor or "Nobody known yet", way, mend.title, line.reference
    )


def _found(reference: str) -> Line | None:
    with services().database.read() as connection:
        line = trail.by_reference(connection, scope().tenant.id, reference, SSO, PASSWORD)
    return line if line is not None and line.outcome != "success" else None


@blueprint.get("/tenants/<tenant>/failures/<reference>")
def failure(tenant: str, reference: str) -> str:
    """Show one failed sign-in, each step of it, and who has to mend what."""
    del tenant
    line = _found(reference)
    if line is None:
        abort(404)
    detail: Any = line.detail
    mend = mend_of(line.outcome, detail)
    claims = detail.get("claims", {})
    page = FailurePage(
        frame=frame("failures"),
        at=line.at,
        who=line.actor or "Nobody known yet",
        way="SSO" if line.event == SSO else "Password",
        network=line.network,
        reference=line.reference,
        title=mend.title,
        text=mend.text,
        mender=mend.who.value,
        href=tenant_path(mend.page) if mend.page else "",
        cause=str(detail.get("cause", "")),
        steps=tuple(_steps(detail)),
        claims=tuple((str(name), str(value)) for name, value in claims.items()),
    )
    return render_template("admin/failure.html", page=page)


def _steps(detail: Any) -> Iterator[CheckLine]:
    """Give each step of the return: passed, the one that failed, and those not reached."""
    stage = detail.get("stage")
    if stage not in _STAGES:
        return
    passed: bool | None = True
    for name, title in _STAGES.items():
        if name == stage:
            passed = None
            yield CheckLine(False, title, str(detail.get("cause", "")).capitalize())
        else:
            yield CheckLine(passed, title, "" if passed else "Not reached.")

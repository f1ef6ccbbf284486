"""Many domains at once: a CSV is uploaded, its plan looked at, then applied."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import redirect, render_template, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from admin.access import (
    actor,
    blueprint,
    holds_secrets,
    is_submitted,
    operators_only,
    scope,
)
from admin.bulk_pages import ProblemLine, UploadPage
from admin.bulk_plan import asked, base_path, plan_page, tried_in
from admin.forms import clean, seen, sent
from admin.frame_pages import Form
from admin.framing import done, frame
from portal.core.counting import counted
from portal.flows.editing import bulk_domains
from portal.flows.editing.bulk_domains import Applied, Changed, Planned, ReasonMissing, Refused
from portal.seeding.csv_upload import LARGEST
from portal.store.uploads import Upload
from portal.web.context import services
from portal.web.pages import Notice, Tone

P = ParamSpec("P")
R = TypeVar("R")

_LISTED = 100
_GONE = "The file is not kept any more: it waits an hour for you. Please upload it again."
_TOO_LARGE = f"The file is larger than {LARGEST // 1_000_000} MB. Split it, and upload the parts."


def _too_large() -> Response:
    """Say it in the form; nothing of the file was read."""
    return done(request.path, _TOO_LARGE, tone=Tone.ERROR)


def takes_files(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a form with a file, which may be too large."""
    view.on_too_large = _too_large  # type: ignore[attr-defined]
    return view


@blueprint.route("/domains/upload", methods=["GET", "POST"])
@operators_only
@holds_secrets
@takes_files
def upload_for_all() -> Response | str:
    """Take a CSV of domains of any tenants."""
    return _upload()


@blueprint.route("/tenants/<tenant>/domains/upload", methods=["GET", "POST"])
@holds_secrets
@takes_files
def upload(tenant: str) -> Response | str:
    """Take a CSV of a tenant's domains. Who they are is asked first: a file could not be kept."""
    del tenant
    return _upload()


@blueprint.route("/domains/upload/plan", methods=["GET", "POST"])
@operators_only
def upload_plan_for_all() -> Response | str:
    """Show what an upload would do, and do it."""
    return _plan()


@blueprint.route("/tenants/<tenant>/domains/upload/plan", methods=["GET", "POST"])
def upload_plan(tenant: str) -> Response | str:
    """Show what an upload would do, and do it."""
    del tenant
    return _plan()


def _upload() -> Response | str:
    if not is_submitted():
        return _form()
    upload, wrong = _received(request.files.get("file"))
    if wrong:
        return _form(wrong)
    by = asked(actor())
    found = bulk_domains.look(services(), by, upload.content)
    if isinstance(found, Refused):
        return _form(file_name=upload.file_name, refused=found)
    bulk_domains.keep(services(), by, upload)
    return redirect(f"{base_path()}/upload/plan", 303)


def _received(file: FileStorage | None) -> tuple[Upload, str]:
    if file is None or not file.filename:
        return Upload("", b""), "Choose a file."
    content = file.stream.read(LARGEST + 1)
    upload = Upload(clean(file.filename, 200), content)
    return upload, _TOO_LARGE if len(content) > LARGEST else ""


def _form(wrong: str = "", *, file_name: str = "", refused: Refused | None = None) -> str:
    at = scope()
    problems = refused.problems if refused else ()
    if refused:
        wrong = "Mend what is listed, then upload the file again. Nothing was changed."
    bundle = at.bundle
    ways = tuple((c.slug, c.name) for c in bundle.connections.values()) if bundle else ()
    page = UploadPage(
        frame=frame("domains" if bundle else "tenants"),
        form=Form({}, {"file": wrong} if wrong else {}),
        back=base_path() if bundle else "/admin/",
        many_tenants=bundle is None,
        vouches=at.is_operator,
        example=_example(ways[0][0] if ways else "okta", tenant=bundle is None),
        connections=ways,
        file_name=file_name,
        problems=tuple(_problem(p.place.line, p.place.key, p.message) for p in problems[:_LISTED]),
        more=max(0, len(problems) - _LISTED) + (refused.unlisted if refused else 0),
        largest=LARGEST,
    )
    return render_template("admin/upload.html", page=page)


def _problem(line: int, column: str, message: str) -> ProblemLine:
    begins_with_name = "." in message.partition(" ")[0]
    text = message if begins_with_name else message[:1].upper() + message[1:]
    return ProblemLine(line, column, text if text.endswith(".") else f"{text}.")


def _example(connection: str, *, tenant: bool) -> str:
    rows = ("domain,connection,policy", f"acme.com,{connection},optional", "acme.org,,password")
    if not tenant:
        return "\n".join(rows)
    return "\n".join(("tenant," if n == 0 else "acme,") + row for n, row in enumerate(rows))


def _plan() -> Response | str:
    by = asked()
    upload = bulk_domains.kept(services(), by)
    if upload is None:
        return done(f"{base_path()}/upload", _GONE, tone=Tone.WARNING)
    do = request.form.get("do", "") if is_submitted() else ""
    if do == "discard":
        bulk_domains.discard(services(), asked(actor()))
        return done(f"{base_path()}/upload", "The file is forgotten.", tone=Tone.INFO)
    if do == "apply":
        return _apply(upload)
    found = bulk_domains.look(services(), by, upload.content)
    if isinstance(found, Refused):
        return _form(file_name=upload.file_name, refused=found)
    return plan_page(upload, found, tried=tried_in(upload))


def _apply(upload: Upload) -> Response | str:
    outcome = bulk_domains.apply(
        services(),
        asked(actor()),
        upload.content,
        digest=seen(),
        reason=sent("reason", longest=300),
    )
    match outcome:
        case Applied(counts):
            words = f"{counted(counts.created, 'domain')} added, {counts.changed:,} changed."
            return done(base_path() if scope().bundle else "/admin/", words)
        case Refused():
            return _form(file_name=upload.file_name, refused=outcome)
        case ReasonMissing(planned):
            return plan_page(upload, planned, error="Say why: it is kept in the audit trail.")
        case Changed(planned):
            return _again(upload, planned)


def _again(upload: Upload, planned: Planned) -> str:
    notice = Notice(
        tone=Tone.WARNING,
        title="Something changed while you looked at the plan",
        text="Nothing was written. This is the plan now: look at it once more, then apply it.",
    )
    return plan_page(upload, planned, notice)

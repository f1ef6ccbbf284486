"""The test sign-in of a connection: its start, and the report that it ends on."""

from typing import Any

from flask import abort, redirect, render_template, request
from werkzeug.wrappers import Response

from admin.access import blueprint, scope
from admin.connection_pages import ClaimLine, TrialPage
from admin.framing import done, frame, tenant_path
from admin.moments import time_in
from admin.overview_pages import CheckLine
from portal.core.address import Address, AddressError
from portal.core.attempt import Purpose
from portal.core.changes import Item
from portal.core.errors import SignInFailure
from portal.core.redirects import safe_path
from portal.flows.signing.sign_in import go_to_provider
from portal.store import trail
from portal.store.audit import Event
from portal.web.context import services, visitor
from portal.web.identity import remember_attempt
from portal.web.pages import Tone

_CHECKS: dict[str, tuple[str, str]] = {
    "state": ("The answer belongs to this browser", "Start the test again, in one window."),
    "registry": ("Connection and application are there", "Look at both: one of them is gone."),
    "answer": (
        "The provider sent you back with an answer",
        "Check the redirect URI at the issuer, and that you may use the application there.",
    ),
    "token": (
        "The code was exchanged for tokens",
        "Check the client ID, the secret, and how the application proves itself.",
    ),
    "identity": (
        "The ID token is signed, fresh and meant for us",
        "The provider has to mend it: show them the line above.",
    ),
    "claims": (
        "The claims that must be there are there",
        "Compare the claims below with those that the connection asks for.",
    ),
    "address": (
        "The e-mail address came back, and is verified",
        "Let the provider send the email claim, and verify the address there.",
    ),
    "domain": (
        "The address is of a proven domain of this company",
        "Claim and prove its domain, or use an address of yours.",
    ),
    "account": (
        "The person may come in",
        "Look at the account under People, and at who may come in by this connection.",
    ),
}


def start_trial(current: Item) -> Response:
    """Send the browser through the provider; the answer ends on the report."""
    at = scope()
    path = tenant_path("connections", current.key)
    way = at.bundle.connection(current.key) if at.bundle else None
    back = safe_path(f"{path}/tests")
    assert way is not None, "the page found it"
    assert back is not None, "it is a path of ours"
    try:
        hint = str(Address.parse(request.form.get("hint", "")))
    except AddressError:
        hint = ""
    try:
        outcome = go_to_provider(
            services(), at.tenant, way, visitor(), email=hint, next_path=back, purpose=Purpose.TRIAL
        )
    except SignInFailure as failure:
        words = f"The test could not begin: {failure.detail}."
        return done(path, words, tone=Tone.ERROR)
    response = redirect(outcome.url, 302)
    remember_attempt(response, outcome)
    return response


@blueprint.get("/tenants/<tenant>/connections/<connection>/tests/<reference>")
def trial(tenant: str, connection: str, reference: str) -> str:
    """Show the report of a test sign-in."""
    del tenant
    at = scope()
    way = at.bundle.connection(connection) if at.bundle else None
    with services().database.read() as database:
        line = trail.by_reference(database, at.tenant.id, reference, Event.CONNECTION_TRIED.value)
    if way is None or line is None or line.detail.get("connection_id") != way.id:
        abort(404)
    if at.guest is not None and line.actor != at.guest.account.email:
        abort(404)  # what came back for somebody else is not for a set-up session
    detail: Any = line.detail
    page = TrialPage(
        frame=frame("connections"),
        name=way.name,
        back=tenant_path("connections", connection),
        passed=line.outcome == "success",
        at=line.at,
        reference=line.reference,
        checks=(
            CheckLine(True, "The issuer’s metadata was read", str(detail["issuer"])),
            *(_check(*check) for check in detail["checks"]),
        ),
        claims=tuple(_claim(*claim) for claim in sorted(detail["claims"].items())),
        role=str(detail["role"]),
    )
    return render_template("admin/trial.html", page=page)


def _claim(name: str, value: object) -> ClaimLine:
    text = str(value)
    return ClaimLine(name, text, time_in(name, text))


def _check(name: str, passed: bool | None, detail: str) -> CheckLine:  # noqa: FBT001 - as stored
    title, mend = _CHECKS.get(name, (name, ""))
    if passed is None:
        return CheckLine(None, title, "Not reached.")
    said = f"{detail[:1].upper()}{detail[1:]}." if detail else ""
    if passed:
        return CheckLine(True, title, said)
    return CheckLine(False, title, f"{said} {mend}")

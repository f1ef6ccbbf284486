"""A tenant's domains: the list, and the claim of a new one."""

from flask import render_template, request
from werkzeug.wrappers import Response

from admin.access import actor, blueprint, is_submitted, scope
from admin.domain_pages import ClaimPage, DomainRow, DomainsPage
from admin.forms import sentence, typed
from admin.frame_pages import Form, Option
from admin.framing import done, frame, page_number, pager, searched, tenant_path
from portal.core.address import AddressError, Domain
from portal.flows.changes.tenant_edits import NotAllowed, Taken
from portal.flows.domains.domain_proof import claim
from portal.flows.editing.form_checks import Wrong
from portal.store import listing
from portal.web.context import services
from portal.web.pages import Tone

FILTERS = {
    "": "All",
    "unproven": "Not proven",
    "password": "Password",
    "optional": "SSO optional",
    "required": "SSO required",
}


@blueprint.get("/tenants/<tenant>/domains")
def domains(tenant: str) -> str:
    """List a tenant's domains."""
    search, only = searched(), request.args.get("only", "")
    only = only if only in FILTERS else ""
    with services().database.read() as connection:
        found = listing.domains(
            connection, scope().tenant.id, search=sought(search), only=only, number=page_number()
        )
    page = DomainsPage(
        frame=frame("domains"),
        search=search,
        only=only,
        filters=tuple(Option(value, text) for value, text in FILTERS.items()),
        rows=tuple(_row(line) for line in found.lines),
        pager=pager(found, {"q": search, "only": only}),
    )
    del tenant
    return render_template("admin/domains.html", page=page)


def sought(search: str) -> str:
    """Give a search as domains are stored: a whole domain in A-labels, anything else as it is."""
    try:
        return Domain.parse(search).name
    except AddressError:
        return search


def _row(line: listing.DomainLine) -> DomainRow:
    shown, plain = names(line.name)
    return DomainRow(
        tenant_path("domains", line.name),
        shown,
        plain,
        line.policy,
        line.verified,
        line.subdomains,
        line.rollout,
        ", ".join(line.connections),
    )


def names(name: str) -> tuple[str, str]:
    """Give a domain as people write it, and its A-label form where that is another."""
    shown = Domain(name).display
    return shown, name if shown != name else ""


@blueprint.route("/tenants/<tenant>/domains/new", methods=["GET", "POST"])
def claim_domain(tenant: str) -> Response | str:
    """Claim a domain."""
    del tenant
    form = Form(typed(("domain",)) if request.method == "POST" else {})
    if is_submitted():
        name, outcome = claim(services(), actor(), scope().ref, form.value("domain"))
        match outcome:
            case Wrong(fields):
                wrong = sentence(form.value("domain"), next(iter(fields.values())))
                form = Form(form.values, {"domain": wrong})
            case NotAllowed(why):
                form = Form(form.values, {"domain": why})
            case Taken():
                path = tenant_path("domains", name)
                return done(path, "You have claimed this domain already.", tone=Tone.INFO)
            case _:
                shown, _ = names(name)
                return done(tenant_path("domains", name), f"{shown} is claimed. Now prove it.")
    page = ClaimPage(frame=frame("domains"), form=form)
    return render_template("admin/domain_new.html", page=page)

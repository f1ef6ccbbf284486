"""The admin pages: one blueprint at `/admin`, and a few of them lent to another at `/setup`.

    access            who may come in: session -> role -> tenant -> recent proof; then the view
    confirmation      the password once more, before a change
    tenants           all tenants; new, settings, suspend
    overview          a tenant's checklist, numbers and chart; `overview_notices` what comes first
    domains           the list of domains, the claim; `domain` one of them; `domain_way` its policy
    rollout           requiring SSO in steps, by dates, and what became of them
    bulk              many domains from a CSV: `bulk_plan` before it is applied; `domain_export`
    connections       the ways to identity providers; `clients` the applications they go through
    health_lines      how a connection is, without anybody signing in
    trial_runs        the test sign-in of a connection, and its report
    people_list       the list, a new one; `person` roles, break-glass, sessions of one
    failed_sign_ins   the cause of each, who has to mend it, and how; `mend_words` the words
    unfinished        who was sent to a provider and has not come back
    audit_trail       the audit trail: filters, export
    explain_address   why an address signs in the way it does, now and as it would be
    next_step         where each step of the checklist is done
    what_if           changes in a form, not saved, as questions about an address
    setup_links       links for somebody in IT without an account; `setup_door` the way in and out,
                      `setup_access` who may do what there, `setup_steps` the pages that are lent
    *_pages           what the templates print; `framing` and `forms` help to fill them

A view reads the request, calls a flow or the store, fills a page and renders it. Every form posts
to the page that shows it: so a form that comes too late, or after the session has ended, leads
back to itself. May not be imported by anything but `portal.app`; holds no SQLAlchemy.
"""

from admin import (  # noqa: F401 - each brings its routes
    audit_trail,
    bulk,
    clients,
    connections,
    domain,
    domain_export,
    domains,
    explain_address,
    failed_sign_ins,
    overview,
    people_list,
    person,
    rollout,
    setup_door,
    setup_links,
    setup_steps,
    tenants,
    trial_runs,
)
from admin.access import blueprint
from admin.setup_access import blueprint as setup_blueprint

__all__ = ["blueprint", "setup_blueprint"]

"""The page that shows what an upload of domains would do."""

from flask import render_template, request

from admin.access import scope
from admin.bulk_pages import EffectLine, PlanLine, PlanPage, UnmetLine
from admin.domain_way import POLICIES, lacking
from admin.domains import names
from admin.explain_address import tried
from admin.forms import sent
from admin.frame_pages import Form
from admin.framing import frame, tenant_path, words
from admin.overview_pages import Explained
from portal.core.address import Address, AddressError
from portal.core.changes import Action, Change, FieldChange, shown
from portal.flows.changes.tenant_edits import Actor
from portal.flows.editing.bulk_domains import Asked, Planned, Unmet
from portal.flows.editing.bulk_trial import supposed_by
from portal.store.uploads import Upload
from portal.web.context import services, visitor
from portal.web.pages import Notice

_FIELDS = {
    "policy": "Sign-in",
    "connections": "Connections",
    "subdomains": "Subdomains",
    "verified": "Proven",
    "rollout": "Rollout",
}
_POLICIES = {option.value: option.text for option in POLICIES}
_LISTED = 200


def asked(by: Actor | None = None) -> Asked:
    """Give who asks, about whose domains: of this page's tenant, or of any."""
    at = scope()
    person = by or Actor(at.session.account, visitor())
    return Asked(person, at.ref if at.bundle else None)


def base_path() -> str:
    """Give the address under which these pages are."""
    return tenant_path("domains") if scope().bundle else "/admin/domains"


def plan_page(
    upload: Upload,
    planned: Planned,
    *notices: Notice,
    error: str = "",
    tried: Explained | None = None,
) -> str:
    """Show what an upload would do."""
    at = scope()
    values = {"reason": sent("reason", longest=300), "try": sent("try", longest=300)}
    page = PlanPage(
        frame=frame("domains" if at.bundle else "tenants", *notices),
        file_name=upload.file_name,
        back=f"{base_path()}/upload",
        many_tenants=at.bundle is None,
        vouches=at.is_operator,
        rows=planned.rows,
        created=planned.counts.created,
        changed=planned.counts.changed,
        lines=tuple(_line(change) for change in planned.changes[:_LISTED]),
        effects=tuple(EffectLine(e.text, e.is_risky) for e in planned.effects),
        unmet=tuple(_unmet(unmet) for unmet in planned.unmet),
        form=Form(values, {"reason": error} if error else {}, planned.digest),
        tried=tried,
    )
    return render_template("admin/upload_plan.html", page=page)


def tried_in(upload: Upload) -> Explained | None:
    """Give what would happen for an address, had the file been applied."""
    raw = sent("try", longest=300) if request.form.get("do") == "try" else ""
    try:
        address = Address.parse(raw) if raw else None
    except AddressError:
        return None
    if address is None:
        return None
    return tried(address, *supposed_by(services(), asked(), upload.content, address.domain))


def _line(change: Change) -> PlanLine:
    name, plain = names(change.key)
    is_new = change.action is Action.CREATED
    fields = () if is_new else tuple(_difference(field) for field in change.fields)
    return PlanLine(name, plain, change.tenant, _way(change) if is_new else "", fields)


def _way(change: Change) -> str:
    """Say where a new domain leads: `SSO optional, through okta`."""
    through = words(shown(change.value("connections")))
    policy = _POLICIES[str(change.value("policy"))]
    return f"{policy}, through {through}" if change.value("connections") else policy


def _difference(field: FieldChange) -> tuple[str, str, str]:
    if field.name == "policy":
        return _FIELDS["policy"], _POLICIES[str(field.old)], _POLICIES[str(field.new)]
    return _FIELDS[field.name], words(shown(field.old)), words(shown(field.new))


def _unmet(unmet: Unmet) -> UnmetLine:
    more = f" and {unmet.count - 1:,} more" if unmet.count > 1 else ""
    through = ", ".join(unmet.connections)
    title = f"{unmet.example}{more}, through {through}"
    return UnmetLine(title, tuple(lacking(condition) for condition in unmet.conditions))

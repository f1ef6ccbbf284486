"""The form of how a domain signs in, the page before SSO is required, and the way back."""

from collections.abc import Mapping
from typing import Any

from flask import abort, render_template, request

from admin.access import scope
from admin.domain_pages import ConditionLine, RequirePage
from admin.domains import names
from admin.forms import seen, typed, wrong_form
from admin.frame_pages import Form, Option
from admin.framing import FIELDS, frame
from portal.core.changes import Item, Kind, Value
from portal.flows.changes.tenant_edits import seen_text
from portal.flows.editing.form_checks import Wrong, check_domain
from portal.flows.rollout.enforcement import Condition, Need, conditions, reach
from portal.store import trail
from portal.store.tenant_items import domain_item
from portal.web.context import services

POLICIES = (
    Option("password", "Password", "People sign in here with a password."),
    Option("optional", "SSO optional", "SSO by itself; a password works for who has one."),
    Option("required", "SSO required", "SSO alone. Only break-glass people may use a password."),
)
_LABELS = {
    "policy": "The way",
    "connections": "Connections",
    "connection": "The connection",
    "rollout": "The rollout",
}
_WORDS: dict[Need, tuple[str, str, str]] = {
    Need.PROVEN: (
        "The domain is proven",
        "Nobody else can speak for it.",
        "Publish the TXT record first.",
    ),
    Need.CONNECTED: (
        "The connection is on",
        "People can be sent through it.",
        "Choose a connection that is on and has a client.",
    ),
    Need.TESTED: (
        "A test sign-in has passed since the connection was last changed",
        "So it works just as it is set up now.",
        "Run a test sign-in on the page of the connection, then come back.",
    ),
    Need.BREAK_GLASS: (
        "A break-glass person has signed in with the password in the last 30 days",
        "They get in even when the connection fails.",
        "Mark somebody as break-glass under People, and have them sign in with their password.",
    ),
}
_FIELDS = ("policy", "rollout", "subdomains", "try", "policy_was")


def current_domain(name: str) -> Item:
    """Give a domain of this tenant as it is."""
    with services().database.read() as connection:
        found = domain_item(connection, scope().ref, name)
    if found is None:
        abort(404)
    return found


def way_form(current: Item) -> Form:
    """Give the form as it was typed, or else as the domain is."""
    if request.method == "POST" and "policy" in request.form:
        return Form(typed(_FIELDS, lists=("connections",)), seen=seen())
    fields: Any = current.fields
    values = {
        "policy": fields["policy"],
        "rollout": str(fields["rollout"]),
        "subdomains": "on" if fields["subdomains"] else "",
        "connections": " ".join(fields["connections"]),
    }
    return Form(values, seen=seen_text(current))


def checked_item(current: Item, form: Form) -> tuple[Item | None, Form]:
    """Give the domain as the form wants it, or None and the form with what is wrong."""
    raw = form.value("rollout")
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 5 else raw
    data: dict[str, Any] = {
        "policy": form.value("policy"),
        "rollout": number,
        "subdomains": form.is_on("subdomains"),
    }
    if chosen := form.value("connections").split():
        data["connections"] = chosen
    assert scope().bundle is not None, "this is a page of a tenant"
    known = [way.slug for way in scope().bundle.connections.values()]  # type: ignore[union-attr]  # asserted above
    checked = check_domain(current.key, data, connections=known)
    if isinstance(checked, Wrong):
        return None, wrong_form(form.values, checked, _LABELS, seen=form.seen)
    fields: dict[str, Value] = {
        "policy": checked.policy,
        "connections": checked.connections,
        "subdomains": checked.subdomains,
        "rollout": checked.rollout,
    }
    return Item(Kind.DOMAIN, current.tenant, current.key, fields), form


def ask_to_require(current: Item, wanted: Item, form: Form, *, is_refused: bool = False) -> str:
    """Show what must be so before SSO is required, and whom it touches."""
    at = scope()
    fields: Any = wanted.fields
    found = conditions(services(), at.ref, current, fields["connections"])
    touched = reach(services(), at.ref, current.key, subdomains=fields["subdomains"])
    shown, plain = names(current.key)
    kept = [("policy", fields["policy"]), ("rollout", str(fields["rollout"]))]
    kept += [("subdomains", "on")] if fields["subdomains"] else []
    kept += [("connections", key) for key in fields["connections"]]
    is_ready = all(condition.is_met for condition in found)
    reason = "Say why." if is_refused and not is_ready and at.is_operator else ""
    page = RequirePage(
        frame=frame("domains"),
        name=shown,
        ascii=plain,
        rollout=fields["rollout"],
        conditions=tuple(condition_line(condition) for condition in found),
        is_ready=is_ready,
        may_override=at.is_operator,
        known=touched.known,
        reached=touched.by_rollout[fields["rollout"]],
        by_password=touched.by_password,
        with_identity=touched.with_identity,
        left_out=touched.left_out,
        exempt=touched.exempt,
        kept=tuple(kept),
        form=Form({"reason": ""}, {"reason": reason} if reason else {}, form.seen),
    )
    return render_template("admin/domain_required.html", page=page)


def condition_line(condition: Condition) -> ConditionLine:
    """Give a condition of the requirement as its line, with the mend where it is not met."""
    title, met, mend = _WORDS[condition.need]
    about = f" ({condition.about})" if condition.about else ""
    text = met if condition.is_met else mend
    return ConditionLine(condition.is_met, title, text.removesuffix(".") + about + ".")


def lacking(condition: Condition) -> str:
    """Say what a condition asks for that is not there yet."""
    return condition_line(condition).text


def _last_change(current: Item) -> Mapping[str, Any]:
    """Give what the last change of the way was: field to its value before and after."""
    about = f"domain {current.tenant}/{current.key}"
    with services().database.read() as connection:
        line = trail.latest_about(connection, scope().tenant.id, about, outcome="changed")
    fields = line.detail.get("fields", {}) if line else {}
    names_of_way = ("policy", "connections", "subdomains", "rollout")
    return {name: pair for name, pair in fields.items() if name in names_of_way}


def undo_item(current: Item) -> Item | None:
    """Give the domain as it was before the last change of its way; None where there is none."""
    back: dict[str, Any] = {}
    for name, (old, new) in _last_change(current).items():
        now: Any = current.fields[name]
        if (list(now) if isinstance(now, tuple) else now) != new:
            return None
        back[name] = tuple(old) if isinstance(old, list) else old
    whole = {n: current.fields[n] for n in ("policy", "connections", "subdomains", "rollout")}
    return Item(Kind.DOMAIN, current.tenant, current.key, whole | back) if back else None


def undo_words(current: Item) -> str:
    """Say what an undo of the last change would set back, or nothing."""
    if undo_item(current) is None:
        return ""
    said = []
    for name, (old, new) in _last_change(current).items():
        title = FIELDS.get(name) or name.capitalize()
        said.append(f"{title}: {_shown(new)} → {_shown(old)}")
    return "; ".join(said)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return next((policy.text for policy in POLICIES if policy.value == value), str(value))

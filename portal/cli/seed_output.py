"""How plans are printed: for people like a good diff, for machines as JSON."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain, groupby

import click

from portal.core.changes import Action, Change, FieldChange, Kind, Secret, shown
from portal.core.counting import counted
from portal.flows.changes.registry_changes import SeedRun
from portal.flows.changes.seed_effects import Effect
from portal.flows.changes.seed_plan import DomainCounts, Plan
from portal.seeding.desired import Desired

_MARKS = {
    Action.CREATED: ("+", "green"),
    Action.CHANGED: ("~", "yellow"),
    Action.REMOVED: ("-", "red"),
    Action.DISABLED: ("-", "red"),
    Action.KEPT: ("=", "bright_black"),
}
_LISTED = 20
_WHOLE = 100
_ENABLED = FieldChange("enabled", None, new=True)
_QUIET = 1.0  # seconds of work that is not worth a word
_OPERATORS = "~operators"  # sorts behind every slug


def print_plan(plan: Plan, run: SeedRun, *, now: datetime, show_all: bool) -> None:
    """Print a plan, grouped by tenant; of each tenant's domains the first ones of each kind."""
    found = run.effects(plan, now=now)
    listed = None if show_all else _LISTED
    by_tenant: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_tenant.setdefault(_group(change), []).append(change)
    for tenant, some in groupby(run.domain_changes(limit=listed), key=lambda c: c.tenant):
        by_tenant.setdefault(tenant, []).extend(some)
    for tenant in sorted({*by_tenant, *(effect.tenant or _OPERATORS for effect in found)}):
        _say(click.style("Operators" if tenant == _OPERATORS else tenant, bold=True))
        for change in by_tenant.get(tenant, ()):
            _print_change(change)
        _print_unlisted(plan, tenant, listed)
        for effect in found:
            if (effect.tenant or _OPERATORS) == tenant:
                _print_effect(effect)
        _say("")
    _say(f"Plan: {summary(plan)}." if not plan.is_empty else _nothing(plan))
    risks = sum(effect.is_risky for effect in found)
    if risks:
        _say(click.style(f"{risks} risky, marked with !", fg="red"))


def print_json(plan: Plan, run: SeedRun, *, now: datetime) -> None:
    """Print a plan as one JSON document, streamed: `changes` may have a million entries."""
    found = run.effects(plan, now=now)
    head = {
        "pending": not plan.is_empty,
        "summary": counts(plan),
        "effects": [
            {"tenant": e.tenant or None, "text": e.text, "risky": e.is_risky} for e in found
        ],
    }
    click.echo(json.dumps(head)[:-1] + ', "changes": [', nl=False)
    separator = "\n"
    for change in chain(plan.changes, run.domain_changes()):
        click.echo(separator + json.dumps(_as_json(change)), nl=False)
        separator = ",\n"
    click.echo("\n]}")


def summary(plan: Plan) -> str:
    """Give the plan in one line: `3 to create, 1 to change`."""
    found = counts(plan)
    words = {
        "created": "created",
        "changed": "changed",
        "removed": "removed",
        "disabled": "disabled",
        "kept": "kept though not in the files",
    }
    return ", ".join(f"{found[key]:,} {word}" for key, word in words.items() if found[key])


def counts(plan: Plan) -> Mapping[str, int]:
    """Give how many objects are created, changed, removed, disabled and kept."""
    found = {action.value: 0 for action in Action}
    for change in plan.changes:
        found[change.action.value] += 1
    for domains in plan.domains.values():
        found["created"] += domains.created
        found["changed"] += domains.changed
        found["removed"] += domains.removed
        found["kept"] += domains.kept
    return found


def sizes(desired: Desired) -> str:
    """Give how much seed files hold, in words."""
    people = sum(len(tenant.users) for tenant in desired.tenants)
    numbers = {
        "tenant": len(desired.tenants),
        "domain": len(desired.domains),
        "user": people,
        "operator": len(desired.operators or ()),
    }
    return ", ".join(counted(number, noun) for noun, number in numbers.items())


class Progress:
    """Shows how far long work is: a bar on a terminal, a line for each quarter elsewhere."""

    def __init__(self) -> None:
        self._what = ""
        self._began = 0.0
        self._quarter = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show it; short work is not worth a word."""
        if what != self._what:
            self._what, self._began, self._quarter = what, time.monotonic(), 0
        if time.monotonic() - self._began < _QUIET:
            return
        quarter = 4 * done // total
        if sys.stderr.isatty():
            filled = 30 * done // total
            bar = "#" * filled + "-" * (30 - filled)
            end = "\n" if done >= total and self._quarter < quarter else ""
            click.echo(f"\r{what} [{bar}] {done:,} of {total:,}{end}", nl=False, err=True)
        elif quarter > self._quarter:
            click.echo(f"{what}: {done:,} of {total:,}", err=True)
        self._quarter = max(quarter, self._quarter)


def _print_change(change: Change) -> None:
    mark, colour = _MARKS[change.action]
    note = change.note or ("not in the files" if change.action is Action.KEPT else "")
    is_new_domain = change.kind is Kind.DOMAIN and change.action is Action.CREATED
    words = f"  {_way(change)}" if is_new_domain else ""
    words += " (disabled)" if change.action is Action.DISABLED else ""
    words += f"  ({note})" if note else ""
    _say(click.style(f"  {mark} {change.kind.value} {change.key}", fg=colour) + words)
    for field in change.fields:
        if not is_new_domain and (text := _field_line(field, change.action)):
            _say(f"      {text}")


def _way(change: Change) -> str:
    """Give a new domain's settings in a few words: `required → okta, 50 %, with subdomains`."""
    fields = {field.name: field.new for field in change.fields}
    words = str(fields["policy"])
    if fields["connections"]:
        words += f" → {_text(fields['connections'])}"
    if fields["rollout"] != _WHOLE:
        words += f", {fields['rollout']} %"
    if fields["subdomains"]:
        words += ", with subdomains"
    return words if fields["verified"] else f"{words}, not verified yet"


def _field_line(field: FieldChange, action: Action) -> str | None:
    if isinstance(field.new, Secret) or isinstance(field.old, Secret):
        return f"{field.name}: {'set' if field.old is None else 'changed'}"
    if action is Action.CREATED:
        plain = field.new is None or field.new in ("", (), {}, False) or field == _ENABLED
        return None if plain else f"{field.name}: {_text(field.new)}"
    return f"{field.name}: {_text(field.old)} → {_text(field.new)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return "(none)"
    if isinstance(value, tuple):
        return ", ".join(value) or "(none)"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _print_unlisted(plan: Plan, tenant: str, listed: int | None) -> None:
    found = plan.domains.get(tenant)
    if found is None or listed is None:
        return
    for action, number in _numbers(found):
        if number > listed:
            mark, colour = _MARKS[action]
            more = counted(number - listed, "more domain")
            text = f"  {mark} and {more} {action.value} (--all lists them)"
            _say(click.style(text, fg=colour))


def _numbers(found: DomainCounts) -> Iterator[tuple[Action, int]]:
    yield Action.CREATED, found.created
    yield Action.CHANGED, found.changed
    yield Action.REMOVED, found.removed
    yield Action.KEPT, found.kept


def _print_effect(effect: Effect) -> None:
    if effect.is_risky:
        _say(click.style(f"  ! {effect.text}", fg="red", bold=True))
    else:
        _say(f"    {effect.text}")


def _nothing(plan: Plan) -> str:
    kept = counts(plan)["kept"]
    verb = "is" if kept == 1 else "are"
    more = f" {counted(kept, 'object')} that the files lack {verb} kept." if kept else ""
    return f"No changes: the registry is what the files say.{more}"


def _as_json(change: Change) -> dict[str, object]:
    fields = {
        field.name: {"changed": True}
        if isinstance(field.new, Secret) or isinstance(field.old, Secret)
        else {"old": shown(field.old), "new": shown(field.new)}
        for field in change.fields
    }
    return {
        "action": change.action.value,
        "kind": change.kind.value,
        "tenant": change.tenant or None,
        "key": change.key,
        "fields": fields,
        "note": change.note or None,
    }


def _group(change: Change) -> str:
    return change.tenant or _OPERATORS


def _say(line: str) -> None:
    click.echo(line, color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))

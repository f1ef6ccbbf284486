"""What was typed into a form, as values and as the words beside its fields."""

import re
from collections.abc import Iterable, Mapping

from flask import request

from admin.frame_pages import Form
from portal.flows.editing.form_checks import Wrong

_LONGEST = 8000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean(text: str, longest: int) -> str:
    """Give what somebody sent without control characters, which PostgreSQL would not take."""
    return _CONTROL.sub("", text).strip()[:longest]


def sent(name: str, *, longest: int = _LONGEST) -> str:
    """Give what a field of the form holds."""
    return clean(request.form.get(name, ""), longest)


def asked(name: str, *, longest: int = 200) -> str:
    """Give what stands in the query."""
    return clean(request.args.get(name, ""), longest)


def typed(names: Iterable[str], *, lists: Iterable[str] = ()) -> dict[str, str]:
    """Give what the fields of the form hold; a list of boxes as words with spaces between."""
    values = {name: sent(name) for name in names}
    joined = {name: " ".join(request.form.getlist(name)) for name in lists}
    return values | {name: clean(text, _LONGEST) for name, text in joined.items()}


def seen() -> str:
    """Give what the person saw when the form was opened."""
    return request.form.get("seen", "")[:100_000]


def wrong_form(
    values: Mapping[str, str], wrong: Wrong, labels: Mapping[str, str], *, seen: str = ""
) -> Form:
    """Give the form with what is wrong beside its fields."""
    errors = {name: sentence(labels.get(name, ""), text) for name, text in wrong.fields.items()}
    return Form(values, errors, seen)


def sentence(label: str, text: str) -> str:
    """Make a finding a sentence; one that is already stays."""
    said = text if text[:1].isupper() else f"{label or 'This'} {text}"
    return said if said.endswith(".") else f"{said}."

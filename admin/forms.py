"""What was typed into a form, as values and as the words beside its fields."""

from collections.abc import Iterable, Mapping

from flask import request

from admin.pages import Form
from portal.flows.form_checks import Wrong

_LONGEST = 8000


def typed(names: Iterable[str], *, lists: Iterable[str] = ()) -> dict[str, str]:
    """Give what the fields of the form hold; a list of boxes as words with spaces between."""
    values = {name: request.form.get(name, "").strip()[:_LONGEST] for name in names}
    return values | {name: " ".join(request.form.getlist(name))[:_LONGEST] for name in lists}


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

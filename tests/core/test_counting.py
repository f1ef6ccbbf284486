"""A number and its noun agree: one helper says them, and no page, mail or command goes past it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import portal
from portal.core.counting import counted
from portal.core.spans import told

ROOT = Path(portal.__file__).parents[1]
NOUNS = (
    "accounts|addresses|admins|cells|changes|companies|connections|days|domains|entries|hours|keys"
    "|links|mails|minutes|months|people|rows|seconds|sessions|sign-ins|steps|tenants|workers|years"
)
IN_A_PAGE = re.compile(rf"\}}\}} (?:{NOUNS})\b(?! \{{\{{ \"is)")
# A constant in capitals is never one.
IN_CODE = re.compile(rf"\{{(?:len\([^)]*\)|[a-z][\w.'\[\]]*)(?::,)?\}} (?:{NOUNS})\b")


def test_one_is_one_and_the_rest_are_many():
    assert [counted(n, "domain") for n in (0, 1, 2, 2000)] == [
        "0 domains",
        "1 domain",
        "2 domains",
        "2,000 domains",
    ]
    assert counted(1, "person", "people") == "1 person"


@pytest.mark.parametrize(
    ("days", "words"),
    [(1, "24 hours"), (59, "59 days"), (60, "1 month"), (61, "2 months"), (730, "1 year")],
)
def test_spans_agree_too(days, words):
    assert told(timedelta(days=days)) == words


def test_no_number_stands_before_a_noun_that_cannot_be_one():
    pages = [(f, IN_A_PAGE) for f in (ROOT / "templates").rglob("*.html")]
    code = [(f, IN_CODE) for folder in ("portal", "admin") for f in (ROOT / folder).rglob("*.py")]
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file, trap in [*pages, *code]
        for line in file.read_text().splitlines()
        if trap.search(line) and "demo_provider" not in file.parts
    ]
    assert found == []

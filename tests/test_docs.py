"""The documents say what is so: names, links, commands, accounts and examples are held to it."""

import re
from pathlib import Path

import click
import pytest

from portal.cli.demo import accounts
from portal.cli.main import cli
from portal.core.errors import FailureCode
from portal.seeding.folder import read_folder

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEST_NAMES = frozenset(
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
)
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_each_test_that_is_named_exists(document: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", document.read_text()))
    assert named - TEST_NAMES == set()


@each_document
def test_each_link_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    here = [link for link in links if "://" not in link]
    assert [link for link in here if not (document.parent / link).exists()] == []


@each_document
def test_each_path_that_is_named_exists(document: Path) -> None:
    named = re.findall(
        r"`((?:portal|admin|tests|docs|templates|seeds)/[\w./-]*)`", document.read_text()
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


@each_document
def test_each_command_that_is_named_exists(document: Path) -> None:
    """In running text as `portal x y`, and at the start of a line in an example."""
    text = document.read_text()
    named = re.findall(r"(?:`|^)(?:\.venv/bin/)?portal ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE)
    assert [words for words in named if not is_command(*words)] == []


def is_command(name: str, under: str) -> bool:
    context = click.Context(cli)
    if name not in cli.list_commands(context):
        return False
    if not under:
        return True
    command = cli.get_command(context, name)
    return not isinstance(command, click.Group) or under in command.commands


@each_document
def test_each_make_target_that_is_named_exists(document: Path) -> None:
    named = re.findall(r"(?:`|^)make ([a-z]+)", document.read_text(), re.MULTILINE)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(named) - set(targets) == set()


def test_the_readme_names_every_command() -> None:
    text = README.read_text()
    assert [
        name for name in cli.list_commands(click.Context(cli)) if f"`portal {name}" not in text
    ] == []


def test_the_readme_shows_the_accounts_that_the_demo_prints() -> None:
    rows = re.findall(r"^\| `(\S+@\S+)` \| (\S+) \| (.+) \|$", README.read_text(), re.MULTILINE)
    shown = [
        (email, password.strip("`").replace("–", ""), shows) for email, password, shows in rows
    ]
    assert shown == [(row.email, row.password, row.shows) for row in accounts()]


def test_the_readmes_example_of_a_seed_file_is_sound(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "acme.yaml").write_text(example)
    [tenant] = read_folder(tmp_path).tenants
    assert tenant.slug == "acme"


def test_the_codes_in_the_table_of_causes_are_those_of_the_portal() -> None:
    text = (ROOT / "docs/providers.md").read_text().partition("## When it does not work")[2]
    named = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    assert named
    assert named <= {code.value for code in FailureCode}


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"

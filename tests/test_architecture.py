"""The rules of the house that no single test of a behaviour would see broken."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.app import create_app
from portal.services import build_services

ROOT = Path(__file__).parents[1]
PACKAGES = ("portal", "admin")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
LONGEST_FILE = 350
LONGEST_FUNCTION = 60
MIGRATIONS = ROOT / "portal/store/migrations"  # a migration is one list of statements, however long

# One word for one thing: where two layers have a module of one name, it is the same thing twice.
SHARED_NAMES = {
    "explain": "the question on the command line, and on a page",
    "pages": "what the templates of each package print",
    "people": "the rows, and the pages that show them",
    "progress": "of a tenant's set-up, and of a long reading",
    "registry": "its values, and its rows",
    "schema": "of the database, and of a seed file",
    "trail": "the rows, and the page that shows them",
    "trial": "the flow, and its page",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_one_way() -> None:
    """Layers, no framework below the edge, no input or output in the core, no cycles."""
    linter = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout


def test_no_file_is_longer_than_one_idea() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = {
        f"{name_of(path)}:{function.name}": length
        for path in MODULES
        if not path.is_relative_to(MIGRATIONS)
        for function, length in functions_of(path)
        if length > LONGEST_FUNCTION
    }
    assert too_long == {}


def functions_of(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield node, node.end_lineno - node.lineno + 1


def test_a_module_has_a_name_of_its_own() -> None:
    seen: dict[str, list[str]] = {}
    for path in MODULES:
        if path.stem not in {"__init__", "__main__"} and not path.is_relative_to(MIGRATIONS):
            seen.setdefault(path.stem, []).append(name_of(path))
    shared = {stem: paths for stem, paths in seen.items() if len(paths) > 1}
    assert {stem: paths for stem, paths in shared.items() if stem not in SHARED_NAMES} == {}
    assert {stem: paths for stem, paths in shared.items() if len(paths) > 2} == {}


@pytest.mark.parametrize("package", [path.parent for path in MODULES if path.stem == "__init__"])
def test_each_package_says_what_lives_in_it(package: Path) -> None:
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text()))


def test_each_route_is_named_in_a_test(make_settings) -> None:
    """Those of the admin pages are gone through one and all by `tests/admin/test_way_in.py`."""
    services = build_services(make_settings())
    rules = list(create_app(services).url_map.iter_rules())
    services.close()
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    shapes = {
        rule.rule: re.sub("<[^>]+>", lambda _: r"[^/\s\"']+", rule.rule).replace(".", r"\.")
        for rule in rules
        if rule.endpoint != "static" and not rule.endpoint.startswith("admin.")
    }
    assert "/auth/login" in shapes
    unnamed = [
        rule for rule, shape in shapes.items() if not re.search(rf"[\"']{shape}[\"'?]", tests)
    ]
    assert unnamed == []


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = sorted(path for path in (ROOT / "portal/static").iterdir() if path.is_file())
INLINE = {
    "a script": r"<script(?![^>]*\ssrc=)",
    "a style sheet": r"<style",
    "a style": r"<[^>]+\sstyle\s*=",
    "a handler": r"<[^>]+\son[a-z]+\s*=",
    "a javascript: address": r"javascript:",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_has_nothing_inline(path: Path) -> None:
    text = path.read_text()
    found = [what for what, shape in INLINE.items() if re.search(shape, text, re.IGNORECASE)]
    assert found == []


@pytest.mark.parametrize("path", TEMPLATES + STATIC, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_loads_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, no address
    loads = r"""(?:src|srcset|href|action)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//"""
    assert re.findall(rf"{loads}|@import|\bimport\s*\(|fetch\(\s*[\"'](?!/)", text) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_lock_pins_each_package_by_its_hashes_and_names_no_address(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|--trusted-host", text)
    packages = re.split(r"\n(?=[a-zA-Z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert len(packages) > (5 if path.name == "build.txt" else 20)
    bare = [
        package
        for package in packages
        if not re.match(r"[\w.\[\],-]+==\S+", package) or "--hash=sha256:" not in package
    ]
    assert bare == []


@pytest.mark.parametrize("target", ["install", "demo", "test", "check", "bench"])
def test_make_has_the_target_and_says_what_it_does(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.*\b{target}\b", makefile, re.MULTILINE)

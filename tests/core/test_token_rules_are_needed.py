"""Take out the checks on tokens one at a time: without any of them a case must come out wrong.

A mutant is the module's own source with one change: a guard (`if ...: raise`, `return None` or
`return False`) that never holds, one operand of a condition gone, or a call whose result nobody
uses left out. The cases of `token_cases` are then run against it.
"""

import ast
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import portal.core
from portal.core import jwks, tokens
from portal.core.errors import SignInFailure
from tests.core import token_cases as cases
from tests.core import token_drafts as drafts

FOLDER = Path(portal.core.__file__).parent
CHAIN = ("strict_json", "jwks", "jws", "tokens")  # in the order in which they import each other


def _mutations(tree):
    """Yield (place, words, change): `change` edits the node at that place of a walk."""
    for place, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.If) and _is_guard(node):
            yield place, ast.unparse(node.test), _never
        for index in range(_operands(node)):
            yield place, f"operand {index + 1} of {ast.unparse(node)}", _without(index)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield place, ast.unparse(node), _nothing


def _is_guard(node):
    last = node.body[-1]
    if isinstance(last, ast.Raise):
        return True
    return isinstance(last, ast.Return) and (
        last.value is None or (isinstance(last.value, ast.Constant) and not last.value.value)
    )


def _operands(node):
    return len(node.values) if isinstance(node, ast.BoolOp) else 0


def _never(node):
    node.test = ast.Constant(value=False)


def _without(index):
    def change(node):
        node.values[index] = ast.Constant(value=isinstance(node.op, ast.And))

    return change


def _nothing(node):
    node.value = ast.Constant(value=None)


def _mutants():
    for name in CHAIN:
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        for place, words, change in _mutations(tree):
            mutant = deepcopy(tree)
            node = list(ast.walk(mutant))[place]
            change(node)
            yield pytest.param(name, mutant, id=f"{name}.py:{node.lineno} {words}"[:120])


MUTANTS = list(_mutants())


def _load(name, tree):
    """Import the chain of modules anew, `name` from `tree`, beside the real ones."""
    saved = {f"portal.core.{part}": sys.modules[f"portal.core.{part}"] for part in CHAIN}
    loaded = {}
    try:
        for part in CHAIN:
            full = f"portal.core.{part}"
            source = tree if part == name else ast.parse((FOLDER / f"{part}.py").read_text())
            sys.modules[full] = loaded[part] = ModuleType(full)
            code = compile(ast.fix_missing_locations(source), f"<{part}>", "exec")
            exec(code, loaded[part].__dict__)
    finally:
        sys.modules.update(saved)
    return SimpleNamespace(**loaded)


@cache
def _cases():
    return [case for kind in ("id", "logout", "userinfo") for case in cases.ready(kind)]


def _accepts(modules, case):
    try:
        cases.run(modules, case)
    except SignInFailure:
        return True, False
    except Exception:  # noqa: BLE001 - a crash is an outcome too, and always a wrong one
        return False, False
    return True, True


def _merges(modules):
    """Give what `with_userinfo` makes of two sources, for each pair worth telling apart."""
    outcomes = []
    claims = modules.tokens.Claims
    for signed in (
        {},
        {"email": "a"},
        {"email": "b"},
        {"email_verified": True},
        {"email_verified": False},
    ):
        for said in ({"sub": "s"}, {"sub": 7}, {"sub": "t"}, {}):
            for mail in ({}, {"email": "b", "email_verified": True}, {"email_verified": False}):
                try:
                    merged = modules.tokens.with_userinfo(
                        claims("i", "s", all=signed), {**said, **mail}
                    )
                    outcomes.append(merged.all)
                except SignInFailure:
                    outcomes.append("refused")
                except Exception as error:  # noqa: BLE001 - as above
                    outcomes.append(repr(error))
    return outcomes


def _documents(modules):
    outcomes = []
    for document in ({}, {"keys": {}}, {"keys": [{}] * 1001}):
        try:
            outcomes.append(len(modules.jwks.read_jwks(document).keys))
        except SignInFailure:
            outcomes.append("refused")
        except Exception as error:  # noqa: BLE001 - as above
            outcomes.append(repr(error))
    return outcomes


def _addressees(modules):
    outcomes = []
    for change in ({}, {"iss": 7}):
        draft = drafts.logout_draft()
        draft.claims.update(change)
        try:
            outcomes.append(modules.tokens.read_addressee(draft.token()).issuer)
        except SignInFailure:
            outcomes.append("refused")
    return outcomes


def _words(modules):
    """Give how failures present themselves: whether newer keys might help, and the code."""
    outcomes = []
    for kid in ("rotated", "main"):
        draft = drafts.id_draft()
        draft.header["kid"] = kid
        draft.signer = drafts.key("RSA", "other")
        try:
            expected = modules.tokens.Expected(**draft.expected)
            keys = modules.jwks.read_jwks({"keys": draft.jwks})
            modules.tokens.verify_id_token(draft.token(), keys, expected=expected, now=drafts.NOW)
        except SignInFailure as failure:
            outcomes.append((str(failure), getattr(failure, "code", None), failure.kid_known))
    return outcomes


def _differs(modules):
    for case in _cases():
        sound, accepted = _accepts(modules, case)
        if not sound or accepted != case.accepted:
            return True
    real = SimpleNamespace(tokens=tokens, jwks=jwks)
    return any(look(modules) != look(real) for look in (_merges, _documents, _addressees, _words))


def test_the_unchanged_modules_pass_every_case():
    assert not _differs(_load("none of them", None))


@pytest.mark.parametrize(("name", "tree"), MUTANTS)
def test_without_this_check_a_case_comes_out_wrong(name, tree):
    assert _differs(_load(name, tree))

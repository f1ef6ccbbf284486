"""Values made on every request: what holds for them as for frozen dataclasses."""

import os
from dataclasses import field, replace

import pytest
from mypy import api

from portal.core.values import quick_value

ASSIGNS = """
from portal.core.values import quick_value

@quick_value
class Point:
    x: int

Point(1).x = 2
"""


@quick_value
class Point:
    x: int
    secret: str = field(default="", repr=False)


@quick_value(kw_only=True, order=True)
class Named:
    x: int


def test_equal_values_are_one():
    assert Point(1, "a") == Point(1, "a") != Point(1, "b")
    assert len({Point(1, "a"), Point(1, "a"), Point(2, "a")}) == 2


def test_changed_copy_leaves_the_first_alone():
    first = Point(1, "a")
    assert (replace(first, x=2), first) == (Point(2, "a"), Point(1, "a"))


def test_secret_is_not_shown():
    assert "hidden" not in repr(Point(1, "hidden"))


def test_value_holds_its_fields_alone():
    with pytest.raises(AttributeError):
        Point(1).y = 2  # type: ignore[attr-defined]


def test_fields_may_be_given_by_name_alone_and_compared():
    assert Named(x=1) < Named(x=2)
    with pytest.raises(TypeError):
        Named(1)  # type: ignore[misc]


def test_type_checker_lets_nobody_assign(tmp_path):
    found, _, status = api.run(
        ["--config-file", os.devnull, "--cache-dir", str(tmp_path), "-c", ASSIGNS]
    )
    assert status == 1
    assert 'Property "x" defined in "Point" is read-only' in found

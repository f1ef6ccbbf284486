"""Values that are made on every request: unchangeable for the type checker, cheap to make.

A frozen dataclass sets each of its fields by a call of `object.__setattr__`, eight times the work
of an assignment; the dozen values of a submit took an eighth of it so. Values that are made seldom
are frozen dataclasses.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def quick_value(made: type[T], /) -> type[T]: ...
@overload
def quick_value(*, kw_only: bool = False, order: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def quick_value(
    made: type[T] | None = None, /, *, kw_only: bool = False, order: bool = False
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a dataclass with slots, equal and hashed by its fields; nobody assigns to it."""

    def make(given: type[T]) -> type[T]:
        return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only, order=order)(given)

    return make(made) if made is not None else make

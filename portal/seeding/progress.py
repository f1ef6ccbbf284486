"""How far long work is, told to whoever wants to show it."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Hears what is under way, how much of it is done, and how much there is."""


def quiet(what: str, done: int, total: int) -> None:
    """Hear it and say nothing."""

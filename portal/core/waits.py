"""Waits: what a part of the portal that waits for others tells whoever runs its threads."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

Aside = Callable[[], AbstractContextManager[None]]
"""Makes what surrounds a wait: for a provider, for a password check. The server lets others run."""


def nobody_waits() -> AbstractContextManager[None]:
    """Give what surrounds a wait where no server has to know."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Waits:
    """What surrounds each kind of wait, for whoever runs the threads to let others go on.

    `aside` is for what may take seconds: a provider, a password check, a place in a line.
    `briefly` is for a database's answer: what has begun goes on before what comes in.
    """

    aside: Aside = nobody_waits
    briefly: Aside = nobody_waits


NOBODY_WAITS = Waits()

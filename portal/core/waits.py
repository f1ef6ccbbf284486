"""Waits: what a part of the portal that waits for others tells whoever runs its threads."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Aside = Callable[[], AbstractContextManager[None]]
"""Makes what surrounds a wait: for a provider, for a password check. The server lets others run."""


def nobody_waits() -> AbstractContextManager[None]:
    """Give what surrounds a wait where no server has to know."""
    return nullcontext()

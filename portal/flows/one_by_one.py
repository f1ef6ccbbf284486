"""Things that the running portal does for many: what breaks at one holds up none of the rest."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from portal.observe import log
from portal.services import Services
from portal.store.engine import DatabaseGoneError

Thing = TypeVar("Thing")


def one_by_one(
    services: Services,
    things: Iterable[Thing],
    do: Callable[[Services, Thing], object],
    *,
    name: Callable[[Thing], str],
) -> int:
    """Do it for each; give for how many it came to something.

    Raises DatabaseGoneError: without the database nothing comes of the rest either.
    """
    done = 0
    for thing in things:
        try:
            done += bool(do(services, thing))
        except DatabaseGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not wait for it
            log.error("chore.broke", chore=name(thing), error=type(error).__name__)
    return done

"""Put something sound where a file is wrong, so that the rest of it can be checked in one run.

What is made here is never applied: a file with a problem refuses the whole folder.
"""

import copy
from collections.abc import Iterable
from typing import Any

from portal.seeding.document import Path

_STAND_INS = {
    "tenant": "unnamed",
    "name": "Unnamed",
    "issuer": "https://issuer.invalid",
    "client_id": "unnamed",
    "email": "unnamed@unnamed.invalid",
    "operators": [],
}


def mended(data: Any, wrong: Iterable[Path]) -> Any:
    """Give a copy of `data` in which what stands at these paths is replaced or gone."""
    copied = copy.deepcopy(data)
    for path in sorted(wrong, key=_last_items_first, reverse=True):
        _mend(copied, path)
    return copied


def _last_items_first(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)


def _inner(here: Any, part: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(part)
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return None


def _mend(data: Any, path: Path) -> None:
    here = data
    for part in path[:-1]:
        here = _inner(here, part)
    last = path[-1] if path else None
    if isinstance(here, dict) and isinstance(last, str):
        # Under clients, connections and domains `name` is a key like any other.
        if last in _STAND_INS and path[-2:-1] not in {("clients",), ("connections",)}:
            here[last] = _STAND_INS[last]
        else:
            here.pop(last, None)
    elif isinstance(here, list) and isinstance(last, int) and last < len(here):
        here.pop(last)

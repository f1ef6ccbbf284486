"""Every secret sealed anew under the newest key, so that an old one may be dropped."""

from collections.abc import Callable
from dataclasses import dataclass

from portal.core.registry import Sealed
from portal.crypto import UnreadableSecretError, Vault
from portal.store import sealed
from portal.store.engine import Database

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many are under the newest key now, and the names of those that no key opens."""

    done: int
    lost: tuple[str, ...]


def rotate(database: Database, vault: Vault, *, progress: Callable[[int, int], None]) -> Rotation:
    """Seal every secret anew, in short transactions; `progress` gets done and total.

    A run that is killed is finished by the next. What is written meanwhile stays as it is: the
    portal seals with the newest key itself.
    """
    done, lost = 0, list[str]()
    with database.read() as connection:
        total = sealed.count(connection)
    for column in sealed.sealed_columns():
        last = 0
        while True:
            with database.read() as connection:
                batch = sealed.after(connection, column, last, most=BATCH)
                fresh = [(key, old, _resealed(vault, old)) for key, old in batch]
                lost += [
                    sealed.name_of(connection, column, key) for key, _, new in fresh if new is None
                ]
            if not batch:
                break
            with database.transaction() as connection:
                for key, old, new in fresh:
                    if new is not None:
                        sealed.exchange(connection, column, key, old=old, new=new)
            done += sum(new is not None for _, _, new in fresh)
            last = batch[-1][0]
            progress(done + len(lost), total)
    return Rotation(done, tuple(dict.fromkeys(lost)))


def _resealed(vault: Vault, old: Sealed) -> Sealed | None:
    try:
        return vault.reseal(old)
    except UnreadableSecretError:
        return None

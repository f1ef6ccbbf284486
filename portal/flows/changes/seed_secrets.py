"""The secrets that seed files name: read once, compared with what is stored, sealed to be stored.

A secret that a file leaves out, and one that has not changed, stays as it is stored.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from portal.core.changes import Change, Item, Secret
from portal.core.entries import Place, SecretSource, UserEntry
from portal.core.registry import Sealed
from portal.crypto import Passwords, UnreadableSecretError, Vault
from portal.seeding.desired import Desired
from portal.seeding.problems import Problems
from portal.seeding.progress import Progress, quiet
from portal.seeding.sources import SourceError, check_private_key, resolve
from portal.store.items import stored_secret

_One = TypeVar("_One")
_Result = TypeVar("_Result")


class SeedSecrets:
    """The values behind the references of some seed files.

    Raises SeedError for those that hold nothing; with `lenient` it notes them as `missing` and
    takes them for what is stored: enough for a plan, never for an apply.
    """

    def __init__(
        self,
        desired: Desired,
        *,
        vault: Vault,
        passwords: Passwords,
        environ: Mapping[str, str],
        lenient: bool = False,
        progress: Progress = quiet,
    ) -> None:
        self._vault = vault
        self._passwords = passwords
        self._progress = progress
        self._values: dict[Place, str] = {}
        self._unchanged: dict[tuple[str, str], bool] = {}
        problems = Problems()
        for source in desired.sources():
            try:
                value = resolve(source, folder=desired.folder, environ=environ, vault=vault)
                if source.place.key.endswith(".private_key"):
                    check_private_key(value)
                self._values[source.place] = value
            except SourceError as error:
                problems.add(source.place, str(error))
        self.missing = problems.found
        if not lenient:
            problems.refuse_if_any()

    def sealed(self, source: SecretSource | None, stored: Secret | None) -> Secret | None:
        """Give a client's secret as wanted: the stored one where its value is the same."""
        if source is None:
            return stored
        value = self._values.get(source.place)
        if stored and value is None:
            return stored
        if stored and isinstance(stored.stored, Sealed):
            try:
                if self._vault.open(stored.stored) == value:
                    return stored
            except UnreadableSecretError:
                pass  # the key is lost: whatever the file says is new
        return Secret(secrets.token_hex(8), fresh=value)

    def password(self, user: UserEntry, stored: Secret | None) -> Secret | None:
        """Give a password as wanted: the stored one where it is the same."""
        if user.password_hash is not None:
            return stored_secret(user.password_hash)
        if user.password is None:
            return stored
        value = self._values.get(user.password.place)
        if stored and (value is None or self._is_unchanged(str(stored.stored), value)):
            return stored
        return Secret(secrets.token_hex(8), fresh=value)

    def compare_passwords(self, people: Iterable[UserEntry], stored: Mapping[str, Item]) -> None:
        """Check all passwords, each once in a run: that alone tells whether one is new."""
        checks: list[tuple[str, str]] = []
        for user in people:
            item = stored.get(user.key)
            secret = item.fields.get("password") if item else None
            value = self._values.get(user.password.place) if user.password else None
            if value is not None and isinstance(secret, Secret):
                checks.append((str(secret.stored), value))
        self._side_by_side("checking passwords", lambda check: self._is_unchanged(*check), checks)

    def at_rest(self, changes: Sequence[Change]) -> list[Change]:
        """Give changes with their fresh secrets sealed, their fresh passwords hashed."""
        return self._side_by_side("sealing secrets", self._at_rest, changes)

    def _side_by_side(
        self, what: str, do: Callable[[_One], _Result], things: Sequence[_One]
    ) -> list[_Result]:
        """Do it for each of them: a password takes a tenth of a second, and no lock while so."""
        done: list[_Result] = []
        with ThreadPoolExecutor(self._passwords.at_once) as threads:
            for result in threads.map(do, things):
                done.append(result)
                self._progress(what, len(done), len(things))
        return done

    def _at_rest(self, change: Change) -> Change:
        fields = tuple(
            replace(field, new=self._stored(field.new, is_password=field.name == "password"))
            if isinstance(field.new, Secret) and field.new.fresh is not None
            else field
            for field in change.fields
        )
        return replace(change, fields=fields)

    def _stored(self, secret: Secret, *, is_password: bool) -> Secret:
        assert secret.fresh is not None, "only a fresh secret is sealed"
        if is_password:
            return Secret(secret.mark, self._passwords.hash(secret.fresh))
        return Secret(secret.mark, self._vault.seal(secret.fresh))

    def _is_unchanged(self, stored: str, value: str) -> bool:
        known = self._unchanged.get((stored, value))
        if known is None:
            known = self._unchanged[stored, value] = self._passwords.verify(stored, value)
        return known

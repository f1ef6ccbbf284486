"""The rows of a CSV of domains: each checked by itself, and staged by the thousand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from portal.core.address import AddressError, Domain
from portal.core.counting import counted
from portal.core.entries import Place
from portal.seeding.claims import why_not_claimable
from portal.seeding.problems import Problems, suggestion
from portal.seeding.staging import Staged, StagedDomains
from portal.seeding.wording import domain_mend

HEADER = ("tenant", "domain", "connection", "policy")
_POLICIES = frozenset({"password", "optional", "required"})
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Such a name is its own normal form: parsing it again is the greater part of reading a big file.
_NORMAL = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_BATCH = 5000


@dataclass(slots=True)
class Named:
    """What is known before a CSV: each tenant's connections; and what only a registry can tell."""

    connections: Mapping[str, frozenset[str]]
    in_registry: frozenset[str] = frozenset()
    """Of these tenants the registry told the connections, and it may change its mind."""
    elsewhere: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Tenants (and their connections) that no file describes, with the place of the first row."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose rows they are. `own` is the one tenant that they may name, or leave out.

    Only where an operator asks do the domains count as verified.
    """

    own: str = ""
    vouches: bool = True


OPERATOR = Asker()


class RowChecks:
    """Checks the rows of one file, and stages their domains."""

    def __init__(
        self,
        name: str,
        *,
        named: Named,
        staged: StagedDomains,
        problems: Problems,
        asker: Asker = OPERATOR,
    ) -> None:
        self._name = name
        self._named = named
        self._staged = staged
        self._problems = problems
        self._asker = asker
        self._file = staged.file(name, is_csv=True)
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._line = 0
        self._batch: list[Staged] = []

    def take(self, row: list[str], line: int) -> bool:
        """Check a row; whether a batch was staged with it. `end` stages the last one."""
        self._line = line
        if row and (staged := self._row(row)) is not None:
            self._batch.append(staged)
            if len(self._batch) == _BATCH:
                self.end()
                return True
        return False

    def end(self) -> None:
        """Stage what waits."""
        for row, first in self._staged.add(self._batch):
            place = self._staged.place(row[7], row[8], row[0])
            self._problems.add(place, f"{row[0]} is claimed twice; first in {first}")
        self._batch.clear()

    def _row(self, row: list[str]) -> Staged | None:
        if len(row) != len(HEADER):
            self._wrong("", f"the row has {counted(len(row), 'cell')}, not {len(HEADER)}")
            return None
        tenant, raw, connection, policy = (cell.strip() for cell in row)
        tenant = tenant or self._asker.own
        domain = self._domain(raw)
        way = (tenant, connection, policy)
        if way not in self._known:
            self._known[way] = self._way(tenant, connection.replace("|", " ").split(), policy)
        chosen = self._known[way]
        if domain is None or chosen is None:
            if chosen is None:
                del self._known[way]  # say it again on the next line
            return None
        keys = " ".join(connection.replace("|", " ").split())
        verified = int(self._asker.vouches)
        return (domain, tenant, chosen, keys, 0, verified, 100, self._file, self._line)

    def _domain(self, raw: str) -> str | None:
        try:
            normal = _NORMAL.fullmatch(raw) is not None and "--" not in raw
            name = raw if normal else Domain.parse(raw).name
        except AddressError as error:
            self._wrong("domain", f"{raw[:80]!r}: {error}{domain_mend(raw)}")
            return None
        if why := why_not_claimable(name):
            self._wrong("domain", f"{name} {why}")
            return None
        return name

    def _way(self, tenant: str, keys: list[str], policy: str) -> str | None:
        """Check where a row leads; give its policy, or None where something is wrong."""
        wrong = list(self._wrong_way(tenant, keys, policy))
        for column, message in wrong:
            self._wrong(column, message)
        if wrong:
            return None
        return policy or ("optional" if keys else "password")

    def _wrong_way(self, tenant: str, keys: list[str], policy: str) -> Iterator[tuple[str, str]]:
        own = self._asker.own
        if own and tenant != own:
            yield "tenant", f"these rows are for {own} alone: write {own}, or leave the column out"
            return
        if not _SLUG.fullmatch(tenant):
            yield "tenant", f"{tenant[:80]!r} is no tenant's slug"
        elif (known := self._named.connections.get(tenant)) is None:
            self._look_elsewhere(tenant, keys)
        else:
            for key in keys:
                if key not in known:
                    hint = suggestion(key, known)
                    yield "connection", f'tenant {tenant} has no connection "{key[:80]}"{hint}'
            if tenant in self._named.in_registry:
                self._look_elsewhere(tenant, [key for key in keys if key in known])
        if len(set(keys)) != len(keys):
            yield "connection", "one connection stands twice"
        if policy and policy not in _POLICIES:
            hint = suggestion(policy, _POLICIES)
            yield "policy", f"{policy[:80]!r} is not password, optional or required{hint}"
        if policy in {"optional", "required"} and not keys:
            yield "policy", f"{policy} needs a connection; name one, or use password"

    def _look_elsewhere(self, tenant: str, keys: list[str]) -> None:
        place = Place(self._name, self._line, "tenant")
        for key in keys or [""]:
            self._named.elsewhere.setdefault((tenant, key), place)

    def _wrong(self, column: str, message: str) -> None:
        self._problems.add(Place(self._name, self._line, column), message)

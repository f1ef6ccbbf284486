"""CSV files of bulk domains: streamed row by row, so that they may have any size."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.core.address import AddressError, Domain
from portal.core.entries import Place
from portal.seeding.claims import why_not_claimable
from portal.seeding.problems import Problems, suggestion
from portal.seeding.progress import Progress, quiet
from portal.seeding.staging import Staged, StagedDomains

HEADER = ("tenant", "domain", "connection", "policy")
_POLICIES = frozenset({"password", "optional", "required"})
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Such a name is its own normal form: parsing it again is the greater part of reading a big file.
_NORMAL = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_BATCH = 5000


@dataclass(slots=True)
class Named:
    """What the files before said: each tenant's connections; and what only a registry can tell."""

    connections: Mapping[str, frozenset[str]]
    elsewhere: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Tenants (and their connections) that no file describes, with the place of the first row."""


def read_csv(
    path: Path,
    name: str,
    *,
    named: Named,
    staged: StagedDomains,
    problems: Problems,
    progress: Progress = quiet,
) -> None:
    """Check every row of a file and stage its domains. `name` is the file's name in messages."""
    reader = _CsvReader(
        path, name, named=named, staged=staged, problems=problems, progress=progress
    )
    try:
        reader.read()
    except UnicodeDecodeError:
        problems.add(Place(name, _first_line_that_is_no_text(path)), "is not UTF-8 text")
    except csv.Error as error:
        problems.add(Place(name, reader.line), f"CSV: {error}")


def _line_count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _first_line_that_is_no_text(path: Path) -> int:
    """Give the line: the reader decodes ahead of the row that it gives."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


class _CsvReader:
    def __init__(
        self,
        path: Path,
        name: str,
        *,
        named: Named,
        staged: StagedDomains,
        problems: Problems,
        progress: Progress,
    ) -> None:
        self._path = path
        self._name = name
        self._named = named
        self._staged = staged
        self._problems = problems
        self._file = staged.file(name, is_csv=True)
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._line = 0
        self._rows: Any = None
        self._progress = progress

    @property
    def line(self) -> int:
        """The line that was read last."""
        return int(self._rows.line_num) if self._rows else 1

    def read(self) -> None:
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            rows = self._rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if tuple(header) != HEADER:
                found = ",".join(header) or "nothing"
                message = f"the header must be {','.join(HEADER)}; it is {found[:200]}"
                self._problems.add(Place(self._name, 1), message)
                return
            total = _line_count(self._path)
            batch: list[Staged] = []
            for row in rows:
                self._line = rows.line_num
                if row and (staged := self._row(row)) is not None:
                    batch.append(staged)
                    if len(batch) == _BATCH:
                        self._stage(batch)
                        batch.clear()
                        self._progress(f"reading {self._name}", self._line, total)
            self._stage(batch)
            self._progress(f"reading {self._name}", total, total)

    def _stage(self, batch: list[Staged]) -> None:
        for row, first in self._staged.add(batch):
            place = self._staged.place(row[7], row[8], row[0])
            self._problems.add(place, f"{row[0]} is claimed twice; first in {first}")

    def _row(self, row: list[str]) -> Staged | None:
        if len(row) != len(HEADER):
            self._wrong("", f"the row has {len(row)} cells, not {len(HEADER)}")
            return None
        tenant, raw, connection, policy = (cell.strip() for cell in row)
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
        return (domain, tenant, chosen, keys, 0, 1, 100, self._file, self._line)

    def _domain(self, raw: str) -> str | None:
        try:
            normal = _NORMAL.fullmatch(raw) is not None and "--" not in raw
            name = raw if normal else Domain.parse(raw).name
        except AddressError as error:
            self._wrong("domain", f"{raw[:80]!r}: {error}")
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
        if not _SLUG.fullmatch(tenant):
            yield "tenant", f"{tenant[:80]!r} is no tenant's slug"
        elif (known := self._named.connections.get(tenant)) is None:
            place = Place(self._name, self._line, "tenant")
            for key in keys or [""]:
                self._named.elsewhere.setdefault((tenant, key), place)
        else:
            for key in keys:
                if key not in known:
                    hint = suggestion(key, known)
                    yield "connection", f'tenant {tenant} has no connection "{key[:80]}"{hint}'
        if len(set(keys)) != len(keys):
            yield "connection", "one connection stands twice"
        if policy and policy not in _POLICIES:
            hint = suggestion(policy, _POLICIES)
            yield "policy", f"{policy[:80]!r} is not password, optional or required{hint}"
        if policy in {"optional", "required"} and not keys:
            yield "policy", f"{policy} needs a connection; name one, or use password"

    def _wrong(self, column: str, message: str) -> None:
        self._problems.add(Place(self._name, self._line, column), message)

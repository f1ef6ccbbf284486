"""The domains of seed files, kept on disk while they are checked: memory does not grow."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from portal.core.entries import DomainEntry, Place

Staged = tuple[str, str, str, str, int, int, int, int, int]
"""name, tenant, policy, connection keys joined by spaces, subdomains, verified, rollout, file, line

`file` is the number that `StagedDomains.file` gave.
"""

_TABLE = """
CREATE TABLE staged (
    name TEXT PRIMARY KEY, tenant TEXT NOT NULL, policy TEXT NOT NULL, connections TEXT NOT NULL,
    subdomains INT NOT NULL, verified INT NOT NULL, rollout INT NOT NULL,
    file INT NOT NULL, line INT NOT NULL
) WITHOUT ROWID
"""
_INSERT = "INSERT OR IGNORE INTO staged VALUES (?,?,?,?,?,?,?,?,?)"


class StagedDomains:
    """A table of domains on the disk, each name once. It is gone when the process is.

    An SQLite database without a name is a temporary file that has no directory entry, so that
    not even a killed process leaves it behind.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_TABLE)
        self._database.execute("BEGIN")  # one transaction for good: it is never committed
        self._files: list[tuple[str, bool]] = []

    def file(self, name: str, *, is_csv: bool) -> int:
        """Give the number under which rows name this file."""
        self._files.append((name, is_csv))
        return len(self._files) - 1

    def add(self, rows: Sequence[Staged]) -> Iterator[tuple[Staged, Place]]:
        """Stage rows; give each whose name is staged already, with the place of the first."""
        before = self._database.total_changes
        self._database.executemany(_INSERT, rows)
        if self._database.total_changes - before == len(rows):
            return
        written: set[tuple[int, int]] = set()
        for row in rows:
            first = self._database.execute(
                "SELECT file, line, name FROM staged WHERE name = ?", row[:1]
            ).fetchone()
            # By itself it was not written: the first may stand on the same line (`{a: , A: }`).
            if len(rows) == 1 or (first[0], first[1]) != row[7:] or row[7:] in written:
                yield row, self.place(*first)
            written.add((row[7], row[8]))

    def place(self, file: int, line: int, name: str) -> Place:
        """Give the place of a staged row."""
        file_name, is_csv = self._files[file]
        return Place(file_name, line, "domain" if is_csv else f"domains.{name}")

    def ways(self) -> list[tuple[str, str]]:
        """Give every pair of a tenant and the connection keys that a domain of it leads to."""
        return self._database.execute("SELECT DISTINCT tenant, connections FROM staged").fetchall()

    def rows(self) -> Iterator[Staged]:
        """Give every row, by name."""
        yield from self._database.execute("SELECT * FROM staged ORDER BY name")

    def __iter__(self) -> Iterator[DomainEntry]:
        """Give every domain, by name."""
        return map(self._entry, self.rows())

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM staged").fetchone()[0])

    def named(self, names: Iterable[str]) -> list[DomainEntry]:
        """Give the domains that have one of these names."""
        query = "SELECT * FROM staged WHERE name = ?"
        found = (self._database.execute(query, (name,)).fetchone() for name in names)
        return [self._entry(row) for row in found if row]

    def tenants(self) -> dict[str, int]:
        """Give each tenant that has a domain here, and how many."""
        return dict(
            self._database.execute("SELECT tenant, count(*) FROM staged GROUP BY tenant").fetchall()
        )

    def _entry(self, row: Staged) -> DomainEntry:
        name, tenant, policy, connections, subdomains, verified, rollout, file, line = row
        return DomainEntry(
            name=name,
            tenant=tenant,
            place=self.place(file, line, name),
            policy=policy,
            connections=tuple(connections.split()),
            subdomains=bool(subdomains),
            verified=bool(verified),
            rollout=rollout,
        )

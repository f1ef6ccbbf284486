"""Fixtures for seed files: write some, apply them, look at what the registry holds."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from sqlalchemy import text

from portal.crypto import Passwords, Vault, new_key
from portal.flows.changes.registry_changes import Outcome, apply
from portal.seeding.folder import read_folder
from portal.seeding.problems import SeedError
from portal.store.engine import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Seeds:
    """A seeds folder of a test, and the ways to bring it into a registry."""

    def __init__(self, folder: Path, vault: Vault, passwords: Passwords) -> None:
        self.folder = folder
        self.vault = vault
        self.passwords = passwords
        self.environ: dict[str, str] = {}

    def write(self, **files: str) -> "Seeds":
        """Write files: `acme_yaml="..."` is acme.yaml; a name without `_` is a YAML file."""
        for name, content in files.items():
            stem, _, suffix = name.rpartition("_")
            path = self.folder / (f"{stem}.{suffix}" if stem else f"{name}.yaml")
            path.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return self

    def remove(self, *names: str) -> None:
        for name in names:
            (self.folder / name).unlink()

    def apply(self, database: Database, *, prune: bool = False, by: str = "olu") -> Outcome:
        return apply(
            database,
            self.vault,
            self.passwords,
            read_folder(self.folder),
            now=NOW,
            by=by,
            environ=self.environ,
            prune=prune,
        )

    def problems(self) -> list[str]:
        """Everything that is wrong with the folder, offline."""
        try:
            read_folder(self.folder)
        except SeedError as error:
            return [str(problem) for problem in error.problems]
        return []

    def refused(self, database: Database, *, prune: bool = False) -> list[str]:
        """Everything for which the registry refuses the folder."""
        with pytest.raises(SeedError) as caught:
            self.apply(database, prune=prune)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def seeds(tmp_path: Path, cheap_passwords: Passwords) -> Seeds:
    folder = tmp_path / "seeds"
    folder.mkdir()
    return Seeds(folder, Vault([new_key()]), cheap_passwords)


@pytest.fixture
def rows() -> Callable[..., list[Mapping[str, Any]]]:
    """Ask the database in plain SQL: `rows(database, "SELECT ...")`."""

    def ask(database: Database, query: str, **values: Any) -> list[Mapping[str, Any]]:
        with database.read() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    return ask


@pytest.fixture
def whole(rows):
    """Everything that a registry holds, as plain text: two equal ones are the same registry."""
    tables = ("tenants", "clients", "connections", "domains", "domain_connections", "users")

    def dump(database: Database) -> str:
        return "\n".join(
            f"{table} {sorted(str(row) for row in rows(database, f'SELECT * FROM {table}'))}"
            for table in tables
        )

    return dump

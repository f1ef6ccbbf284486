"""The registry written back as seed files that apply with no change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from portal.core.changes import Item, Kind, Secret
from portal.core.counting import counted
from portal.core.entries import Place
from portal.core.registry import Sealed
from portal.crypto import UnreadableSecretError, Vault
from portal.seeding.export import DOMAINS_IN_THE_FILE, FolderWriter, drafts_of
from portal.seeding.sources import SourceError, parse_source, resolve
from portal.store.catalog import Catalog, read_catalog
from portal.store.engine import Database
from portal.store.registry_export import (
    disabled_count,
    domain_counts,
    enabled_people,
    tenant_domains,
)
from portal.store.workbench import open_workbench


class ExportError(Exception):
    """The registry cannot be written as files; `problems` say why, each with the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what the files cannot say."""

    files: list[str]
    notes: list[str] = field(default_factory=list)


class SecretWriter:
    """Says how a file names each secret: by its reference, or encrypted.

    Under the key that `key` names (`env:NAME` or `file:PATH`), else under the portal's own.
    """

    def __init__(self, vault: Vault, *, key: str | None, environ: Mapping[str, str]) -> None:
        self._vault = vault
        self._named = f"{key}:" if key else ""
        self._encrypt = Vault([_key(key, vault, environ)]) if key else vault
        self.notes: list[str] = []

    def __call__(self, item: Item, name: str) -> str | None:
        """Give the text for a file; None where the file is to leave the secret out."""
        secret = item.fields.get(name)
        if not isinstance(secret, Secret) or secret.stored is None:
            return None
        if not isinstance(secret.stored, Sealed):
            return secret.stored
        about = f"{name} of client {item.tenant}/{item.key}"
        if reference := item.fields.get(f"{name}_ref"):
            if str(reference).startswith("file:"):
                self.notes.append(f"{about}: {reference} must lie beside the files")
            return str(reference)
        try:
            token = self._encrypt.seal(self._vault.open(secret.stored)).token.decode()
        except UnreadableSecretError as error:
            self.notes.append(f"{about} is left out: {error}")
            return None
        if not self._named:
            self.notes.append(f"{about} opens with this portal's PORTAL_ENCRYPTION_KEYS alone")
        return f"encrypted:{self._named}{token}"


def export(
    database: Database,
    vault: Vault,
    folder: Path,
    *,
    key: str | None,
    environ: Mapping[str, str],
) -> Exported:
    """Write the whole registry into a folder without seed files. Raises ExportError.

    `key` is the reference (`env:NAME` or `file:PATH`) of the key for secrets that came from none;
    without it they are encrypted under the portal's own.
    """
    secrets = SecretWriter(vault, key=key, environ=environ)
    with open_workbench(database) as bench, bench.reading(), drafts_of(folder) as drafts:
        catalog = read_catalog(bench.connection, people=())
        writer = FolderWriter(drafts, secrets)
        counts = domain_counts(bench.connection)
        with writer.rows("domains.csv") as rows:
            for slug in catalog.tenant_ids:
                bulk = rows if counts.get(slug, 0) > DOMAINS_IN_THE_FILE else None
                write_tenant(bench.connection, writer, catalog, slug, bulk=bulk)
        name = "operators.yaml"
        if name in writer.written:  # a tenant of that slug has taken it
            name = "portal.operators.yaml"
        writer.operators(name, enabled_people(bench.connection, None))
        disabled = disabled_count(bench.connection)
    if disabled:
        secrets.notes.append(f"{counted(disabled, 'disabled account')} left out")
    return Exported(writer.written, secrets.notes)


def write_tenant(
    connection: Connection, writer: FolderWriter, catalog: Catalog, slug: str, *, bulk: Any
) -> None:
    """Write one tenant's file. `bulk` takes the domains that a CSV row can say, or is None."""
    of_kind = {kind: catalog.of_tenant(slug, kind) for kind in Kind}
    writer.tenant(
        of_kind[Kind.TENANT][0],
        clients=of_kind[Kind.CLIENT],
        connections=of_kind[Kind.CONNECTION],
        domains=tenant_domains(connection, slug),
        users=enabled_people(connection, slug),
        bulk=bulk,
    )


def _key(reference: str, vault: Vault, environ: Mapping[str, str]) -> str:
    try:
        source = parse_source(reference, Place("--key", 0), folder=Path())
        if source.reference is None:
            raise ExportError(["--key must be env:NAME or file:PATH, not the key itself"])
        key = resolve(source, folder=Path(), environ=environ, vault=vault).strip()
        Vault([key])
    except SourceError as error:
        raise ExportError([f"--key: {error}"]) from None
    except ValueError:
        message = f"--key: {reference} holds no key; `portal keys new` makes one"
        raise ExportError([message]) from None
    return key

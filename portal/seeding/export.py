"""A registry written as a seeds folder: a file a tenant, one for operators, bulk domains as CSV."""

import csv
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ruamel.yaml import YAML

from portal.core.changes import Item
from portal.seeding.csv_rows import HEADER
from portal.seeding.documents import (
    Part,
    SecretText,
    client_part,
    connection_part,
    domain_part,
    session_part,
    tenant_part,
    user_part,
)

DOMAINS_IN_THE_FILE = 100
"""Of a tenant with more domains, those that a CSV row can say are written as rows."""


class FolderWriter:
    """Writes files into a folder; each appears whole or not at all."""

    def __init__(self, folder: Path, secret: SecretText) -> None:
        self._folder = folder
        self._secret = secret
        self._rows: IO[str] | None = None
        self.written: list[str] = []

    def tenant(
        self,
        tenant: Item,
        *,
        clients: Iterable[Item],
        connections: Iterable[Item],
        domains: Iterable[Item],
        users: Iterable[Item],
        bulk: Any,
    ) -> None:
        """Write a tenant's file. `bulk` is a CSV writer, None where no domain goes there."""
        document = tenant_part(tenant)
        _put(document, "clients", {c.key: client_part(c, self._secret) for c in clients})
        _put(document, "connections", {c.key: connection_part(c) for c in connections})
        in_file: Part = {}
        for domain in domains:
            if bulk is not None and is_bulk(domain):
                bulk.writerow(csv_row(domain))
            else:
                in_file[domain.key] = domain_part(domain)
        _put(document, "domains", in_file)
        _put(document, "users", [user_part(user, self._secret) for user in users])
        _put(document, "session", session_part(tenant))
        self._write(f"{tenant.key}.yaml", document)

    def operators(self, name: str, operators: Iterable[Item]) -> None:
        """Write the operators' file."""
        people = [user_part(operator, self._secret) for operator in operators]
        if people:
            self._write(name, {"operators": people})

    @contextmanager
    def rows(self, name: str) -> Iterator[Any]:
        """Open a CSV file of domains; it is not kept where no row was written."""
        with replacing(self._folder / name) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            start = file.tell()
            yield writer
            is_empty = file.tell() == start
        if is_empty:
            (self._folder / name).unlink()
        else:
            self.written.append(name)

    def _write(self, name: str, document: Part) -> None:
        with replacing(self._folder / name) as file:
            file.write(to_yaml(document))
        self.written.append(name)


@contextmanager
def drafts_of(folder: Path) -> Iterator[Path]:
    """Give an empty folder whose files move into `folder` at the end, where all went well."""
    folder.mkdir(parents=True, exist_ok=True)
    drafts = folder / f".export.{os.getpid()}"
    drafts.mkdir()
    try:
        yield drafts
        for file in sorted(drafts.iterdir()):
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(drafts)


def to_yaml(document: Any) -> str:
    """Give a document as YAML, in the order of its keys."""
    yaml = YAML()
    yaml.width = 4096  # a folded secret is hard to find
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def is_bulk(domain: Item) -> bool:
    """Whether a CSV row can say all that there is to say of a domain."""
    fields = domain.fields
    return fields["verified"] is True and not fields["subdomains"] and fields["rollout"] == 100


def csv_row(domain: Item) -> tuple[str, ...]:
    """Give a domain as a row of a CSV file."""
    keys = domain.fields["connections"]
    assert isinstance(keys, tuple), "a domain's connections are keys"
    return (domain.tenant, domain.key, "|".join(keys), str(domain.fields["policy"]))


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a file that takes the place of `path` at the end, and only where all went well."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _put(document: Part, name: str, section: Any) -> None:
    if section:
        document[name] = section

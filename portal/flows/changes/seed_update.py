"""An existing seeds folder brought to what the registry is: only what differs is edited."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection

from portal.core.changes import Action, Change, Item, Kind
from portal.crypto import Passwords, Vault
from portal.flows.changes.registry_changes import open_seed_run
from portal.flows.changes.seed_export import Exported, ExportError, SecretWriter, write_tenant
from portal.flows.changes.seed_plan import Plan
from portal.seeding.desired import Desired
from portal.seeding.documents import client_part, connection_part, domain_part, user_part
from portal.seeding.export import DOMAINS_IN_THE_FILE, FolderWriter, is_bulk
from portal.seeding.folder import read_folder
from portal.seeding.update import CannotUpdateError, DocumentEditor, update_rows
from portal.store.engine import Database
from portal.store.registry_export import enabled_people, tenant_domains

_PARTS = {Kind.CLIENT: "clients", Kind.CONNECTION: "connections"}


def update(
    database: Database,
    vault: Vault,
    passwords: Passwords,
    folder: Path,
    *,
    key: str | None,
    environ: Mapping[str, str],
) -> Exported:
    """Edit the files of a folder so that they say what the registry is. Raises ExportError.

    Comments and order stay. Nothing is written before everything is known to be writable.
    """
    desired = read_folder(folder)
    secrets = SecretWriter(vault, key=key, environ=environ)
    with open_seed_run(
        database, desired, vault=vault, passwords=passwords, environ=environ, lenient=True
    ) as run:
        plan = run.plan()
        with run.reading() as connection:
            edits = _Update(connection, plan, desired, secrets=secrets)
            try:
                edits.prepare(run.domain_changes())
            except CannotUpdateError as error:
                raise ExportError([str(error)]) from None
            return Exported(edits.save(), secrets.notes)


class _Update:
    def __init__(
        self, connection: Connection, plan: Plan, desired: Desired, *, secrets: SecretWriter
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._desired = desired
        self._secrets = secrets
        self._items = {item.identity: item for item in plan.catalog.items}
        self._files = {tenant.slug: tenant.place.file for tenant in desired.tenants}
        self._editors: dict[str, DocumentEditor] = {}
        self._gone: set[str] = set()
        self._new: list[str] = []
        self._new_operators: list[Item] = []
        self._rows_removed: defaultdict[str, set[str]] = defaultdict(set)
        self._rows_changed: defaultdict[str, dict[str, Item]] = defaultdict(dict)
        self._rows_added: defaultdict[str, list[Item]] = defaultdict(list)

    def prepare(self, domain_changes: Iterator[Change]) -> None:
        """Edit in memory. A change of the plan is read backwards: the registry is what counts."""
        for change in self._plan.changes:
            if change.kind is Kind.TENANT and change.action is not Action.CHANGED:
                self._tenant(change)
            elif change.tenant in self._files or change.kind is Kind.OPERATOR:
                self._object(change)
        self._people()
        for change in domain_changes:
            if change.action in {Action.CREATED, Action.CHANGED}:
                self._domain(change)
        for slug, counts in self._plan.domains.items():
            if counts.kept:
                self._kept_domains(slug)

    def save(self) -> list[str]:
        """Write what was edited; give the names of the files."""
        folder = self._desired.folder
        written = [name for name, editor in self._editors.items() if editor.save()]
        rows = {*self._rows_removed, *self._rows_changed, *self._rows_added}
        for name in sorted(rows):
            update_rows(
                folder / name,
                removed=self._rows_removed[name],
                changed=self._rows_changed[name],
                added=self._rows_added[name],
            )
            written.append(name)
        writer = FolderWriter(folder, self._secrets)
        for slug in self._new:
            write_tenant(self._connection, writer, self._plan.catalog, slug, bulk=None)
        writer.operators("operators.yaml", self._new_operators)
        for name in sorted(self._gone):
            (folder / name).unlink()
        return sorted([*written, *writer.written, *self._gone])

    def _tenant(self, change: Change) -> None:
        if change.action is Action.CREATED:
            self._gone.add(self._files.pop(change.key))
        elif change.action is Action.KEPT:
            for item in self._plan.catalog.of_tenant(change.key, Kind.CLIENT):
                client_part(item, self._secrets)  # notes what cannot be written
            self._new.append(change.key)

    def _object(self, change: Change) -> None:
        editor = self._editor(self._file(change))
        if editor is None:
            return
        if change.action is Action.CREATED:
            editor.remove(change.kind, change.key)
        elif change.action is Action.CHANGED:
            editor.change(self._item(change), change.fields)
        elif change.kind in _PARTS:
            item = self._item(change)
            part = (
                client_part(item, self._secrets)
                if change.kind is Kind.CLIENT
                else connection_part(item)
            )
            editor.put(_PARTS[change.kind], change.key, part)

    def _people(self) -> None:
        """Add the people whom the files lack."""
        there = {user.key for _, user in self._desired.people()}
        for slug, name in self._files.items():
            for item in enabled_people(self._connection, slug):
                editor = self._editor(name) if item.key not in there else None
                if editor is not None:
                    editor.put_person("users", user_part(item, self._secrets))
        operators = [i for i in enabled_people(self._connection, None) if i.key not in there]
        if operators and self._desired.operators:
            editor = self._editor(self._desired.operators[0].place.file)
            assert editor is not None, "a file of operators is never removed"
            for item in operators:
                editor.put_person("operators", user_part(item, self._secrets))
        elif operators:
            self._new_operators = operators

    def _domain(self, change: Change) -> None:
        entry = self._desired.domains.named([change.key])[0]
        fields = {field.name: field.old for field in change.fields}
        current = Item(
            Kind.DOMAIN,
            change.tenant,
            change.key,
            {
                "policy": entry.policy,
                "connections": entry.connections,
                "subdomains": entry.subdomains,
                "verified": entry.verified,
                "rollout": entry.rollout,
                **fields,
            },
        )
        name = entry.place.file
        if name.endswith(".csv"):
            if change.action is Action.CHANGED and is_bulk(current):
                self._rows_changed[name][change.key] = current
                return
            self._rows_removed[name].add(change.key)
            if change.action is Action.CHANGED:
                self._put_domain(current)
            return
        editor = self._editor(name)
        if editor is not None and change.action is Action.CREATED:
            editor.remove(Kind.DOMAIN, change.key)
        elif editor is not None:
            editor.change(current, change.fields)

    def _kept_domains(self, slug: str) -> None:
        """Add the domains that the files lack."""
        rows = next(iter(self._csv_files()), None)
        few = self._plan.domains[slug].kept <= DOMAINS_IN_THE_FILE and slug in self._files
        for item in tenant_domains(self._connection, slug):
            if any(e.tenant == slug for e in self._desired.domains.named([item.key])):
                continue
            if rows is not None and is_bulk(item) and not few:
                self._rows_added[rows].append(item)
            else:
                self._put_domain(item)

    def _put_domain(self, item: Item) -> None:
        editor = self._editor(self._files.get(item.tenant))
        if editor is None:
            self._secrets.notes.append(f"{item.key}: no file describes tenant {item.tenant}")
        else:
            editor.put("domains", item.key, domain_part(item))

    def _csv_files(self) -> list[str]:
        return sorted(
            file.name
            for file in self._desired.folder.iterdir()
            if file.suffix.lower() == ".csv" and not file.name.startswith(".")
        )

    def _file(self, change: Change) -> str | None:
        if change.kind is not Kind.OPERATOR:
            return self._files.get(change.tenant)
        operators = self._desired.operators or ()
        return next((o.place.file for o in operators if o.key == change.key), None)

    def _editor(self, name: str | None) -> DocumentEditor | None:
        if name is None or name in self._gone:
            return None
        if name not in self._editors:
            self._editors[name] = DocumentEditor(self._desired.folder / name, self._secrets)
        return self._editors[name]

    def _item(self, change: Change) -> Item:
        if change.kind in {Kind.USER, Kind.OPERATOR}:
            return self._plan.catalog.accounts[change.key]
        return self._items[change.kind, change.tenant, change.key]

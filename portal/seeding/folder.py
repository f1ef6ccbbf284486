"""A seeds folder, or one file of it -> the registry that it describes."""

from collections.abc import Iterable
from pathlib import Path

from portal.core.entries import DomainEntry, Place, TenantEntry, UserEntry
from portal.seeding.convert import FromFile, convert
from portal.seeding.csv_reader import read_csv
from portal.seeding.csv_rows import Named
from portal.seeding.desired import Desired
from portal.seeding.document import LARGEST, Document, UnreadableError, spell
from portal.seeding.json_reader import read_json
from portal.seeding.problems import NO_TEXT, Problems
from portal.seeding.progress import Progress, quiet
from portal.seeding.staging import StagedDomains
from portal.seeding.toml_reader import read_toml
from portal.seeding.yaml_reader import read_yaml

_READERS = {".yaml": read_yaml, ".yml": read_yaml, ".json": read_json, ".toml": read_toml}


def read_folder(path: Path, *, progress: Progress = quiet) -> Desired:
    """Read a seeds folder or one seed file. Raises SeedError with everything that is wrong.

    Of a folder the files `*.yaml`, `*.yml`, `*.json`, `*.toml` and `*.csv` that lie in it directly
    are read, in the order of their names; hidden files and other files are left alone.
    """
    problems = Problems()
    try:
        files = _files(path, problems)
    except OSError as error:
        problems.add(Place(str(path), 0), f"cannot be read: {error.strerror}")
        files = []
    reading = _Reading(path if path.is_dir() else path.parent, problems, progress)
    for file in files:
        if file.suffix.lower() != ".csv":
            reading.read_document(file)
    for file in files:
        if file.suffix.lower() == ".csv":
            reading.read_csv(file)
    problems.refuse_if_any()
    return reading.desired(whole=path.is_dir())


def has_seed_files(path: Path) -> bool:
    """Whether a folder holds anything that would be read as a seed file."""
    return path.is_dir() and bool(_in_folder(path))


def _in_folder(path: Path) -> list[Path]:
    known = {*_READERS, ".csv"}
    return sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in known and not file.name.startswith(".") and not file.is_dir()
    )


def _files(path: Path, problems: Problems) -> list[Path]:
    known = {*_READERS, ".csv"}
    if path.is_dir():
        found = _in_folder(path)
        if not found:
            problems.add(Place(str(path), 0), "no seed file is in this folder")
        # A link that leads nowhere must not pass for a tenant that is no longer wanted.
        for file in found:
            if not file.is_file():
                problems.add(Place(file.name, 0), "is not a file, or a link that leads nowhere")
        return [file for file in found if file.is_file()]
    if not path.is_file():
        problems.add(Place(str(path), 0), "there is no such file or folder")
        return []
    if path.suffix.lower() not in known:
        problems.add(Place(str(path), 0), f"a seed file ends in {', '.join(sorted(known))}")
        return []
    return [path]


def _read(file: Path) -> Document:
    if file.stat().st_size > LARGEST:
        raise UnreadableError("is over 8 MiB; bulk domains belong in a CSV file")
    return _READERS[file.suffix.lower()](file.read_bytes().decode("utf-8-sig"))


class _Reading:
    """What was read so far: names that stand twice are found across files."""

    def __init__(self, folder: Path, problems: Problems, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._problems = problems
        self._staged = StagedDomains()
        self._tenants: dict[str, TenantEntry] = {}
        self._operators: list[UserEntry] | None = None
        self._people: dict[str, Place] = {}
        self._named: Named | None = None

    def read_document(self, file: Path) -> None:
        document = self._document(file)
        if document is None:
            return
        found = convert(document, file.name, folder=self._folder, problems=self._problems)
        self._take_tenant(found, file.name)
        if found.operators is not None:
            self._operators = [*(self._operators or []), *found.operators]
            self._take_people(found.operators)

    def read_csv(self, file: Path) -> None:
        if self._named is None:
            known = {
                slug: frozenset(connection.key for connection in tenant.connections)
                for slug, tenant in self._tenants.items()
            }
            self._named = Named(known)
        try:
            read_csv(
                file,
                file.name,
                named=self._named,
                staged=self._staged,
                problems=self._problems,
                progress=self._progress,
            )
        except OSError as error:
            self._problems.add(Place(file.name, 0), f"cannot be read: {error.strerror}")

    def desired(self, *, whole: bool) -> Desired:
        return Desired(
            folder=self._folder,
            tenants=tuple(self._tenants.values()),
            domains=self._staged,
            operators=tuple(self._operators) if self._operators is not None else None,
            elsewhere=self._named.elsewhere if self._named else {},
            whole=whole,
        )

    def _document(self, file: Path) -> Document | None:
        try:
            return _read(file)
        except UnreadableError as error:
            place = Place(file.name, error.line, spell(error.path))
            self._problems.add(place, error.message)
        except UnicodeDecodeError:
            self._problems.add(Place(file.name, 1), NO_TEXT)
        except OSError as error:
            self._problems.add(Place(file.name, 0), f"cannot be read: {error.strerror}")
        return None

    def _take_tenant(self, found: FromFile, file: str) -> None:
        tenant = found.tenant
        if tenant is None:
            return
        if first := self._tenants.get(tenant.slug):
            message = f'tenant "{tenant.slug}" has two files; the first is {first.place}'
            self._problems.add(tenant.place, message)
            return
        self._tenants[tenant.slug] = tenant
        self._take_people(tenant.users)
        number = self._staged.file(file, is_csv=False)
        for domain in found.domains:
            self._take_domain(domain, number)

    def _take_domain(self, domain: DomainEntry, file: int) -> None:
        row = (
            domain.name,
            domain.tenant,
            domain.policy,
            " ".join(domain.connections),
            int(domain.subdomains),
            int(domain.verified),
            domain.rollout,
            file,
            domain.place.line,
        )
        for _, first in self._staged.add([row]):
            message = f"{domain.name} is claimed twice; first in {first}"
            self._problems.add(domain.place, message)

    def _take_people(self, people: Iterable[UserEntry]) -> None:
        for person in people:
            if first := self._people.get(person.key):
                message = f"{person.key} is one account alone; first in {first}"
                self._problems.add(person.place, message)
            else:
                self._people[person.key] = person.place

"""CSV files of bulk domains: streamed row by row, so that they may have any size."""

import csv
from pathlib import Path
from typing import Any

from portal.core.entries import Place
from portal.seeding.csv_rows import HEADER, Named, RowChecks
from portal.seeding.problems import NO_TEXT, Problems
from portal.seeding.progress import Progress, quiet
from portal.seeding.staging import StagedDomains


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
    checks = RowChecks(name, named=named, staged=staged, problems=problems)
    reader = _CsvReader(path, name, checks=checks, problems=problems, progress=progress)
    try:
        reader.read()
    except UnicodeDecodeError:
        problems.add(Place(name, _first_line_that_is_no_text(path)), NO_TEXT)
    except csv.Error as error:
        problems.add(Place(name, reader.line), f"CSV: {error}{_mend_of(error)}")


def _mend_of(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "; a double quote that begins a cell has no end"
    if "field larger" in str(error):
        return "; no domain is as long as that, look for a double quote without an end"
    return ""


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
        self, path: Path, name: str, *, checks: RowChecks, problems: Problems, progress: Progress
    ) -> None:
        self._path = path
        self._name = name
        self._checks = checks
        self._problems = problems
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
                if set(";\t") & set(found):
                    message += "; separate the columns by commas"
                self._problems.add(Place(self._name, 1), message)
                return
            total = _line_count(self._path)
            for row in rows:
                if self._checks.take(row, rows.line_num):
                    self._progress(f"reading {self._name}", rows.line_num, total)
            self._checks.end()
            self._progress(f"reading {self._name}", total, total)

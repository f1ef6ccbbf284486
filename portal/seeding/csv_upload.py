"""A CSV of domains that somebody uploads: as spreadsheets write it, and as enemies do.

Understood are a byte order mark, commas, semicolons or tabs, any line ends, the columns in any
order. Not guessed is what the bytes mean: whatever is no UTF-8 is refused, as another guess would
be another domain.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from portal.core.counting import counted
from portal.core.entries import Place
from portal.seeding.csv_rows import HEADER, Asker, Named, RowChecks
from portal.seeding.desired import Desired
from portal.seeding.problems import Problems, suggestion
from portal.seeding.staging import StagedDomains

LARGEST = 2_000_000
MOST_ROWS = 20_000
_LONGEST_LINE = 2000
_UPLOADED = "upload"
_WORKBOOK = b"PK\x03\x04"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_FOR_EXCEL = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_SAVE_AS = "save it as “CSV UTF-8” in your spreadsheet"


def read_upload(content: bytes, *, named: Named, asker: Asker) -> Desired:
    """Read an uploaded CSV. Raises SeedError with everything that is wrong, by line and column."""
    problems = Problems()
    staged = StagedDomains()
    if wrong := _why_no_text(content):
        problems.add(Place(_UPLOADED, 1), wrong)
    else:
        checks = RowChecks(_UPLOADED, named=named, staged=staged, problems=problems, asker=asker)
        _Upload(content, checks, problems, asker).read()
    problems.refuse_if_any()
    return Desired(Path(), (), staged, elsewhere=named.elsewhere, whole=False)


def _why_no_text(content: bytes) -> str | None:
    if len(content) > LARGEST:
        return f"the file is larger than {LARGEST // 1_000_000} MB; split it"
    if content.startswith(_WORKBOOK):
        return f"this is a workbook, not a CSV file; {_SAVE_AS}"
    if content.startswith(_UTF_16) or b"\0" in content:
        return f"this is no CSV file, or one of another kind of text; {_SAVE_AS}"
    if not content.strip():
        return "the file is empty"
    return None


class _Upload:
    def __init__(self, content: bytes, checks: RowChecks, problems: Problems, asker: Asker) -> None:
        self._content = content
        self._checks = checks
        self._problems = problems
        self._own = asker.own
        self._line = 1

    def read(self) -> None:
        try:
            rows = csv.reader(self._lines(), delimiter=self._delimiter(), strict=True)
            self._read(rows)
        except UnicodeDecodeError:
            self._wrong(f"is not UTF-8 text; {_SAVE_AS}", line=self._first_line_that_is_no_text())
        except csv.Error as error:
            is_open = str(error) == "unexpected end of data"
            self._wrong("a quotation mark is not closed" if is_open else str(error))

    def _read(self, rows: Iterator[list[str]]) -> None:
        header = next(rows, [])
        order = self._order([cell.strip().lower() for cell in header])
        if order is None:
            return
        count = 0
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            count += 1
            if count > MOST_ROWS:
                self._wrong(f"the file has more than {MOST_ROWS:,} rows; split it")
                return
            self._take(row, order, len(header))
        self._checks.end()
        if not count:
            self._wrong("no row stands below the header")

    def _take(self, row: list[str], order: Sequence[int | None], width: int) -> None:
        line = self._line
        if len(row) != width:
            self._wrong(f"the row has {counted(len(row), 'cell')}, not {width}")
            return
        cells = ["" if place is None else row[place] for place in order]
        self._checks.take(cells, line)

    def _order(self, header: list[str]) -> list[int | None] | None:
        """Give where each column stands; None where the header is wrong."""
        wrong = [name for name in header if name not in HEADER]
        for name in wrong:
            hint = suggestion(name, HEADER)
            self._wrong(f"there is no column {name[:80]!r}{hint}")
        twice = {name for name in header if header.count(name) > 1 and name in HEADER}
        for name in sorted(twice):
            self._wrong("the column stands twice", key=name)
        needed = HEADER[1:] if self._own else HEADER
        missing = [name for name in needed if name not in header]
        if missing:
            self._wrong(f"the header must be {','.join(needed)}; {', '.join(missing)} is missing")
        if wrong or twice or missing:
            return None
        return [header.index(name) if name in header else None for name in HEADER]

    def _delimiter(self) -> str:
        """Give what stands between cells, by the header."""
        text = self._content[:_LONGEST_LINE].decode("utf-8-sig", "replace")
        first = next(iter(text.splitlines()), "")
        told = _FOR_EXCEL.fullmatch(first)
        return told[1] if told else max(",;\t", key=first.count)

    def _lines(self) -> Iterator[str]:
        text = io.TextIOWrapper(io.BytesIO(self._content), encoding="utf-8-sig", newline="")
        for self._line, line in enumerate(text, start=1):
            if len(line) > _LONGEST_LINE:
                message = f"the line has {len(line):,} characters; no row is as long as that"
                raise csv.Error(message)
            if self._line > 1 or not _FOR_EXCEL.fullmatch(line.rstrip("\r\n")):
                yield line

    def _first_line_that_is_no_text(self) -> int:
        for number, line in enumerate(self._content.splitlines(), start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
        return 1

    def _wrong(self, message: str, *, key: str = "", line: int | None = None) -> None:
        self._problems.add(Place(_UPLOADED, line or self._line, key), message)

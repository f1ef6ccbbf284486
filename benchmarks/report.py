"""The results as Markdown tables, which read well in a terminal too."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.aims import judge
from benchmarks.figures import BARE, SAMPLE, Results, Series, processor_ratio, rate_ratio

_TITLES = {
    "submit": "POST /auth/login, to the redirect to the provider",
    "page": "GET /login",
    "sign-in": "A whole sign-in: submit, callback, dashboard",
}


def as_text(results: Results) -> str:
    """Give the tables that people read."""
    parts = [_work(work, subjects) for work, subjects in results.works.items()]
    return "\n\n".join([*parts, _aims(results)])


def as_json(results: Results) -> str:
    """Give the results with every single run, for programs."""
    return json.dumps(
        {
            "server": results.server,
            "works": {
                work: {
                    name: {"memory": series.memory, "samples": [asdict(s) for s in series.samples]}
                    for name, series in subjects.items()
                }
                for work, subjects in results.works.items()
            },
            "aims": [{**asdict(aim), "is_met": aim.is_met} for aim in judge(results)],
        },
        indent=1,
    )


def _work(work: str, subjects: dict[str, Series]) -> str:
    against = [name for name in (BARE, SAMPLE) if name in subjects]
    heads = ["", "per second", "p50 ms", "p99 ms", "processor µs", "memory MiB"]
    for name in against:
        heads += [f"rate / {name}", f"processor / {name}"]
    rows = [
        _row(name, series, [subjects[other] for other in against])
        for name, series in subjects.items()
    ]
    return f"### {_TITLES[work]}\n\n{_table(heads, rows)}"


def _row(name: str, series: Series, against: Sequence[Series]) -> list[str]:
    cells = [
        name,
        f"{series.rate:,.0f}",
        f"{series.p50 * 1000:.2f}",
        f"{series.p99 * 1000:.2f}",
        f"{series.processor * 1e6:,.0f}",
        f"{series.memory / 1024 / 1024:.0f}",
    ]
    for other in against:
        cells += [f"{rate_ratio(series, other):.2f}", f"{processor_ratio(series, other):.2f}"]
    return cells


def _aims(results: Results) -> str:
    rows = [
        [
            aim.title,
            f"{aim.value:.2f}{aim.unit}",
            f"{'≤' if aim.is_ceiling else '≥'} {aim.bound:g}{aim.unit}",
            "met" if aim.is_met else "missed",
        ]
        for aim in judge(results)
    ]
    return f"### Aims\n\n{_table(['', 'measured', 'aim', ''], rows)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(_padded(row, widths)) + " |" for row in [heads, rule, *rows])


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = row
    return [
        first.ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
    ]

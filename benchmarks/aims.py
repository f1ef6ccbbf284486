"""What the portal is to reach, and whether it did in this call."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import BARE, SAMPLE, Results, portal_name, processor_ratio, rate_ratio

_MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure beside its bound."""

    title: str
    value: float
    bound: float
    unit: str = "×"  # noqa: RUF001 - times
    is_ceiling: bool = False

    @property
    def is_met(self) -> bool:
        return self.value <= self.bound if self.is_ceiling else self.value >= self.bound


def judge(results: Results) -> list[Aim]:
    """Give every aim with what was measured for it."""
    found = [aim for database in results.databases for aim in _of_database(results, database)]
    page = results.works["page"]
    portal = portal_name(results.databases[0], results.sizes[-1])
    submit = results.works["submit"]
    memory = max(series.memory for name, series in submit.items() if name.startswith("portal"))
    return [
        *found,
        Aim("sign-in page beside a bare template", rate_ratio(page[portal], page[BARE]), 0.7),
        Aim("memory of a worker", memory / _MEBI, 120, " MiB", is_ceiling=True),
        Aim("cold start", results.cold_start, 2, " s", is_ceiling=True),
        Aim("portal --help", results.help_time, 0.3, " s", is_ceiling=True),
    ]


def _of_database(results: Results, database: str) -> Iterator[Aim]:
    submit, sign_in = results.works["submit"], results.works["sign-in"]
    small = submit[portal_name(database, results.sizes[0])]
    name = portal_name(database, results.sizes[-1])
    big = submit[name]
    largest, smallest = f"{results.sizes[-1]:,}", f"{results.sizes[0]:,}"
    yield Aim(f"submit beside the sample, {database}", rate_ratio(big, submit[SAMPLE]), 1.5)
    yield Aim(f"submit beside bare Flask, {database}", rate_ratio(big, submit[BARE]), 0.6)
    yield Aim(f"{largest} domains beside {smallest}, {database}", rate_ratio(big, small), 0.95)
    yield Aim(
        f"whole sign-in beside the sample, {database}",
        rate_ratio(sign_in[name], sign_in[SAMPLE]),
        1.2,
    )
    yield Aim(
        f"stretch: submit beside the sample, {database}", rate_ratio(big, submit[SAMPLE]), 2.4
    )
    yield Aim(
        f"stretch: processor time of a submit, {database}",
        processor_ratio(big, submit[SAMPLE]),
        0.4,
        is_ceiling=True,
    )

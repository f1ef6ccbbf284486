"""What was measured, as values: samples of one subject, their medians, and ratios of two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: units of work a second, seconds a unit took, processor seconds a unit cost."""

    rate: float
    p50: float
    p99: float
    processor: float


@dataclass(frozen=True, slots=True)
class Series:
    """All runs of one subject, in the order of the rounds, and its worker's memory after them."""

    samples: Sequence[Sample]
    memory: int

    @property
    def rate(self) -> float:
        return median(sample.rate for sample in self.samples)

    @property
    def p50(self) -> float:
        return median(sample.p50 for sample in self.samples)

    @property
    def p99(self) -> float:
        return median(sample.p99 for sample in self.samples)

    @property
    def processor(self) -> float:
        return median(sample.processor for sample in self.samples)


def rate_ratio(one: Series, other: Series) -> float:
    """Give how often `one` answers for each answer of `other`: the median over the rounds.

    Runs of one round are minutes closer than medians of all: a neighbour's noise meets both.
    """
    pairs = zip(one.samples, other.samples, strict=True)
    return median(a.rate / b.rate for a, b in pairs)


def processor_ratio(one: Series, other: Series) -> float:
    """Give what `one` costs in processor time for each unit of `other`'s."""
    pairs = zip(one.samples, other.samples, strict=True)
    return median(a.processor / b.processor for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one call measured. Works are submit, page and sign-in; names are subjects."""

    works: Mapping[str, Mapping[str, Series]]
    cold_start: float
    help_time: float
    sizes: Sequence[int]
    databases: Sequence[str]
    server: str


BARE, SAMPLE = "bare Flask", "Flask + Authlib sample"
IN_TURNS = {name: f"{name}, in turns" for name in (BARE, SAMPLE)}


def portal_name(database: str, size: int) -> str:
    """Give the name of the portal over one database."""
    return f"portal, {size:,} domains, {database}"

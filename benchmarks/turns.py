"""Measuring in turns: every subject once a round, so that noise meets them all alike."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from benchmarks.figures import Sample, Series
from benchmarks.load import Job
from benchmarks.stand import ROOT, Server, python


class LoadFailedError(Exception):
    """A run ended with a wrong answer; the message holds it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server and the work that it is to do."""

    server: Server
    job: Job


@dataclass(frozen=True, slots=True)
class Turns:
    """How often and how long each subject is measured."""

    rounds: int
    seconds: float


def measure(subjects: Mapping[str, Subject], turns: Turns, *, warm_up: int) -> dict[str, Series]:
    """Measure every subject in every round; the order turns round each time.

    Before that each does `warm_up` units of work that do not count.
    """
    for subject in subjects.values():
        send(replace(subject.job, least=warm_up))
    samples: dict[str, list[Sample]] = {name: [] for name in subjects}
    for turn in range(turns.rounds):
        for name in _order(list(subjects), turn):
            samples[name].append(_run(subjects[name], turns.seconds))
    return {
        name: Series(samples[name], subject.server.memory()) for name, subject in subjects.items()
    }


def _order(names: list[str], turn: int) -> Sequence[str]:
    return names if turn % 2 == 0 else names[::-1]


def _run(subject: Subject, seconds: float) -> Sample:
    before = subject.server.processor_seconds()
    found = send(replace(subject.job, seconds=seconds))
    used = subject.server.processor_seconds() - before
    return Sample(
        rate=found["units"] / found["seconds"],
        p50=found["p50"],
        p99=found["p99"],
        processor=used / found["units"],
    )


def send(job: Job) -> dict[str, float]:
    """Send a job's load from a process of its own. Raises LoadFailedError."""
    done = subprocess.run(
        python("-m", "benchmarks.load"),
        cwd=ROOT,
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailedError(f"{job.kind} on port {job.port}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found

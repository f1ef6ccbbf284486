"""The benchmarks count real, checked answers; their ratios come from those and nothing else."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from xml.etree import ElementTree as ET

import pytest

from benchmarks.aims import Aim, judge
from benchmarks.figures import (
    BARE,
    IN_TURNS,
    SAMPLE,
    Results,
    Sample,
    Series,
    portal_name,
    rate_ratio,
)
from benchmarks.load import Job, WrongAnswerError, run
from benchmarks.picture import draw
from benchmarks.stand import ROOT, free_port, python, serving

SVG = "{http://www.w3.org/2000/svg}"


def series(*rates: float) -> Series:
    return Series([Sample(rate, 0.001, 0.002, 1 / rate) for rate in rates], 100 * 1024 * 1024)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict, Path]:
    """One tiny call of everything: what it printed, every run as JSON, and the picture."""
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [
            *[sys.executable, "-m", "benchmarks", "--no-postgresql", "--sizes", "50"],
            *["--rounds", "2", "--seconds", "0.1"],
            *["--json", folder / "all.json", "--picture", folder / "growth.svg"],
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "all.json").read_text()), folder / "growth.svg"


def test_every_subject_is_run_in_every_round(smoke):
    _, everything, _ = smoke
    works = everything["works"]
    assert set(works) == {"submit", "page", "sign-in"}
    assert set(works["submit"]) == {
        BARE,
        SAMPLE,
        *IN_TURNS.values(),
        portal_name("SQLite", 50),
    }
    for subjects in works.values():
        for subject in subjects.values():
            assert len(subject["samples"]) == 2
            assert subject["memory"] > 20 * 1024 * 1024
            for sample in subject["samples"]:
                assert sample["rate"] > 0
                assert 0 < sample["p50"] <= sample["p99"]


def test_ratios_are_those_of_the_runs_that_were_measured(smoke):
    printed, everything, _ = smoke
    submit = everything["works"]["submit"]
    mine, other = submit[portal_name("SQLite", 50)]["samples"], submit[SAMPLE]["samples"]
    expected = median(a["rate"] / b["rate"] for a, b in zip(mine, other, strict=True))
    aim = next(a for a in everything["aims"] if a["title"] == "submit beside the sample, SQLite")
    assert aim["value"] == pytest.approx(expected)
    row = next(line for line in printed.splitlines() if "submit beside the sample" in line)
    assert f"{expected:.2f}×" in row


def test_the_picture_has_a_line_for_every_database(smoke):
    _, _, picture = smoke
    assert len(ET.parse(picture).findall(f"{SVG}polyline")) == 1


def test_a_ratio_pairs_runs_of_the_same_round():
    assert rate_ratio(series(300, 100, 200), series(100, 50, 100)) == 2


def test_a_missed_aim_is_called_missed():
    results = Results(
        works={
            "submit": {
                BARE: series(1000),
                SAMPLE: series(100),
                portal_name("SQLite", 1): series(500),
                portal_name("SQLite", 10): series(400),
            },
            "page": {BARE: series(1000), portal_name("SQLite", 10): series(800)},
            "sign-in": {SAMPLE: series(100), portal_name("SQLite", 10): series(110)},
        },
        cold_start=1.0,
        help_time=0.5,
        sizes=(1, 10),
        databases=("SQLite",),
        server="granian",
    )
    missed = {aim.title for aim in judge(results) if not aim.is_met}
    assert missed == {
        "submit beside bare Flask, SQLite",
        "10 domains beside 1, SQLite",
        "whole sign-in beside the sample, SQLite",
        "portal --help",
    }
    points, names = 2, 3
    assert draw(results).count("<circle") == points + names


def test_a_ceiling_is_met_from_below():
    aim = Aim("memory", 119, 120, is_ceiling=True)
    assert aim.is_met
    assert not replace(aim, value=121).is_met


def test_a_wrong_answer_fails_the_run_with_its_text():
    port = free_port()
    command = python("-m", "benchmarks.host", "benchmarks.bare_app:application", str(port))
    job = Job(
        port=port,
        seconds=0.2,
        connections=2,
        kind="submit",
        form={},
        cookie="",
        emails=["robin@acme.example"],
        location="http://provider.example/authorize?",
        hinted=False,
    )
    with serving(command, port, {"BENCH_ISSUER": "http://provider.example"}):
        assert run(job)["units"] > 0
        for wrong in (
            replace(job, location="http://elsewhere.example/"),
            replace(job, hinted=True),
            replace(job, kind="page", text="not on this page"),
            replace(job, kind="sign-in"),
        ):
            with pytest.raises(WrongAnswerError, match=r"HTTP/1\.1"):
                run(wrong)

"""`make bench`: everything measured in one call, printed as ratios, drawn as a picture."""

import argparse
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import filling, picture, report
from benchmarks.figures import BARE, IN_TURNS, SAMPLE, Results, Series, portal_name
from benchmarks.load import Job
from benchmarks.scene import Scene, help_time, say, set_up
from benchmarks.stand import ROOT, StandError, open_form
from benchmarks.turns import LoadFailedError, Subject, Turns, measure

_CONNECTIONS = 8
_ADDRESSES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asked for."""

    sizes: tuple[int, ...]
    tenants: int
    turns: Turns
    postgresql: bool
    picture: Path | None
    json: Path | None


def main() -> None:
    """Run the benchmarks; a wrong answer, or something that does not start, ends them."""
    options = _options()
    began = time.perf_counter()
    try:
        results = _run(options)
    except (LoadFailedError, StandError) as error:
        sys.exit(f"The benchmark failed. {error}")
    print(report.as_text(results))
    print(
        f"\n{results.server}, one worker; {_CONNECTIONS} connections, "
        f"{options.turns.rounds} rounds of {options.turns.seconds:g} s; "
        f"{time.perf_counter() - began:.0f} s in all."
    )
    if options.json:
        options.json.write_text(report.as_json(results))
    if options.picture:
        options.picture.write_text(picture.draw(results))
        print(f"The growth curve is in {options.picture}.")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, no picture")
    parser.add_argument("--sizes", type=_sizes, help="numbers of domains, as in 100,10000")
    parser.add_argument("--tenants", type=int, help="at most (1000; quick: 100)")
    parser.add_argument("--rounds", type=int, help="how often each subject is measured")
    parser.add_argument("--seconds", type=float, help="how long each time")
    parser.add_argument("--no-postgresql", action="store_true")
    parser.add_argument("--picture", type=Path, help="where the curve goes (docs/growth.svg)")
    parser.add_argument("--json", type=Path, help="where every single run goes, for programs")
    given = parser.parse_args()
    seconds = given.seconds or (0.5 if given.quick else 1.5)
    return Options(
        sizes=given.sizes
        or ((100, 10_000) if given.quick else (100, 1000, 10_000, 100_000, 1_000_000)),
        tenants=given.tenants or (100 if given.quick else filling.MOST_TENANTS),
        turns=Turns(given.rounds or (2 if given.quick else 5), seconds),
        postgresql=not given.no_postgresql,
        picture=given.picture or (None if given.quick else ROOT / "docs" / "growth.svg"),
        json=given.json,
    )


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _run(options: Options) -> Results:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        scene = set_up(
            stack,
            folder,
            options.sizes,
            tenants=options.tenants,
            with_postgresql=options.postgresql,
        )
        biggest = portal_name(scene.databases[0], options.sizes[-1])
        return Results(
            works=_measure_works(scene, options),
            cold_start=scene.servers[biggest].started_in,
            help_time=help_time(),
            sizes=options.sizes,
            databases=scene.databases,
            server=os.environ.get("BENCH_SERVER", "granian"),
        )


def _measure_works(scene: Scene, options: Options) -> dict[str, dict[str, Series]]:
    big = options.sizes[-1]
    portals = [portal_name(database, big) for database in scene.databases]
    works = {
        "submit": list(scene.servers),
        "page": [BARE, IN_TURNS[BARE], portals[0]],
        "sign-in": [SAMPLE, IN_TURNS[SAMPLE], *portals],
    }
    measured = {}
    for work, names in works.items():
        say(f"measuring: {work}")
        subjects = {
            name: Subject(
                scene.servers[name],
                _job(scene, name, work, domains=scene.domains.get(name, big)),
            )
            for name in names
        }
        # The first of a tenant's sign-ins reads its connections: all tenants come up in this.
        warm_up = 3 * min(options.tenants, big) if work == "submit" else 50
        measured[work] = measure(subjects, options.turns, warm_up=warm_up)
    return measured


def _job(scene: Scene, name: str, work: str, *, domains: int) -> Job:
    port = scene.servers[name].port
    form = open_form(port)
    return Job(
        port=port,
        seconds=0,
        connections=_CONNECTIONS,
        kind=work,
        form={**form.fields, "password": "", "is_sso": "false", "next": ""},
        cookie=form.cookie,
        emails=_emails(domains, known=work == "sign-in"),
        location=f"{scene.issuer}/authorize?",
        hinted=name not in {BARE, IN_TURNS[BARE]},
        text='name="email"',
    )


def _emails(domains: int, *, known: bool) -> list[str]:
    """Give random addresses over all domains; `known` ones have an account already."""
    among = min(domains, filling.MOST_PEOPLE) if known else domains
    chance = random.Random(domains)
    return [filling.email(chance.randrange(among)) for _ in range(_ADDRESSES)]


if __name__ == "__main__":
    main()

"""Hundreds of passwords in files: checked and hashed side by side, and told how far."""

import sys
from threading import Barrier

from argon2 import PasswordHasher

from portal.cli.seed_output import Progress
from portal.crypto import Passwords
from portal.flows.changes.registry_changes import open_seed_run
from portal.seeding.folder import read_folder
from tests.seeding.conftest import NOW

NUMBER = 500


class InPairs(Passwords):
    """Checks and hashes that end in pairs alone: one by one, they would break the barrier."""

    def __init__(self):
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), at_once=2)
        self._pair = Barrier(2, timeout=10)

    def hash(self, password):
        self._pair.wait()
        return super().hash(password)

    def verify(self, stored, password):
        self._pair.wait()
        return super().verify(stored, password)


def test_five_hundred_passwords_are_hashed_and_checked_side_by_side_and_counted(seeds, database):
    people = [f"{{email: p{n}@acme.example, password: env:P{n}}}" for n in range(NUMBER)]
    seeds.write(acme=f"tenant: acme\nname: Acme\nusers: [{', '.join(people)}]\n")
    seeds.environ = {f"P{number}": f"password {number}" for number in range(NUMBER)}
    heard: dict[str, list[tuple[int, int]]] = {}

    def run_in_pairs():
        with open_seed_run(
            database,
            read_folder(seeds.folder),
            vault=seeds.vault,
            passwords=InPairs(),
            environ=seeds.environ,
            progress=lambda what, done, total: heard.setdefault(what, []).append((done, total)),
        ) as run:
            return run.apply(run.plan(), now=NOW, by="olu")

    first = run_in_pairs()
    assert len([change for change in first.plan.changes if change.is_pending]) == NUMBER + 1
    assert heard.pop("sealing secrets")[-1] == (NUMBER + 1, NUMBER + 1)
    assert run_in_pairs().change_set is None
    assert heard.pop("checking passwords") == [(n, NUMBER) for n in range(1, NUMBER + 1)]


def test_few_things_that_take_long_are_told_of_and_many_quick_ones_are_not(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    seconds = iter([0.0, *(number / 10 for number in range(40))])
    monkeypatch.setattr("portal.cli.seed_output.time.monotonic", lambda: next(seconds))
    slow = Progress()
    for done in range(1, 41):
        slow("checking passwords", done, 40)
    assert capsys.readouterr().err.splitlines() == [
        "checking passwords: 11 of 40",
        "checking passwords: 20 of 40",
        "checking passwords: 30 of 40",
        "checking passwords: 40 of 40",
    ]
    monkeypatch.setattr("portal.cli.seed_output.time.monotonic", lambda: 0.5)
    quick = Progress()
    for done in range(100_001):
        quick("reading bulk.csv", done, 100_000)
    assert capsys.readouterr().err == ""

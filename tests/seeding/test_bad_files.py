"""Every mistake is told with its file, line and key, all of them in one run."""

from pathlib import Path

import pytest

from portal.seeding.folder import read_folder
from portal.seeding.problems import SeedError

CASES = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_each_bad_file_is_refused_with_its_own_words(case):
    expected = case.read_text().splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(SeedError) as caught:
        read_folder(case)
    assert [str(problem) for problem in caught.value.problems] == [f"{case.name}:{expected}"]


def test_ten_mistakes_in_three_files_are_told_in_one_run(seeds):
    seeds.write(
        acme="""
        tenant: acme
        nmae: Acme
        clients:
          main: {client_id: a, client_secret: "file:gone"}
        connections:
          okta: {name: Okta, client: mian}
        domains:
          acme.example: {connection: okat, policy: requird}
          gmail.com:
        """,
        again="""
        tenant: acme
        name: Acme
        users: [{email: nobody}]
        """,
        bulk_csv="tenant,domain,connection,policy\nacme,Acme.Example,okta,\nacme,co.uk,okta,x\n",
    )
    assert seeds.problems() == [
        "acme.yaml:1: name: is missing",
        'acme.yaml:2: nmae: unknown key; did you mean "name"?',
        "acme.yaml:4: clients.main.issuer: is missing",
        "acme.yaml:4: clients.main.client_secret: the file gone is missing",
        (
            'acme.yaml:6: connections.okta.client: there is no client "mian" here; '
            'did you mean "main"?'
        ),
        "acme.yaml:8: domains.acme.example.policy: must be 'password', 'optional' or 'required'",
        (
            'acme.yaml:8: domains.acme.example.connection: there is no connection "okat" here; '
            'did you mean "okta"?'
        ),
        (
            "acme.yaml:9: domains.gmail.com: is a shared mailbox domain: its addresses belong to "
            "anybody"
        ),
        'again.yaml:1: tenant: tenant "acme" has two files; the first is acme.yaml:1 tenant',
        "again.yaml:3: users[0].email: An e-mail address has one @, as in name@company.com.",
        (
            "bulk.csv:2: domain: acme.example is claimed twice; first in acme.yaml:8 "
            "domains.acme.example"
        ),
        "bulk.csv:3: domain: co.uk is a public suffix: others register domains below it",
        "bulk.csv:3: policy: 'x' is not password, optional or required",
    ]


def test_an_address_is_one_account_over_all_files_operators_included(seeds):
    seeds.write(
        acme="tenant: acme\nname: Acme\nusers: [{email: ann@acme.example}]\n",
        ops="operators: [{email: ANN@acme.example}]\n",
    )
    assert seeds.problems() == [
        (
            "ops.yaml:1: operators[0].email: ann@acme.example is one account alone; "
            "first in acme.yaml:3 users[0].email"
        )
    ]


def test_a_mistake_behind_aliases_is_told_for_each_with_the_line_where_it_is_written(seeds):
    seeds.write(
        acme="""
        tenant: acme
        name: Acme
        domains:
          a.example: &way
            policy: requird
          b.example: *way
        """
    )
    words = "policy: must be 'password', 'optional' or 'required'"
    assert seeds.problems() == [
        f"acme.yaml:5: domains.a.example.{words}",
        f"acme.yaml:5: domains.b.example.{words}",
    ]


def test_a_wrong_secret_is_never_repeated(seeds):
    seeds.write(
        acme="""
        tenant: acme
        name: Acme
        clients: {main: {issuer: "https://a.example", client_id: a, client_secret: [hunter2]}}
        users: [{email: a@acme.example, password: {x: hunter2}, password_hash: hunter2}]
        """
    )
    problems = seeds.problems()
    assert len(problems) == 3
    assert not any("hunter2" in problem for problem in problems)


def test_a_folder_without_seed_files_is_refused(seeds):
    (seeds.folder / "README.md").write_text("nothing to see")
    assert seeds.problems() == [f"{seeds.folder}:0: no seed file is in this folder"]


def test_other_files_hidden_files_and_folders_are_left_alone(seeds):
    seeds.write(acme="tenant: acme\nname: Acme\n")
    (seeds.folder / "README.md").write_text("tenant: [")
    (seeds.folder / ".draft.yaml").write_text("tenant: [")
    (seeds.folder / "old.yaml").mkdir()
    assert seeds.problems() == []


def test_a_link_that_leads_nowhere_is_named_rather_than_taken_for_a_tenant_gone(seeds):
    seeds.write(acme="tenant: acme\nname: Acme\n")
    (seeds.folder / "globex.yaml").symlink_to(seeds.folder / "moved-away.yaml")
    assert seeds.problems() == ["globex.yaml:0: is not a file, or a link that leads nowhere"]


def test_a_file_that_is_not_text_is_named(seeds):
    (seeds.folder / "acme.yaml").write_bytes(b"tenant: \xff\xfe")
    (seeds.folder / "bulk.csv").write_bytes(b"tenant,domain,connection,policy\nacme,\xff,,\n")
    assert seeds.problems() == [
        "acme.yaml:1: is not UTF-8 text; save it as UTF-8",
        "bulk.csv:2: is not UTF-8 text; save it as UTF-8",
    ]


def test_a_file_beyond_every_measure_is_refused_before_it_is_read(seeds):
    with (seeds.folder / "acme.yaml").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    assert seeds.problems() == ["acme.yaml:1: is over 8 MiB; bulk domains belong in a CSV file"]

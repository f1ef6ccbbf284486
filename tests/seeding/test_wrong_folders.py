"""Folders as people get them wrong: each mistake is one line with its place and its mend."""

import os
from pathlib import Path

import pytest

TOP = "tenant: acme\nname: Acme\n"
GOOD = TOP + "connections: {okta: {name: Okta}}\n"
HEADER = "tenant,domain,connection,policy\n"
NO_TEXT = "is not UTF-8 text; save it as UTF-8"
NO_MAPPING = "a seed file is a mapping with `tenant:` or `operators:` at its top"
NO_HEADER = "b.csv:1: the header must be tenant,domain,connection,policy; it is "
CLAIM = "domains.{}: The domain is not valid."


def client(rest: str) -> str:
    return TOP + f"clients: {{main: {{issuer: 'https://a.example', client_id: a, {rest}}}}}\n"


CASES: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    "UTF-16, as some editors save": (
        {"a.yaml": GOOD.encode("utf-16")},
        [f"a.yaml:1: {NO_TEXT}"],
    ),
    "Latin-1": (
        {"a.yaml": "tenant: acme\nname: Acmé\n".encode("latin-1")},
        [f"a.yaml:1: {NO_TEXT}"],
    ),
    "a CSV in UTF-16": (
        {"a.yaml": GOOD, "b.csv": HEADER.encode("utf-16")},
        [f"b.csv:1: {NO_TEXT}"],
    ),
    "a NUL": (
        {"a.yaml": 'tenant: acme\nname: "A\0"\n'},
        ["a.yaml:2: YAML: a character that may not stand in it"],
    ),
    "a tab for spaces": (
        {"a.yaml": f"{TOP}domains:\n\tacme.example: {{}}\n"},
        [
            (
                r"a.yaml:4: YAML: found character '\t' that cannot start any token; "
                "write spaces in its place"
            )
        ],
    ),
    "nothing in a file": ({"a.yaml": ""}, [f"a.yaml:1: {NO_MAPPING}"]),
    "a comment alone": ({"a.yaml": "# to do\n"}, [f"a.yaml:1: {NO_MAPPING}"]),
    "a mark of bytes alone": ({"a.yaml": b"\xef\xbb\xbf"}, [f"a.yaml:1: {NO_MAPPING}"]),
    "a list": ({"a.json": "[]"}, [f"a.json:1: {NO_MAPPING}"]),
    "an empty CSV": ({"a.yaml": GOOD, "b.csv": ""}, [f"{NO_HEADER}nothing"]),
    "a CSV with semicolons": (
        {"a.yaml": GOOD, "b.csv": HEADER.replace(",", ";")},
        [f"{NO_HEADER}tenant;domain;connection;policy; separate the columns by commas"],
    ),
    "a quote without an end": (
        {"a.yaml": GOOD, "b.csv": f'{HEADER}acme,"b.example,okta,\n'},
        ["b.csv:2: CSV: unexpected end of data; a double quote that begins a cell has no end"],
    ),
    "a cell too many": (
        {"a.yaml": GOOD, "b.csv": f"{HEADER}acme,b.example,okta,,\n"},
        ["b.csv:2: the row has 5 cells, not 4"],
    ),
    "a domain twice in a CSV": (
        {"a.yaml": GOOD, "b.csv": f"{HEADER}acme,b.example,okta,\nacme,B.Example,okta,\n"},
        ["b.csv:3: domain: b.example is claimed twice; first in b.csv:2 domain"],
    ),
    "a domain of two tenants": (
        {
            "a.yaml": f"{TOP}domains: {{acme.example: {{}}}}\n",
            "b.yaml": "tenant: beta\nname: Beta\ndomains: {ACME.example: {}}\n",
        },
        [
            (
                "b.yaml:3: domains.ACME.example: acme.example is claimed twice; "
                "first in a.yaml:3 domains.acme.example"
            )
        ],
    ),
    "one domain in two spellings on one line": (
        {"a.yaml": f"{TOP}domains: {{bücher.example: {{}}, xn--bcher-kva.example: {{}}}}\n"},
        [
            (
                "a.yaml:3: domains.xn--bcher-kva.example: xn--bcher-kva.example is claimed twice; "
                "first in a.yaml:3 domains.xn--bcher-kva.example"
            )
        ],
    ),
    "full-width letters": (
        {"a.yaml": f"{TOP}domains: {{ａｃｍｅ.example: {{}}}}\n"},
        [f"a.yaml:3: {CLAIM.format('ａｃｍｅ.example')}"],
    ),
    "a wildcard": (
        {"a.yaml": f"{TOP}domains: {{'*.acme.example': {{}}}}\n"},
        [
            (
                f"a.yaml:3: {CLAIM.format('*.acme.example')} "
                "Write the domain itself; its setting `subdomains` takes in those below it."
            )
        ],
    ),
    "a URL for a domain": (
        {"a.yaml": f"{TOP}domains: {{'https://acme.example': {{}}}}\n"},
        [
            (
                f"a.yaml:3: {CLAIM.format('https://acme.example')} "
                "Write the domain alone, as in example.com."
            )
        ],
    ),
    "a dot at the end": (
        {"a.yaml": GOOD, "b.csv": f"{HEADER}acme,acme.example.,okta,\n"},
        ["b.csv:2: domain: 'acme.example.': The domain is not valid. Leave out the last dot."],
    ),
    "domains as a list": (
        {"a.yaml": f"{TOP}domains: [acme.example]\n"},
        ["a.yaml:3: domains: must be a mapping of keys to values"],
    ),
    "users as a mapping": (
        {"a.yaml": f"{TOP}users: {{a@acme.example: {{}}}}\n"},
        ["a.yaml:3: users: must be a list"],
    ),
    "a connection that is a word": (
        {"a.yaml": f"{TOP}connections: {{okta: Okta}}\n"},
        ["a.yaml:3: connections.okta: must be a mapping of keys to values"],
    ),
    "numbers for texts": (
        {"a.yaml": "tenant: 42\nname: 7\n"},
        ["a.yaml:1: tenant: must be a text", "a.yaml:2: name: must be a text"],
    ),
    "operators without a list": (
        {"a.yaml": "operators:\n"},
        ["a.yaml:1: operators: must be a list; [] is nobody"],
    ),
    "parameters of a wrong kind": (
        {"a.yaml": f"{TOP}connections: {{o: {{name: O, authorize_params: {{a: [1]}}}}}}\n"},
        [
            (
                "a.yaml:3: connections.o.authorize_params.a: must be a text, or a whole number, "
                "or true or false"
            )
        ],
    ),
    "a number of five thousand digits": (
        {"a.yaml": f"{TOP}session: {{idle_minutes: {'9' * 5000}}}\n"},
        ["a.yaml:3: session.idle_minutes: must be a whole number"],
    ),
    "a number of thirty digits in JSON": (
        {"a.json": f'{{"tenant": "acme", "name": "A",\n"x": {"9" * 30}}}'},
        ["a.json:2: JSON: the number has too many digits, or a 0 before them"],
    ),
    "a time without end": (
        {"a.yaml": f"{TOP}session: {{idle_minutes: .inf, absolute_hours: 8785}}\n"},
        [
            "a.yaml:3: session.idle_minutes: must be a whole number",
            "a.yaml:3: session.absolute_hours: must be at most 8784",
        ],
    ),
    "a comment in JSON": (
        {"a.json": '// us\n{"tenant": "acme"}'},
        ["a.json:1: JSON: a value is expected here; there are no comments in JSON"],
    ),
    "a comma at the end in JSON": (
        {"a.json": '{"tenant": "acme",\n"name": "Acme",\n}'},
        ["a.json:3: JSON: no comma may stand before the end"],
    ),
    "nested without measure": (
        {"a.yaml": f"{TOP}x: {'[' * 50}{']' * 50}\n"},
        ["a.yaml:3: x[0][0]: nested too deeply; 20 levels are the most"],
    ),
    "two documents": (
        {"a.yaml": f"{TOP}---\ntenant: beta\n"},
        ["a.yaml:3: YAML: one document a file; split it"],
    ),
    "a file name beyond every measure": (
        {"a.yaml": client(f"client_secret: 'file:{'x' * 5000}'")},
        [f"a.yaml:3: clients.main.client_secret: the file {'x' * 200} is missing"],
    ),
    "a key that would steer a terminal": (
        {"a.yaml": f'{TOP}"\\e[2J": x\n'},
        [r"a.yaml:3: \x1b[2J: unknown key"],
    ),
    "an address that is no URL": (
        {"a.yaml": client("x: y").replace("https://a.example", "https://[::1")},
        [
            "a.yaml:3: clients.main.issuer: must be the issuer's URL, such as https://auth.ssojet.com",
            "a.yaml:3: clients.main.x: unknown key",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told_with_its_place_and_its_mend(seeds, case):
    files, expected = CASES[case]
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (seeds.folder / name).write_bytes(data)
    assert seeds.problems() == expected


@pytest.mark.parametrize("target", ["b.yaml", "/dev/zero", "pipe"])
def test_what_is_no_file_is_named_and_never_read(seeds, target):
    (seeds.folder / "a.yaml").write_text(GOOD)
    if target == "pipe":
        os.mkfifo(seeds.folder / "b.yaml")
    else:
        (seeds.folder / "b.yaml").symlink_to(target)
    assert seeds.problems() == ["b.yaml:0: is not a file, or a link that leads nowhere"]


@pytest.mark.parametrize("name", ["b.yaml", "b.csv"])
def test_a_file_that_cannot_be_read_is_named(seeds, name):
    (seeds.folder / "a.yaml").write_text(GOOD)
    (seeds.folder / name).symlink_to(Path("/proc/self/mem"))
    assert seeds.problems() == [f"{name}:0: cannot be read: Input/output error"]


@pytest.mark.parametrize(
    "content",
    [GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r"), "\N{BOM}" + GOOD],
    ids=["CRLF", "CR", "BOM"],
)
def test_line_ends_and_marks_of_other_systems_are_read(seeds, content):
    (seeds.folder / "a.yaml").write_bytes(content.encode())
    (seeds.folder / "b.csv").write_bytes(f"\N{BOM}{HEADER}acme,b.example,okta,\n".encode())
    assert seeds.problems() == []


def test_a_refused_folder_leaves_the_registry_as_it_was(seeds, database, whole):
    seeds.write(acme=GOOD).apply(database)
    before = whole(database)
    seeds.write(acme=GOOD.replace("Acme", "Other"), beta=client("client_secret: env:NOT_SET"))
    assert seeds.refused(database) == [
        'beta.yaml:1: tenant: tenant "acme" has two files; the first is acme.yaml:1 tenant'
    ]
    seeds.write(beta=client("client_secret: env:NOT_SET").replace("acme", "beta"))
    assert seeds.refused(database) == [
        "beta.yaml:3: clients.main.client_secret: NOT_SET is not set in the environment"
    ]
    assert whole(database) == before

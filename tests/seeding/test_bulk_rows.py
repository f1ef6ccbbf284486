"""CSV files of bulk domains: exact header, each row checked, any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.address import AddressError, Domain
from portal.seeding.claims import shared_mailboxes, why_not_claimable
from portal.seeding.csv_rows import _NORMAL
from portal.seeding.folder import read_folder

ACME = "tenant: acme\nname: Acme\nconnections: {okta: {name: Okta}, entra: {name: Entra}}\n"
HEADER = "tenant,domain,connection,policy"


def rows(seeds, *lines: str, header: str = HEADER, end: str = "\n", start: str = "") -> None:
    seeds.write(acme=ACME)
    text = start + end.join([header, *lines, ""])
    (seeds.folder / "bulk.csv").write_bytes(text.encode())


def entries(seeds) -> list[tuple[str, str, tuple[str, ...], bool]]:
    found = read_folder(seeds.folder).domains
    return [(d.name, d.policy, d.connections, d.verified) for d in found]


def test_rows_become_verified_domains_with_the_policy_that_fits(seeds):
    rows(seeds, "acme,a.example,okta,required", "acme,b.example,okta,", "acme,c.example,,")
    assert entries(seeds) == [
        ("a.example", "required", ("okta",), True),
        ("b.example", "optional", ("okta",), True),
        ("c.example", "password", (), True),
    ]


@pytest.mark.parametrize("cell", ["entra|okta", "entra okta", " entra | okta "])
def test_several_connections_stand_in_one_cell(seeds, cell):
    rows(seeds, f"acme,a.example,{cell},")
    assert entries(seeds) == [("a.example", "optional", ("entra", "okta"), True)]


def test_byte_order_mark_crlf_quotes_and_empty_lines_are_tolerated(seeds):
    rows(seeds, '"acme", A.Example ,okta,', "", "acme,b.example,,", end="\r\n", start="\ufeff")
    assert [name for name, *_ in entries(seeds)] == ["a.example", "b.example"]


@pytest.mark.parametrize(
    "header",
    [
        "tenant,domain,connection",
        "domain,tenant,connection,policy",
        "Tenant,domain,connection,policy",
        "tenant;domain;connection;policy",
        "",
    ],
)
def test_another_header_is_refused(seeds, header):
    rows(seeds, "acme,a.example,okta,", header=header)
    [problem] = seeds.problems()
    assert problem.startswith(f"bulk.csv:1: the header must be {HEADER}; it is")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("acme,a.example,okta", "bulk.csv:2: the row has 3 cells, not 4"),
        ("acme,a.example,okta,,", "bulk.csv:2: the row has 5 cells, not 4"),
        ("acme,not a domain,okta,", "bulk.csv:2: domain: 'not a domain': The domain is not valid."),
        ("acme,,okta,", "bulk.csv:2: domain: '': The domain is not valid."),
        (
            "acme,a.example.,okta,",
            "bulk.csv:2: domain: 'a.example.': The domain is not valid. Leave out the last dot.",
        ),
        ("A,a.example,okta,", "bulk.csv:2: tenant: 'A' is no tenant's slug"),
        (
            "acme,a.example,otka,",
            'bulk.csv:2: connection: tenant acme has no connection "otka"; did you mean "okta"?',
        ),
        ("acme,a.example,okta|okta,", "bulk.csv:2: connection: one connection stands twice"),
        (
            "acme,a.example,okta,Required",
            (
                "bulk.csv:2: policy: 'Required' is not password, optional or required; "
                'did you mean "required"?'
            ),
        ),
        (
            "acme,a.example,,optional",
            "bulk.csv:2: policy: optional needs a connection; name one, or use password",
        ),
        (
            'acme,"a.example,okta,',
            (
                "bulk.csv:2: CSV: unexpected end of data; "
                "a double quote that begins a cell has no end"
            ),
        ),
    ],
)
def test_a_wrong_row_is_named(seeds, line, problem):
    rows(seeds, line)
    assert seeds.problems() == [problem]


def test_the_same_mistake_is_told_on_each_of_its_lines(seeds):
    rows(seeds, "acme,a.example,x,", "acme,b.example,x,", "acme,c.example,okta,")
    assert [problem.split()[0] for problem in seeds.problems()] == ["bulk.csv:2:", "bulk.csv:3:"]


def test_a_domain_twice_in_any_spelling_and_any_file_names_both_places(seeds):
    rows(seeds, "acme,bücher.example,okta,", "acme,XN--bcher-kva.example,,")
    (seeds.folder / "more.csv").write_text(f"{HEADER}\nacme,Bücher.example,,\n")
    name = "xn--bcher-kva.example"
    assert seeds.problems() == [
        f"bulk.csv:3: domain: {name} is claimed twice; first in bulk.csv:2 domain",
        f"more.csv:2: domain: {name} is claimed twice; first in bulk.csv:2 domain",
    ]


def test_of_a_million_mistakes_a_thousand_are_told_and_the_rest_counted(seeds):
    from portal.seeding.problems import SeedError

    rows(seeds, *(f"acme,domain {number},okta," for number in range(3000)))
    with pytest.raises(SeedError) as caught:
        read_folder(seeds.folder)
    assert len(caught.value.problems) == 1000
    assert caught.value.unlisted == 2000


@given(
    st.from_regex(r"[a-z0-9-]{0,5}(\.[a-zA-Z0-9-]{0,5}){0,3}", fullmatch=True)
    | st.text(max_size=20)
    | st.from_regex(_NORMAL, fullmatch=True)
)
def test_what_is_taken_without_parsing_is_its_own_normal_form(text):
    if _NORMAL.fullmatch(text) and "--" not in text:
        assert Domain.parse(text).name == text


@given(st.text(st.sampled_from("aB1-.ü"), max_size=12))
def test_every_domain_is_taken_in_its_normal_form_or_refused(text):
    try:
        name = Domain.parse(text).name
    except AddressError:
        return
    assert Domain.parse(name).name == name


@pytest.mark.parametrize(
    "name", ["co.uk", "github.io", "herokuapp.com", "foo.ck", "kawasaki.jp", "x.kawasaki.jp"]
)
def test_public_suffixes_cannot_be_claimed(name):
    assert "public suffix" in (why_not_claimable(name) or "")


@pytest.mark.parametrize(
    "name",
    [
        "acme.example",
        "acme.co.uk",
        "acme.github.io",
        "www.ck",
        "city.kawasaki.jp",
        "corp.local",
        "x.test",
    ],
)
def test_what_lies_below_a_public_suffix_can(name):
    assert why_not_claimable(name) is None


def test_the_list_of_shared_mailboxes_is_sorted_and_in_normal_form():
    assert {
        "gmail.com",
        "outlook.com",
        "yahoo.com",
        "icloud.com",
        "proton.me",
    } <= shared_mailboxes()
    for name in shared_mailboxes():
        assert Domain.parse(name).name == name

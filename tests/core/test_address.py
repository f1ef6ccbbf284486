"""Addresses and domains: one form for everything that compares them."""

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.core.address import Address, AddressError, Domain

LETTERS = st.text(alphabet="aZ0-. xné", max_size=12)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("it@acme.example", "it@acme.example"),
        ("  it@acme.example \n", "it@acme.example"),
        ("it@ACME.Example", "it@acme.example"),
        ("It.Support@acme.example", "It.Support@acme.example"),
        ("o'neil+x@acme.example", "o'neil+x@acme.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
        ("bob@corp.local", "bob@corp.local"),
        ("bob@corp.test", "bob@corp.test"),
    ],
)
def test_address_is_normalised(typed: str, normal: str):
    assert str(Address.parse(typed)) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "acme.example",
        "@acme.example",
        "ann@",
        "ann@@acme.example",
        "ann@acme@example",
        "ann@acme",
        "ann@acme.example.",
        "ann@.acme.example",
        "ann@acme..example",
        "ann@acme。example",
        "ann@acme．example",
        "ann@ａcme.example",
        "ann@ac\u00adme.example",
        "ann@ac\u200dme.example",
        "ann@acme.example\x00",
        "ann@[127.0.0.1]",
        "ann@127.0.0.1",
        "ann@-acme.example",
        "ann@acme-.example",
        "ann@xn--a.example",
        "ann@ab--cd.example",
        '"ann b"@acme.example',
        "ann b@acme.example",
        "Ann <ann@acme.example>",
        "ann@acme.example, bob@acme.example",
        ".ann@acme.example",
        "\u212aate@acme.example",
        "e\u0301ve@acme.example",
        "a" * 10_000 + "@acme.example",
        "ann@" + "a" * 10_000 + ".example",
        "ann@" + "a." * 200 + "example",
    ],
)
def test_what_is_no_plain_address_is_refused_in_plain_words(typed: str):
    with pytest.raises(AddressError) as refusal:
        Address.parse(typed)
    assert len(str(refusal.value)) > 10


def test_account_is_found_without_regard_to_case():
    assert Address.parse("Ann@acme.example").key == Address.parse("aNN@ACME.example").key


def test_case_folding_does_not_merge_two_mailboxes():
    assert Address.parse("straße@acme.example").key != Address.parse("strasse@acme.example").key


def test_domain_is_looked_up_by_itself_and_its_parents_but_no_top_level():
    names = Domain.parse("eu.mail.acme.example").lookup_names()
    assert names == ("eu.mail.acme.example", "mail.acme.example", "acme.example")


@pytest.mark.parametrize(
    ("parent", "child", "covered"),
    [
        ("acme.example", "acme.example", True),
        ("acme.example", "eu.acme.example", True),
        ("acme.example", "notacme.example", False),
        ("eu.acme.example", "acme.example", False),
    ],
)
def test_domain_covers_itself_and_what_lies_below(parent: str, child: str, *, covered: bool):
    assert Domain.parse(parent).covers(Domain.parse(child)) is covered


def test_domain_is_shown_as_people_write_it():
    assert Domain.parse("xn--bcher-kva.example").display == "bücher.example"


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_refused(text: str):
    try:
        parsed = Address.parse(text)
    except AddressError:
        return
    assert Address.parse(str(parsed)) == parsed


_odd = st.text(alphabet="aA0!#$%&'*+/=?^_`{|}~-.\"(),:;<>@[]\\ é", min_size=1, max_size=12)


@given(_odd)
def test_short_way_takes_only_what_the_full_validation_takes(local: str):
    try:
        parsed = Address.parse(f"{local}@acme.example")
    except AddressError:
        return
    checked = email_validator.validate_email(str(parsed), check_deliverability=False)
    assert checked.local_part == parsed.local


_label = st.from_regex(r"[a-z0-9]([a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
_addresses = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}.example",
    st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True),
    st.lists(_label, min_size=1, max_size=3),
)


@given(_addresses, st.data())
def test_any_spelling_in_case_and_space_is_the_same_account(text: str, data: st.DataObject):
    upper = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    spelt = "".join(c.upper() if up else c for c, up in zip(text, upper, strict=True))
    assert Address.parse(f" {spelt}\t").key == Address.parse(text).key


def outcome(parse, text: str) -> str:
    try:
        return parse(text).name
    except AddressError as error:
        return str(error)


@given(st.lists(LETTERS, min_size=1, max_size=4).map(".".join))
@example("a.b")
@example("A" * 63 + ".EXAMPLE")
@example("a" * 64 + ".example")
@example("a." * 130 + "example")
@example("ab--c.example")
@example("xn--a.example")
@example("a.1b")
def test_short_way_for_plain_domains_comes_to_the_same(text: str):
    assert outcome(Domain.parse, text) == outcome(Domain._parse_any, text.strip(" \t\r\n"))

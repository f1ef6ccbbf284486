"""YAML, JSON and TOML say the same thing; each tells the line of each key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.seeding.document import UnreadableError
from portal.seeding.json_reader import read_json
from portal.seeding.toml_reader import read_toml
from portal.seeding.yaml_reader import read_yaml

AS_YAML = """
tenant: acme
name: "Acme"
clients:
  main: {issuer: "https://a.example", client_id: a}
domains:
  acme.example:
    rollout: 50
    verified: false
users:
  - email: a@acme.example
  - email: b@acme.example
"""
AS_JSON = """
{"tenant": "acme",
 "name": "Acme",
 "clients": {
   "main": {"issuer": "https://a.example", "client_id": "a"}},
 "domains": {
   "acme.example": {
     "rollout": 50,
     "verified": false}},
 "users": [
   {"email": "a@acme.example"},
   {"email": "b@acme.example"}
]}
"""
AS_TOML = """
tenant = "acme"
name = "Acme"
[clients]
main = {issuer = "https://a.example", client_id = "a"}
[domains]
["domains"."acme.example"]
rollout = 50
verified = false
[[users]]
email = "a@acme.example"
[[users]]
email = "b@acme.example"
"""


@pytest.mark.parametrize(
    ("read", "text"), [(read_yaml, AS_YAML), (read_json, AS_JSON), (read_toml, AS_TOML)]
)
def test_all_formats_say_the_same_with_the_lines_of_their_keys(read, text):
    text = text.replace('[domains]\n["domains"', '["domains"')
    document = read(text)
    assert document.data == read_yaml(AS_YAML).data
    lines = text.splitlines()
    for path, word in [
        (("name",), "Acme"),
        (("domains", "acme.example", "rollout"), "50"),
        (("domains", "acme.example", "verified"), "false"),
        (("users", 1, "email"), "b@acme"),
        (("clients", "main", "client_id"), "main"),
    ]:
        assert word in lines[document.line(path) - 1]


def test_yaml_is_yaml_1_2():
    data = read_yaml("a: NO\nb: on\nc: 012\nd: 2020-01-01\ne: ~\nf: 1.5\ng: 'true'\n").data
    assert data == {
        "a": "NO",
        "b": "on",
        "c": 12,
        "d": "2020-01-01",
        "e": None,
        "f": 1.5,
        "g": "true",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: *x",
        "a: &x [*x]",
        "&x a: 1",
        "a: &x b\n*x : 1",
        "a: &x {b: 1}\nc:\n  <<: *x",
        "a: &a [[[[[[[[[1]]]]]]]]]\nb: &b [[[[[[[[[*a]]]]]]]]]\nc: [[[[[*b]]]]]",
        f"a: &x {'y' * 100_000}\nb: [{', '.join(['*x'] * 20)}]",
        "<<: *x",
        "a: !!python/object:os.system x",
        "a: !local x",
        "a: 1\n---\nb: 2",
        "[" * 100_000,
        "a:\n" + "".join(" " * depth + f"k{depth}:\n" for depth in range(1, 50)),
        "a: [1, 2",
        "a: \x00",
        "\ta: 1",
        "? [a]\n: b",
        "a: 'b",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_hostile_yaml_is_a_clear_error(text):
    with pytest.raises(UnreadableError) as caught:
        read_yaml(text)
    assert caught.value.message
    assert caught.value.line >= 1


def test_an_alias_is_a_copy_and_its_keys_have_the_lines_where_they_are_written():
    document = read_yaml("a:\n  x: &way\n    p: 1\n    q: [2]\n  y: *way\nb: *way\n")
    way = {"p": 1, "q": [2]}
    assert document.data == {"a": {"x": way, "y": way}, "b": way}
    assert document.data["a"]["x"] is not document.data["b"]
    lines = {"a.y": 5, "a.y.p": 3, "b": 6, "b.q": 4, "b.q.0": 4}
    for place, line in lines.items():
        path = tuple(int(part) if part.isdigit() else part for part in place.split("."))
        assert document.lines[path] == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,\n}', 2),
        ('{"a": 01}', 1),
        ("{'a': 1}", 1),
        ('{"a": NaN}', 1),
        ('{"a": "\\ud800"}', 1),
        ('{"a": "\n"}', 1),
        ('{"a": 1} x', 1),
        ("[" * 100_000, 1),
        ("", 1),
    ],
)
def test_json_is_read_strictly(text, line):
    with pytest.raises(UnreadableError) as caught:
        read_json(text)
    assert caught.value.line == line


def test_a_key_that_stands_twice_is_told_and_the_rest_is_read():
    for read, text in ((read_yaml, "a: 1\na: 2\nb: 3"), (read_json, '{"a": 1,\n"a": 2, "b": 3}')):
        document = read(text)
        assert [(f.message, f.line) for f in document.faults] == [
            ("stands twice, first on line 1", 2)
        ]
        assert document.data == {"a": 1, "b": 3}


def test_toml_tells_the_line_of_a_mistake():
    with pytest.raises(UnreadableError) as caught:
        read_toml('tenant = "acme"\nname = \n')
    assert caught.value.line == 2


def test_toml_number_beyond_every_measure_is_told_with_its_line():
    with pytest.raises(UnreadableError, match="too many digits") as caught:
        read_toml(f'name = "Acme"\nrollout = {"9" * 5000}\n')
    assert caught.value.line == 2


def test_toml_keys_inside_long_texts_are_not_taken_for_keys():
    document = read_toml('a = """\nname = 1\n"""\nname = "x"\n')
    assert document.line(("name",)) == 4


@given(st.text(max_size=200))
def test_whatever_the_text_yaml_is_read_or_refused_in_words(text):
    words = "read"
    try:
        read_yaml(text)
    except UnreadableError as refusal:
        words = str(refusal).strip()
    assert words


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_json_is_read_as_the_standard_library_reads_it(value):
    for indent in (None, 2):
        assert read_json(json.dumps(value, indent=indent)).data == value
        assert read_json(json.dumps(value, ensure_ascii=False)).data == value

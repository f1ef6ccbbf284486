"""`POST /auth/discover`: how a domain signs in, and nothing about the person."""

import pytest

from tests.visitor import Visitor

pytestmark = pytest.mark.usefixtures("registry")


def discover(visitor: Visitor, body):
    return visitor.client.post("/auth/discover", base_url=visitor.base, json=body)


@pytest.mark.parametrize(
    ("email", "method", "names"),
    [
        ("ann@acme.example", "sso", ["Acme Okta"]),
        ("it@acme.example", "sso", ["Acme Okta"]),
        ("ann@globex.example", "choose", ["Entra", "Ping"]),
        ("peter@initech.example", "password", []),
        ("nobody@initech.example", "password", []),
        ("x@elsewhere.example", "password", []),
    ],
)
def test_domain_tells_the_method(visitor: Visitor, email: str, method: str, names: list[str]):
    answer = discover(visitor, {"email": email})
    assert answer.status_code == 200
    assert set(answer.json) == {"method", "connections"}
    assert answer.json["method"] == method
    assert [connection["name"] for connection in answer.json["connections"]] == names
    assert all(set(found) == {"id", "name"} for found in answer.json["connections"])


def test_words_come_when_the_page_asks_for_them(visitor: Visitor):
    answer = discover(visitor, {"email": "ann@acme.example", "words": True})
    assert answer.json["message"] == "Acme Corporation signs in with Acme Okta."


@pytest.mark.parametrize("body", [{}, [], "x", {"email": None}, {"email": 7}, {"email": "nobody"}])
def test_bad_input_is_a_400_in_json(visitor: Visitor, body):
    answer = discover(visitor, body)
    assert answer.status_code == 400
    assert answer.json["message"]


def test_what_is_no_json_is_a_400_too(visitor: Visitor):
    answer = visitor.client.post("/auth/discover", base_url=visitor.base, data="{")
    assert answer.status_code == 400

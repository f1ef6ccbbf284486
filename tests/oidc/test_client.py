"""The token endpoint: how a code is exchanged, and which answers are taken."""

from base64 import b64decode
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import FailureCode
from portal.core.registry import AuthMethod, Sealed
from tests.core.token_drafts import ACCESS_TOKEN, CODE
from tests.oidc.outcomes import failure_of
from tests.oidc.servers import answer
from tests.oidc.small_provider import (
    PLANTED,
    UNAVAILABLE,
    VERIFIER,
    WRONG,
    exchange,
    fails,
    identify,
)
from tests.oidc.test_client_auth import KEYS, _pem


def _sent(provider):
    (asked,) = provider.asked("/token")
    assert asked.method == "POST"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert int(asked.headers["content-length"]) == len(asked.body)
    return dict(parse_qsl(asked.body.decode(), strict_parsing=True)), asked.headers


GRANT = {
    "grant_type": "authorization_code",
    "code": CODE,
    "code_verifier": VERIFIER,
    "redirect_uri": "http://localhost:5000/auth/callback/acme",
}


def test_code_is_exchanged_with_http_basic(party, provider, client, vault):
    tokens = exchange(party, client(secret=vault.seal("p:&=% é")))
    form, headers = _sent(provider)
    assert form == GRANT
    sent = b64decode(headers["authorization"].removeprefix("Basic "))
    assert sent == b"cli_acme.portal:p%3A%26%3D%25+%C3%A9"
    assert tokens.access_token == ACCESS_TOKEN
    assert repr(tokens) == "Tokens()"


def test_code_is_exchanged_with_the_secret_in_the_form(party, provider, client, vault):
    exchange(party, client(auth_method=AuthMethod.POST, secret=vault.seal("p&=% é")))
    form, headers = _sent(provider)
    assert form == GRANT | {"client_id": "cli_acme.portal", "client_secret": "p&=% é"}
    assert "authorization" not in headers


def test_code_is_exchanged_with_a_signed_assertion(party, provider, client, vault):
    sealed = vault.seal(_pem(KEYS["ES256"]))
    exchange(party, client(auth_method=AuthMethod.PRIVATE_KEY_JWT, private_key=sealed))
    form, headers = _sent(provider)
    assert GRANT.items() < form.items()
    assert form["client_assertion"].count(".") == 2
    assert "authorization" not in headers
    assert "client_secret" not in form


def test_key_that_signs_is_published_and_follows_a_change(party, client, vault):
    published = []
    for algorithm in ("ES256", "ES256", "EdDSA"):
        sealed = vault.seal(_pem(KEYS[algorithm]))
        published.append(party.public_jwk(client(private_key=sealed)))
    assert published[0] == published[1]
    assert [entry["alg"] for entry in published] == ["ES256", "ES256", "EdDSA"]
    assert all("d" not in entry for entry in published)
    fails(FailureCode.SSO_UNAVAILABLE, party.public_jwk, client())


def test_code_is_exchanged_by_a_public_client(party, provider, client):
    exchange(party, client(auth_method=AuthMethod.NONE, secret=None))
    form, headers = _sent(provider)
    assert form == GRANT | {"client_id": "cli_acme.portal"}
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "values",
    [
        {"secret": None},
        {"secret": Sealed(b"sealed with a key that is lost")},
        {"auth_method": AuthMethod.POST, "secret": None},
        {"auth_method": AuthMethod.PRIVATE_KEY_JWT},
    ],
)
def test_client_without_a_usable_secret_is_unavailable_and_asks_nothing(
    party, provider, client, values
):
    fails(FailureCode.SSO_UNAVAILABLE, exchange, party, client(**values))
    assert provider.asked("/token") == []


def test_client_whose_key_is_none_is_unavailable(party, client, vault):
    values = {"auth_method": AuthMethod.PRIVATE_KEY_JWT, "private_key": vault.seal(PLANTED)}
    fails(FailureCode.SSO_UNAVAILABLE, exchange, party, client(**values))


TOKEN_ANSWERS = {
    "invalid_grant": (lambda p: answer({"error": "invalid_grant"}, status="400 Bad"), WRONG),
    "invalid_client": (lambda p: answer({"error": "invalid_client"}, status="401 No"), WRONG),
    "an error that repeats our secret": (
        lambda p: answer(
            {"error": PLANTED, "error_description": CODE, "error_uri": VERIFIER}, status="400 Bad"
        ),
        WRONG,
    ),
    "an error that is no text": (lambda p: answer({"error": ["x"]}, status="400 Bad"), WRONG),
    "an error with status 200": (lambda p: answer({"error": "invalid_grant"}), WRONG),
    "an error beside tokens": (lambda p: answer(p.tokens(error="invalid_grant")), WRONG),
    "an error page": (lambda p: answer(b"<html>", status="400 Bad", kind="text/html"), WRONG),
    "500": (lambda p: answer(status="500 Oops"), UNAVAILABLE),
    "429": (lambda p: answer(status="429 Slow"), UNAVAILABLE),
    "redirect": (
        lambda p: answer(status="307 Go", headers=f"Location: {p.url}/userinfo\r\n"),
        WRONG,
    ),
    "201": (lambda p: answer(p.tokens(), status="201 Created"), WRONG),
    "content type of a page": (lambda p: answer(p.tokens(), kind="text/html"), WRONG),
    "form instead of JSON": (
        lambda p: answer(b"id_token=a", kind="application/x-www-form-urlencoded"),
        WRONG,
    ),
    "array": (lambda p: answer([p.tokens()]), WRONG),
    "no id_token": (lambda p: answer({"token_type": "Bearer", "access_token": "a"}), WRONG),
    "id_token null": (lambda p: answer(p.tokens(id_token=None)), WRONG),
    "id_token an object": (lambda p: answer(p.tokens(id_token={})), WRONG),
    "token_type missing": (lambda p: answer({"id_token": "a.b.c", "access_token": "a"}), WRONG),
    "token_type mac": (lambda p: answer(p.tokens(token_type="mac")), WRONG),
    "token_type a number": (lambda p: answer(p.tokens(token_type=1)), WRONG),
    "access_token missing": (
        lambda p: answer({"token_type": "Bearer", "id_token": "a.b.c"}),
        WRONG,
    ),
    "access_token null": (lambda p: answer(p.tokens(access_token=None)), WRONG),
    "access_token empty": (lambda p: answer(p.tokens(access_token="")), WRONG),
    "access_token a number": (lambda p: answer(p.tokens(access_token=1)), WRONG),
    "access_token with a line break": (lambda p: answer(p.tokens(access_token="a\r\nX: 1")), WRONG),
    "id_token twice": (lambda p: answer(b'{"id_token":"a","id_token":"b"}'), WRONG),
}


@pytest.mark.parametrize("name", TOKEN_ANSWERS)
def test_unsound_token_answer_is_refused(party, provider, client, name):
    make, code = TOKEN_ANSWERS[name]
    provider.token_answer = make(provider)
    fails(code, exchange, party, client())
    assert len(provider.asked("/token")) == 1


SOUND_ANSWERS = {
    "token_type in small letters": {"token_type": "bearer"},
    "odd expires_in, which nobody reads": {"expires_in": {"a": 1}, "expires_at": "soon"},
    "unknown members": {"not_before_policy": 0, "session_state": None},
}


@pytest.mark.parametrize("name", SOUND_ANSWERS)
def test_sound_token_answer_is_taken(party, provider, client, name):
    provider.token_answer = answer(provider.tokens(**SOUND_ANSWERS[name]))
    assert identify(party, client()).subject == "00u1a2b3"


def test_known_error_is_named_for_the_log(party, provider, client):
    provider.token_answer = answer({"error": "invalid_grant"}, status="400 Bad")
    assert "invalid_grant" in fails(WRONG, exchange, party, client()).detail


def test_any_token_answer_is_tokens_or_a_failure(party, provider, client):
    values = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text())
    names = st.sampled_from(["id_token", "access_token", "token_type", "error", "expires_in"])

    @given(st.dictionaries(names, values))
    def check(changes):
        provider.token_answer = answer({**provider.tokens(), **changes})
        failure = failure_of(exchange, party, client())
        assert failure is None or failure.code is WRONG

    check()

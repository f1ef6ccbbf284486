"""Many tenants at one issuer: what one of them provokes there slows none of the others."""

import base64
from urllib.parse import unquote

import pytest

from portal.oidc.breaker import FAILURES, SEVERAL
from portal.oidc.client import Tokens
from tests.core.token_drafts import ACCESS_TOKEN, SECONDS, id_draft, key, logout_draft, public
from tests.oidc.servers import answer
from tests.oidc.small_provider import UNAVAILABLE, WRONG, SmallProvider, exchange, fails, identify


class SharedProvider(SmallProvider):
    """Answers each client as the test says."""

    def __init__(self, serve):
        self.to = {}
        super().__init__(serve)

    def _answer(self, asked):
        if asked.path == "/token" and (bad := self.to.get(_client_of(asked))):
            return bad
        return super()._answer(asked)


def _client_of(asked):
    proof = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
    return unquote(proof.decode().partition(":")[0])


@pytest.fixture
def provider(serve):
    return SharedProvider(serve)


def _asked_by(provider, name):
    return sum(_client_of(asked) == name for asked in provider.asked("/token"))


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Down"])
def test_a_client_that_always_fails_is_left_alone_and_no_other(
    party, provider, client, clock, status
):
    provider.to["bad"] = answer(status=status)
    for _ in range(4 * FAILURES):
        fails(UNAVAILABLE, exchange, party, client(client_id="bad"))
    assert _asked_by(provider, "bad") == FAILURES
    assert exchange(party, client(client_id="good"))
    del provider.to["bad"]
    fails(UNAVAILABLE, exchange, party, client(client_id="bad"))
    clock.advance(11)
    assert exchange(party, client(client_id="bad"))


def test_the_answers_to_others_do_not_set_a_failing_client_free(party, provider, client):
    provider.to["bad"] = answer(status="429 Too Many Requests")
    for _ in range(2 * FAILURES):
        fails(UNAVAILABLE, exchange, party, client(client_id="bad"))
        assert exchange(party, client(client_id="good"))
    assert _asked_by(provider, "bad") == FAILURES


def test_an_issuer_that_fails_for_several_clients_is_left_alone_for_all(party, provider, client):
    names = [f"client-{number}" for number in range(FAILURES)]
    provider.to = dict.fromkeys(names, answer(status="503 Down"))
    for name in names:
        fails(UNAVAILABLE, exchange, party, client(client_id=name))
    fails(UNAVAILABLE, exchange, party, client(client_id="good"))
    assert _asked_by(provider, "good") == 0


def test_several_clients_that_ask_too_often_do_not_close_the_issuer(party, provider, client):
    names = [f"client-{number}" for number in range(2 * SEVERAL)]
    provider.to = dict.fromkeys(names, answer(status="429 Too Many Requests"))
    for name in names * FAILURES:
        fails(UNAVAILABLE, exchange, party, client(client_id=name))
    assert exchange(party, client(client_id="good"))


def test_a_client_that_always_fails_does_not_keep_an_issuer_shut_that_is_back(
    party, provider, client, clock
):
    names = ["bad", *(f"client-{number}" for number in range(FAILURES))]
    provider.to = dict.fromkeys(names, answer(status="503 Down"))
    for name in names:
        fails(UNAVAILABLE, exchange, party, client(client_id=name))
    provider.to = {"bad": answer(status="503 Down")}
    clock.advance(11)
    fails(UNAVAILABLE, exchange, party, client(client_id="bad"))
    assert exchange(party, client(client_id="good"))


def test_userinfo_that_fails_for_one_client_is_its_own_affair(party, provider, client):
    bad = client()
    claims = identify(party, bad)
    provider.userinfo_answer = answer(status="500 Oops")
    tokens = exchange(party, bad)
    for _ in range(2 * FAILURES):
        fails(UNAVAILABLE, party.with_userinfo, bad, tokens, claims=claims)
    assert len(provider.asked("/userinfo")) == FAILURES
    assert exchange(party, client(client_id="good"))


def test_junk_logout_tokens_never_delay_a_sign_in_with_a_new_key(party, provider, client):
    identify(party, client())
    provider.kid = "invented"
    junk = provider.signed(logout_draft(), iat=SECONDS)
    for _ in range(10):
        fails(WRONG, party.logout_claims, client(), junk)
    assert len(provider.asked("/jwks")) == 2
    provider.kid, provider.signer = "new", key("RSA", "new")
    provider.keys = [public("RSA", "new", kid="new")]
    assert identify(party, client(), Tokens(provider.signed(id_draft()), ACCESS_TOKEN))


def test_wrong_signatures_of_logout_tokens_never_delay_one_either(party, provider, client):
    identify(party, client())
    real, provider.signer = provider.signer, key("RSA", "evil")
    junk = provider.signed(logout_draft(), iat=SECONDS)
    for _ in range(10):
        fails(WRONG, party.logout_claims, client(), junk)
    provider.signer = key("RSA", "new")
    provider.keys = [public("RSA", "new")]  # a new key under the old name
    assert real is not provider.signer
    assert identify(party, client(), Tokens(provider.signed(id_draft()), ACCESS_TOKEN))

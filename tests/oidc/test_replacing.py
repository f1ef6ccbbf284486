"""While a new secret replaces an old one: which of the two goes out, and what a refusal does."""

from datetime import timedelta

import pytest

from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import AuthMethod, Sealed
from portal.oidc.replacing import REFUSED, SPENT, Replacing
from portal.oidc.token_endpoint import ClientRefused, CodeRefused, Tokens
from tests.builders import NOW, make_client

NEW, OLD = Sealed(b"new"), Sealed(b"old")


class Endpoint:
    """A token endpoint that knows one secret; it may spend the code although it refuses."""

    def __init__(self, *known, spends=False):
        self.known, self.spends, self.got = known, spends, []
        self.is_spent = False

    def __call__(self, client):
        assert client.as_before is None or client.secret is NEW
        self.got.append(client.proof)
        if self.is_spent:
            raise CodeRefused(FailureCode.OIDC_FAILED, "invalid_grant")
        self.is_spent = self.spends
        if client.proof not in self.known:
            raise ClientRefused(FailureCode.OIDC_FAILED, "invalid_client")
        return Tokens("id", "access")

    def another_code(self):
        self.got, self.is_spent = [], False


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def replacing(clock):
    return Replacing(clock)


BOTH = make_client(secret=NEW, old_secret=OLD)


def test_without_an_old_secret_nothing_is_tried_twice(replacing):
    endpoint = Endpoint()
    with pytest.raises(ClientRefused):
        replacing.redeem(make_client(secret=NEW), endpoint)
    assert endpoint.got == [NEW]


def test_the_new_secret_goes_first_and_alone_where_it_is_taken(replacing):
    endpoint = Endpoint(NEW, OLD)
    tokens = replacing.redeem(BOTH, endpoint)
    assert endpoint.got == [NEW]
    assert (tokens.by_old, tokens.refused_new) == (False, False)


def test_the_new_secret_goes_first_by_a_clock_that_runs(clock):
    def running():
        clock.now += timedelta(microseconds=1)
        return clock.now

    endpoint = Endpoint(NEW, OLD)
    Replacing(running).redeem(BOTH, endpoint)
    assert endpoint.got == [NEW]


def test_an_old_secret_that_cannot_be_opened_leaves_the_refusal_of_the_new_one(replacing):
    def send(client):
        if client.proof is OLD:
            raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "cannot be opened")
        raise ClientRefused(FailureCode.OIDC_FAILED, "invalid_client")

    with pytest.raises(ClientRefused):
        replacing.redeem(BOTH, send)


def test_the_old_secret_goes_where_the_new_one_is_refused(replacing):
    endpoint = Endpoint(OLD)
    tokens = replacing.redeem(BOTH, endpoint)
    assert endpoint.got == [NEW, OLD]
    assert (tokens.by_old, tokens.refused_new) == (True, True)


def test_the_new_secret_is_tried_again_soon_and_not_at_every_sign_in(replacing, clock):
    endpoint = Endpoint(OLD)
    replacing.redeem(BOTH, endpoint)
    endpoint.another_code()
    assert not replacing.redeem(BOTH, endpoint).refused_new
    assert endpoint.got == [OLD]
    clock.now += REFUSED
    endpoint.another_code()
    assert replacing.redeem(BOTH, endpoint).refused_new
    assert endpoint.got == [NEW, OLD]


def test_where_neither_is_taken_the_refusal_of_the_new_one_is_told(replacing):
    endpoint = Endpoint()
    with pytest.raises(ClientRefused):
        replacing.redeem(BOTH, endpoint)
    assert endpoint.got == [NEW, OLD]


def test_another_failure_than_a_refusal_asks_for_nothing_more(replacing):
    asked = []

    def down(client):
        asked.append(client.proof)
        raise SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, "no answer in time")

    with pytest.raises(SignInFailure, match="no answer"):
        replacing.redeem(BOTH, down)
    assert asked == [NEW]


def test_a_provider_that_spends_the_code_fails_one_sign_in_and_no_more(replacing, clock):
    endpoint = Endpoint(OLD, spends=True)
    with pytest.raises(ClientRefused):
        replacing.redeem(BOTH, endpoint)
    for _ in range(3):
        clock.now += timedelta(minutes=15)
        endpoint.another_code()
        assert replacing.redeem(BOTH, endpoint).by_old
        assert endpoint.got == [OLD]
    clock.now += SPENT
    endpoint.another_code()
    with pytest.raises(ClientRefused):
        replacing.redeem(BOTH, endpoint)


def test_once_the_old_secret_is_refused_the_new_one_goes_at_once(replacing):
    replacing.redeem(BOTH, Endpoint(OLD))
    endpoint = Endpoint(NEW)
    tokens = replacing.redeem(BOTH, endpoint)
    assert endpoint.got == [OLD, NEW]
    assert not tokens.by_old


def test_another_new_secret_begins_anew(replacing):
    replacing.redeem(BOTH, Endpoint(OLD))
    newer = Sealed(b"newer")
    endpoint = Endpoint(newer)
    replacing.redeem(make_client(secret=newer, old_secret=OLD), lambda c: endpoint_of(c, endpoint))
    assert endpoint.got == [newer]


def endpoint_of(client, endpoint):
    endpoint.got.append(client.proof)
    return Tokens("id", "access")


@pytest.mark.parametrize(
    ("method", "values", "has_old"),
    [
        (AuthMethod.BASIC, {"old_secret": OLD}, True),
        (AuthMethod.BASIC, {"old_private_key": OLD}, False),
        (AuthMethod.PRIVATE_KEY_JWT, {"old_private_key": OLD}, True),
        (AuthMethod.PRIVATE_KEY_JWT, {"old_secret": OLD}, False),
        (AuthMethod.NONE, {"old_secret": OLD, "old_private_key": OLD}, False),
    ],
)
def test_an_old_one_counts_only_for_the_way_in_which_the_client_proves_itself(
    method, values, has_old
):
    client = make_client(auth_method=method, secret=NEW, private_key=NEW, **values)
    assert (client.as_before is not None) == has_old

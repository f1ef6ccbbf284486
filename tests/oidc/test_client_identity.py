"""Who signed in: keys, their rotation, userinfo and logout tokens, against a provider."""

import pytest

from portal.core.tokens import Claims, VerifiedClaims
from portal.oidc.client import Tokens
from tests.core.token_drafts import ACCESS_TOKEN, SECONDS, id_draft, key, logout_draft, public
from tests.oidc.servers import answer
from tests.oidc.small_provider import UNAVAILABLE, WRONG, exchange, fails, identify


def test_person_is_identified_by_the_issuers_keys(party, provider, client):
    claims = identify(party, client())
    assert (claims.issuer, claims.subject) == (provider.url, "00u1a2b3")
    assert len(provider.asked("/jwks")) == 1


def test_at_hash_max_age_and_nonce_are_compared(party, provider, client):
    tokens = exchange(party, client())
    fails(WRONG, party.identify, client(), tokens, nonce="another")
    fails(WRONG, identify, party, client(), tokens, max_age=60)
    wrong_hash = provider.signed(id_draft(), at_hash="wrong")
    fails(WRONG, identify, party, client(), Tokens(wrong_hash, ACCESS_TOKEN))


def test_algorithm_that_the_metadata_does_not_name_is_refused(party, provider, client):
    provider.metadata = {"id_token_signing_alg_values_supported": ["ES256"]}
    fails(WRONG, identify, party, client())


def test_rotated_key_is_fetched_once_and_then_known(party, provider, client):
    identify(party, client())
    provider.signer, provider.kid = key("RSA", "second"), "second"
    provider.keys = [public("RSA", "second", kid="second")]
    for _ in range(3):
        identify(party, client())
    assert len(provider.asked("/jwks")) == 2


def test_key_changed_under_the_same_kid_is_fetched_too(party, provider, client):
    identify(party, client())
    provider.signer, provider.keys = key("RSA", "second"), [public("RSA", "second")]
    identify(party, client())
    assert len(provider.asked("/jwks")) == 2


def test_flood_of_unknown_kids_is_no_flood_of_requests(party, provider, client):
    tokens = exchange(party, client())
    for number in range(30):
        provider.kid = f"invented {number}"
        fails(WRONG, identify, party, client(), Tokens(provider.signed(id_draft()), ACCESS_TOKEN))
    assert len(provider.asked("/jwks")) == 2
    assert identify(party, client(), tokens)


def test_unknown_kid_while_the_keys_cannot_be_had_is_unavailable(party, provider, client):
    tokens = exchange(party, client())
    identify(party, client(), tokens)
    provider.keys_answer = answer(status="503 Down")
    identify(party, client(), tokens)  # old keys serve
    provider.kid = "rotated"
    fails(UNAVAILABLE, identify, party, client(), Tokens(provider.signed(id_draft()), ACCESS_TOKEN))


def test_wrong_signature_is_wrong_even_while_the_keys_cannot_be_had(party, provider, client):
    identify(party, client())
    provider.keys_answer = answer(status="503 Down")
    provider.signer = key("RSA", "evil")
    fails(WRONG, identify, party, client())


def _claims(provider, **claims):
    return VerifiedClaims(Claims(provider.url, "00u1a2b3", all={"sub": "00u1a2b3", **claims}))


def _userinfo(party, client, provider, **claims):
    tokens = Tokens("", ACCESS_TOKEN)
    return party.with_userinfo(client, tokens, claims=_claims(provider, **claims))


def test_userinfo_is_asked_with_the_token_and_added(party, provider, client):
    merged = _userinfo(party, client(), provider, email="ana@acme.example")
    assert merged.all["name"] == "Ana"
    (asked,) = provider.asked("/userinfo")
    assert asked.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_userinfo_is_left_out_where_there_is_none(party, provider, client):
    provider.metadata = {"userinfo_endpoint": None}
    assert _userinfo(party, client(), provider).all == {"sub": "00u1a2b3"}
    assert provider.asked("/userinfo") == []


USERINFO_ANSWERS = {
    "somebody else": (lambda p: answer({"sub": "00u9"}), WRONG),
    "no sub": (lambda p: answer({"name": "Ana"}), WRONG),
    "401": (lambda p: answer({"sub": "00u1a2b3"}, status="401 No"), WRONG),
    "503": (lambda p: answer(status="503 Down"), UNAVAILABLE),
    "a page": (lambda p: answer(b"<html>", kind="text/html"), WRONG),
    "a token that is none": (lambda p: answer(b"e30", kind="application/jwt"), WRONG),
    "a token that is not ASCII": (
        lambda p: answer("é.é.é".encode(), kind="application/jwt"),
        WRONG,
    ),
    "signed by another key": (
        lambda p: answer(
            p.signed(id_draft(), iss="https://evil.example").encode(), kind="application/jwt"
        ),
        WRONG,
    ),
    "an ID token of somebody else": (
        lambda p: answer(p.signed(id_draft(), sub="00u9").encode(), kind="application/jwt"),
        WRONG,
    ),
}


@pytest.mark.parametrize("name", USERINFO_ANSWERS)
def test_unsound_userinfo_is_refused(party, provider, client, name):
    make, code = USERINFO_ANSWERS[name]
    provider.userinfo_answer = make(provider)
    fails(code, _userinfo, party, client(), provider)


def test_signed_userinfo_is_verified_and_added(party, provider, client):
    token = provider.signed(id_draft(), name="Ana")
    provider.userinfo_answer = answer(token.encode(), kind="application/jwt; charset=utf-8")
    assert _userinfo(party, client(), provider).all["name"] == "Ana"


def test_logout_token_is_verified_by_the_same_keys(party, provider, client):
    logout = party.logout_claims(client(), provider.signed(logout_draft(), iat=SECONDS))
    assert (logout.subject, logout.sid) == ("00u1a2b3", "08a5019c")
    id_token = provider.signed(id_draft())
    fails(WRONG, party.logout_claims, client(), id_token)
    fails(WRONG, party.logout_claims, client(client_id="other"), provider.signed(logout_draft()))

"""ID tokens and logout tokens: the good one enters, one change keeps it out (see token_cases)."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import jwks, tokens
from portal.core.errors import FailureCode, SignInFailure
from portal.core.jws import SignatureFailure
from tests.core import token_cases as cases
from tests.core import token_drafts as drafts

MODULES = SimpleNamespace(tokens=tokens, jwks=jwks)
ALL = [case for kind in ("id", "logout", "userinfo") for case in cases.ready(kind)]


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.kind}: {case.name} [{case.rule}]")
def test_token_is_accepted_only_when_every_rule_is_kept(case):
    if case.accepted:
        cases.run(MODULES, case)
        return
    with pytest.raises(SignInFailure) as refusal:
        cases.run(MODULES, case)
    assert refusal.value.code is FailureCode.OIDC_FAILED
    assert case.token == "" or case.token not in str(refusal.value)


def _keys(*entries):
    return jwks.read_jwks({"keys": list(entries or [drafts.public()])})


def _verified(**claims):
    draft = drafts.id_draft()
    draft.claims.update(claims)
    expected = tokens.Expected(**draft.expected)
    return tokens.verify_id_token(draft.token(), _keys(), expected=expected, now=drafts.NOW)


def test_verified_claims_carry_issuer_subject_and_everything_said():
    claims = _verified(sid="s-1", groups=["a"], session_expiry=drafts.SECONDS + 60)
    assert (claims.issuer, claims.subject, claims.sid) == (drafts.ISSUER, "00u1a2b3", "s-1")
    assert claims.all["groups"] == ["a"]
    assert claims.session_expiry == drafts.NOW + timedelta(seconds=60)


@pytest.mark.parametrize("value", [10**400, 1e308, 253402300799.9999, 2**63])
def test_session_expiry_beyond_the_calendar_is_a_time_that_any_database_and_zone_holds(value):
    assert _verified(session_expiry=value).session_expiry == datetime(3000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [-(10**400), -1e300, -1, 0])
def test_session_expiry_before_the_calendar_is_long_past(value):
    assert _verified(session_expiry=value).session_expiry == datetime(1970, 1, 1, tzinfo=UTC)


def test_no_claim_of_a_person_stands_in_a_repr():
    assert "ana@acme.example" not in repr(_verified())
    assert drafts.NONCE not in repr(tokens.Expected(**drafts.id_draft().expected))


def test_logout_token_is_remembered_until_its_age_alone_refuses_it():
    draft = drafts.logout_draft()
    logout = tokens.verify_logout_token(draft.token(), _keys(), now=drafts.NOW, **draft.expected)
    assert (logout.subject, logout.sid, logout.jti) == ("00u1a2b3", "08a5019c", "bWJq")
    draft.claims.pop("exp")
    after = logout.spent_until + timedelta(seconds=1)
    with pytest.raises(SignInFailure):
        tokens.verify_logout_token(draft.token(), _keys(), now=after, **draft.expected)


def test_unknown_kid_and_wrong_signature_are_told_apart():
    for kid, known in (("rotated", False), ("main", True)):
        draft = drafts.id_draft()
        draft.header["kid"] = kid
        draft.signer = drafts.key("RSA", "other")
        with pytest.raises(SignatureFailure) as refusal:
            tokens.verify_id_token(
                draft.token(), _keys(), expected=tokens.Expected(**draft.expected), now=drafts.NOW
            )
        assert refusal.value.kid_known is known


def test_addressee_of_an_unverified_token_is_readable():
    draft = drafts.logout_draft()
    draft.claims["aud"] = ["a", "b"]
    assert tokens.read_addressee(draft.token()) == tokens.Addressee(drafts.ISSUER, ("a", "b"))
    draft.claims["iss"] = 7
    with pytest.raises(SignInFailure):
        tokens.read_addressee(draft.token())


def test_a_document_without_a_list_of_keys_is_no_key_set():
    for document in ({}, {"keys": {}}, {"keys": None}):
        with pytest.raises(SignInFailure):
            jwks.read_jwks(document)


USERINFO = {"sub": "00u1a2b3", "email": "ana@acme.example", "email_verified": True, "locale": "de"}


def test_userinfo_adds_what_the_id_token_lacks_and_changes_nothing():
    merged = tokens.with_userinfo(_verified(locale="en"), USERINFO | {"picture": "p"})
    assert (merged.all["locale"], merged.all["picture"]) == ("en", "p")


@pytest.mark.parametrize("sub", ["00u9", "", None, 7, "00U1A2B3"])
def test_userinfo_of_somebody_else_is_refused(sub):
    with pytest.raises(SignInFailure) as refusal:
        tokens.with_userinfo(_verified(), USERINFO | {"sub": sub})
    assert refusal.value.code is FailureCode.OIDC_FAILED


def test_userinfo_without_sub_is_refused():
    with pytest.raises(SignInFailure):
        tokens.with_userinfo(_verified(), {"email": "ana@acme.example"})


@pytest.mark.parametrize(
    ("signed", "userinfo", "verified"),
    [
        ({"email": "a@x.example"}, {"email": "b@x.example", "email_verified": True}, None),
        ({"email": "a@x.example"}, {"email_verified": True}, None),
        ({"email": "a@x.example"}, {"email": "a@x.example", "email_verified": True}, True),
        ({}, {"email": "a@x.example", "email_verified": True}, True),
        ({"email_verified": True}, {"email": "a@x.example", "email_verified": False}, False),
        ({"email_verified": False}, {"email": "a@x.example", "email_verified": True}, False),
        ({"email_verified": True}, {"email": "a@x.example"}, True),
    ],
)
def test_email_is_verified_only_by_the_source_that_names_it(signed, userinfo, verified):
    claims = tokens.VerifiedClaims(tokens.Claims(drafts.ISSUER, "00u1a2b3", all=signed))
    merged = tokens.with_userinfo(claims, {"sub": "00u1a2b3", **userinfo})
    assert merged.all.get("email_verified") is verified


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SOUND = drafts.id_draft()


def _outcome(raw):
    """Give True for verified, False for refused; anything else raised fails the test."""
    try:
        tokens.verify_id_token(
            raw, _keys(), expected=tokens.Expected(**SOUND.expected), now=drafts.NOW
        )
    except SignInFailure:
        return False
    return True


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=200, deadline=None)
def test_any_text_for_a_token_is_refused_and_nothing_worse(raw):
    assert not _outcome(raw)
    with pytest.raises(SignInFailure):
        tokens.read_addressee(raw)


@given(header=json_values, claims=json_values, signature=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_json_for_header_and_claims_is_refused_and_nothing_worse(header, claims, signature):
    import json

    parts = [json.dumps(part).encode("utf-8", "replace") for part in (header, claims)]
    assert not _outcome(".".join(drafts.b64(part) for part in [*parts, signature]))


@given(name=st.sampled_from([*sorted(SOUND.claims), "azp", "nbf", "sid"]), value=json_values)
@settings(max_examples=200, deadline=None)
def test_any_value_of_one_signed_claim_verifies_or_is_refused(name, value):
    draft = drafts.id_draft()
    draft.claims[name] = value
    accepted = _outcome(draft.token())
    if name in {"iss", "nonce"} and value != SOUND.claims[name]:
        assert not accepted


@given(entry=st.dictionaries(st.sampled_from(["kty", "n", "e", "crv", "x", "y"]), json_values))
@settings(max_examples=200, deadline=None)
def test_any_entry_of_a_key_set_is_a_key_or_left_out(entry):
    document = {"keys": [entry, drafts.public() | entry]}
    assert len(jwks.read_jwks(document).keys) <= 2

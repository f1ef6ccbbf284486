"""What the browser carries to the provider: everything that is ours, and nothing against it."""

import re
import timeit
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import FailureCode, SignInFailure
from portal.oidc import authorization
from portal.oidc.metadata import read_metadata
from tests.builders import make_client, make_connection

ISSUER = "https://idp.example"


def _metadata(**changes):
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "end_session_endpoint": f"{ISSUER}/logout",
        **changes,
    }
    return read_metadata(document, issuer=ISSUER, allow_local=False)


# RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def _url(client=None, connection=None, metadata=None, login_hint="ana@acme.example"):
    return authorization.authorization_url(
        metadata or _metadata(),
        client or make_client(),
        connection or make_connection(),
        state="the-state",
        nonce="the-nonce",
        code_verifier=VERIFIER,
        login_hint=login_hint,
    )


def _query(url):
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs), "a parameter stands twice"
    return dict(pairs)


def test_request_carries_just_what_it_must():
    url = _url(connection=make_connection(ssojet_connection="conn_acme"))
    assert url.startswith(f"{ISSUER}/authorize?")
    assert _query(url) == {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": "http://localhost:5000/auth/callback/acme",
        "scope": "openid profile email",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "login_hint": "ana@acme.example",
        "connection": "conn_acme",
    }


def test_connection_goes_by_the_name_that_the_client_says_or_not_at_all():
    connection = make_connection(ssojet_connection="conn_acme")
    named = _query(_url(make_client(connection_param="idp"), connection))
    assert named["idp"] == "conn_acme"
    assert "connection" not in named
    assert "conn_acme" not in _url(make_client(connection_param=""), connection)
    assert "connection" not in _query(_url())
    for ours in ("state", "nonce", "login_hint"):
        assert "conn_acme" not in _url(make_client(connection_param=ours), connection)


def test_further_parameters_are_added():
    extra = {"prompt": "login", "acr_values": "urn:mfa", "max_age": "300"}
    connection = make_connection(authorize_params=extra)
    assert extra.items() <= _query(_url(connection=connection)).items()


@pytest.mark.parametrize("name", sorted(authorization.RESERVED_PARAMS))
def test_further_parameters_never_change_what_is_ours(name):
    changed = _url(connection=make_connection(authorize_params={name: "evil"}))
    assert _query(changed) == _query(_url())


def test_query_of_the_endpoint_stays_but_nothing_stands_twice():
    endpoint = f"{ISSUER}/authorize?p=B2C_1&empty=&state=evil&st%61te=evil&client_id=evil"
    query = _query(_url(metadata=_metadata(authorization_endpoint=endpoint)))
    assert query["p"] == "B2C_1"
    assert query["empty"] == ""
    assert (query["state"], query["client_id"]) == ("the-state", "portal")


def test_openid_is_always_asked_for():
    assert _query(_url(make_client(scopes=("email",))))["scope"] == "openid email"
    assert _query(_url(make_client(scopes=())))["scope"] == "openid"


def test_no_hint_is_sent_where_there_is_none():
    assert "login_hint" not in _query(_url(login_hint=""))


@given(st.text(st.characters(codec="utf-8")).filter(bool))
def test_any_hint_arrives_as_it_is(hint):
    assert _query(_url(login_hint=hint))["login_hint"] == hint


def test_no_prompt_of_our_own_is_sent():
    assert "prompt" not in _query(_url())


def test_challenge_is_that_of_the_rfc():
    assert authorization.code_challenge(VERIFIER) == CHALLENGE


def test_verifier_and_nonce_are_fresh_and_long_enough():
    verifiers = {authorization.new_code_verifier() for _ in range(100)}
    nonces = {authorization.new_nonce() for _ in range(100)}
    assert len(verifiers) == len(nonces) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) for verifier in verifiers)
    assert all(re.fullmatch(r"[0-9a-f]{48}", nonce) for nonce in nonces)  # 192 bits


def test_request_is_made_in_a_moment():
    metadata, client = _metadata(), make_client()
    connection = make_connection(ssojet_connection="conn_acme", authorize_params={"a": "b"})
    seconds = min(timeit.repeat(lambda: _url(client, connection, metadata), number=200, repeat=5))
    assert seconds / 200 < 100e-6  # it is on the path of every sign-in


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"max_age": "300"}, 300),
        ({"max_age": "0"}, 0),
        ({}, None),
        ({"max_age": "soon"}, None),
        ({"max_age": "-1"}, None),
        ({"max_age": "３００"}, None),
        ({"max_age": "9" * 5000}, None),
    ],
)
def test_max_age_that_was_asked_for_is_known(asked, seconds):
    assert authorization.requested_max_age(make_connection(authorize_params=asked)) == seconds


@pytest.mark.parametrize(
    ("promised", "iss", "accepted"),
    [
        (True, ISSUER, True),
        (True, None, False),
        (True, "", False),
        (True, "https://evil.example", False),
        (True, ISSUER + "/", False),
        (False, None, True),
        (False, ISSUER, True),
        (False, "https://evil.example", False),
        (False, "", False),
    ],
)
def test_response_of_another_issuer_is_refused(promised, iss, accepted):  # RFC 9207, 2.4
    metadata = _metadata(authorization_response_iss_parameter_supported=promised)
    if accepted:
        authorization.check_response_issuer(metadata, iss)
        return
    with pytest.raises(SignInFailure) as failure:
        authorization.check_response_issuer(metadata, iss)
    assert failure.value.code is FailureCode.OIDC_FAILED


def _sign_out(metadata, **arguments):
    return authorization.end_session_url(
        metadata,
        make_client(),
        id_token="a.b.c",
        post_logout_redirect_uri="http://localhost:5000/auth/logged-out",
        **arguments,
    )


def test_sign_out_at_the_provider_says_who_and_where_to():
    assert _query(_sign_out(_metadata(), state="s")) == {
        "id_token_hint": "a.b.c",
        "client_id": "portal",
        "post_logout_redirect_uri": "http://localhost:5000/auth/logged-out",
        "state": "s",
    }
    assert "state" not in _query(_sign_out(_metadata()))


def test_query_of_the_sign_out_endpoint_stays():
    metadata = _metadata(end_session_endpoint=f"{ISSUER}/logout?p=B2C_1&client_id=evil")
    query = _query(_sign_out(metadata))
    assert (query["p"], query["client_id"]) == ("B2C_1", "portal")


def test_provider_without_sign_out_has_no_such_place():
    assert _sign_out(_metadata(end_session_endpoint=None)) is None

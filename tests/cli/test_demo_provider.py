"""The demo provider, truthful: a provider that keeps to the specifications, over HTTP."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from portal.cli.demo_provider import ProviderControl
from tests.cli.small_client import ANN, CALLBACK, SmallClient

KEY = RSAKey.generate_key(2048, {"kid": "client", "use": "sig", "alg": "RS256"})
ODD = "p+q: %&ü"
CONFIG = {
    "options": {"auto": True},
    "people": {
        ANN: {"name": "Ann Vo", "groups": ["staff"], "tenant_id": "t1"},
        "zoe@other.example": {"email_verified": False},
    },
    "clients": [
        {
            "client_id": "app",
            "client_secret": "s3cret",
            "auth_method": "client_secret_post",
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": ["https://app.example/bye"],
        },
        {"client_id": ODD, "client_secret": ODD, "redirect_uris": [CALLBACK]},
        {"client_id": "public", "auth_method": "none", "redirect_uris": [CALLBACK]},
        {
            "client_id": "signer",
            "auth_method": "private_key_jwt",
            "jwks": {"keys": [KEY.as_dict(private=False)]},
            "redirect_uris": [CALLBACK],
        },
        {
            "client_id": "framed",
            "client_secret": "s3cret",
            "auth_method": "client_secret_post",
            "redirect_uris": [CALLBACK],
            "frontchannel_logout_uri": "https://framed.example/out",
        },
    ],
}
CLIENTS = {
    "client_secret_post": {"client_id": "app"},
    "client_secret_basic": {"client_id": ODD, "secret": ODD},
    "private_key_jwt": {"client_id": "signer", "key": KEY},
    "none": {"client_id": "public"},
}


@pytest.fixture(scope="module")
def process() -> Iterator[ProviderControl]:
    with ProviderControl(CONFIG) as running:
        yield running


@pytest.fixture
def provider(process: ProviderControl) -> Iterator[ProviderControl]:
    process.forget()
    yield process
    process.set_options(auto=True, auto_as="", require_pkce=True, any_client=False)


@pytest.fixture
def app(provider: ProviderControl) -> Iterator[SmallClient]:
    with SmallClient(provider.issuer) as client:
        yield client


def test_each_issuer_has_its_own_metadata_and_its_own_key_under_the_same_kid(provider):
    found = []
    for issuer in provider.issuers:
        with SmallClient(issuer) as client:
            metadata = client.get("/.well-known/openid-configuration").json()
            assert metadata["issuer"] == issuer
            assert metadata["jwks_uri"] == f"{issuer}/jwks"
            assert metadata["authorization_response_iss_parameter_supported"] is True
            found.append(client.get("/jwks").json()["keys"][0])
    assert provider.issuers[1] == f"{provider.issuer}/oidc/tenant1"
    assert found[0]["kid"] == found[1]["kid"]
    assert found[0]["n"] != found[1]["n"]


@pytest.mark.parametrize("method", CLIENTS)
@pytest.mark.parametrize("path", ["", "/oidc/tenant1"])
def test_code_flow_gives_a_signed_id_token_to_each_kind_of_client(provider, method, path):
    with SmallClient(provider.issuer + path, method=method, **CLIENTS[method]) as client:
        answer = client.answer()
        tokens = client.exchange(answer["code"]).json()
        keys = KeySet.import_key_set(client.get("/jwks").json())
        token = jwt.decode(tokens["id_token"], keys)
        person = client.userinfo(tokens["access_token"]).json()
    assert (answer["state"], answer["iss"]) == ("the-state", client.issuer)
    assert tokens["token_type"] == "Bearer"
    assert token.header == {"alg": "RS256", "kid": "rs256-1", "typ": "JWT"}
    assert token.claims["iss"] == client.issuer
    assert token.claims["aud"] == client.client_id
    assert token.claims["nonce"] == "the-nonce"
    assert token.claims["iat"] < token.claims["exp"]
    assert {"sid", "at_hash", "auth_time", "acr"} <= token.claims.keys()
    assert person == {
        "sub": token.claims["sub"],
        "email": ANN,
        "email_verified": True,
        "name": "Ann Vo",
        "given_name": "Ann",
        "family_name": "Vo",
        "groups": ["staff"],
        "tenant_id": "t1",
    }
    assert person.items() <= token.claims.items()


def test_claims_are_only_those_of_the_scope(app):
    claims = app.userinfo(app.sign_in(scope="openid")["access_token"]).json()
    assert {"email", "email_verified", "name"}.isdisjoint(claims)
    assert claims["sub"].startswith("user-")


def test_a_code_is_good_once_and_its_second_use_revokes_the_token(app):
    code = app.answer()["code"]
    token = app.exchange(code).json()["access_token"]
    assert app.userinfo(token).status_code == 200
    again = app.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert app.userinfo(token).status_code == 401


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": ODD, "client_secret": ODD}, "invalid_client"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "https://app.example/callback"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_token_endpoint_refuses_what_is_not_the_clients(app, change, error):
    refused = app.exchange(app.answer()["code"], **change)
    assert refused.status_code in {400, 401}
    assert refused.json()["error"] == error


def test_of_eight_takers_of_a_code_one_wins(app):
    code = app.answer()["code"]
    with ThreadPoolExecutor(8) as takers:
        answers = list(takers.map(lambda _: app.exchange(code).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_another_client_cannot_spend_the_code(provider, app):
    with SmallClient(provider.issuer, client_id="public", method="none") as thief:
        thief.verifier = app.verifier
        stolen = thief.exchange(app.answer()["code"])
    assert stolen.json()["error"] == "invalid_grant"


def test_client_assertions_are_for_this_issuer_and_good_once(provider):
    method = "private_key_jwt"
    with SmallClient(provider.issuer, method=method, **CLIENTS[method]) as signer:
        assertion = signer.assertion()
        first = signer.exchange(signer.answer()["code"], client_assertion=assertion)
        again = signer.exchange(signer.answer()["code"], client_assertion=assertion)
        elsewhere = signer.assertion(aud="https://other.example/token")
        wrong = signer.exchange(signer.answer()["code"], client_assertion=elsewhere)
        signer.key = RSAKey.generate_key(2048)
        forged = signer.exchange(signer.answer()["code"])
    assert first.status_code == 200
    assert [r.json()["error"] for r in (again, wrong, forged)] == ["invalid_client"] * 3


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://app.example/callback"},
        {"redirect_uri": CALLBACK + "#x"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(app, change):
    answer = app.get("/authorize", params=app.asked(**change))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_wrong_request_is_answered_with_an_error_state_and_iss(app, change, error):
    answer = app.answer(**change)
    assert "code" not in answer
    assert answer["error"] == error
    assert (answer["state"], answer["iss"]) == ("the-state", app.issuer)


def test_pkce_may_be_left_out_where_it_is_optional(provider, app):
    provider.set_options(require_pkce=False)
    code = app.answer(code_challenge=None, code_challenge_method=None)["code"]
    assert app.exchange(code, code_verifier=None).status_code == 200


def test_prompt_none_answers_for_a_session_young_enough(app):
    app.sign_in()
    assert "code" in app.answer(prompt="none", login_hint=None)
    assert "code" in app.answer(prompt="none", max_age="3600", login_hint=None)
    assert app.answer(prompt="none", max_age="0")["error"] == "login_required"
    app.web.cookies.clear()
    assert app.answer(prompt="none")["error"] == "login_required"


def test_the_page_offers_people_of_the_hints_domain_first_and_needs_no_script(provider, app):
    provider.set_options(auto=False)
    hinted = app.asked(login_hint="new@other.example", connection="conn_okta")
    page = app.get("/authorize", params=hinted).text
    assert re.findall(r'name="person" value="([^"]+)"', page) == ["zoe@other.example", ANN]
    assert 'value="new@other.example"' in page
    assert "conn_okta" in page
    assert "Demo identity provider" in page
    assert "<script" not in page
    for field in re.findall(r'<input id="([^"]+)"', page):
        assert f'<label for="{field}"' in page


@pytest.mark.parametrize(
    ("form", "email", "name"),
    [
        ({"person": ANN}, ANN, "Ann Vo"),
        ({"email": "bo.li@new.example", "name": ""}, "bo.li@new.example", "Bo Li"),
        ({"email": "bo@new.example", "name": "Bo Q. Li"}, "bo@new.example", "Bo Q. Li"),
    ],
)
def test_one_picks_or_types_a_person_on_the_page(provider, app, form, email, name):
    provider.set_options(auto=False)
    sent = app.post("/authorize", params=app.asked(), data=form)
    code = dict(pair.split("=") for pair in sent.headers["Location"].split("&"))["code"]
    person = app.userinfo(app.exchange(code).json()["access_token"]).json()
    assert (person["email"], person["name"]) == (email, name)


def test_a_form_without_a_person_gets_the_page_again_with_a_word(provider, app):
    provider.set_options(auto=False)
    again = app.post("/authorize", params=app.asked(), data={"email": " "})
    assert again.status_code == 200
    assert 'role="alert"' in again.text


def test_deny_is_access_denied(app):
    sent = app.post("/authorize", params=app.asked(), data={"decision": "deny"})
    assert "error=access_denied" in sent.headers["Location"]
    assert "state=the-state" in sent.headers["Location"]


def test_auto_as_answers_as_somebody_whatever_the_hint(provider, app):
    provider.set_options(auto_as="zoe@other.example")
    person = app.userinfo(app.sign_in()["access_token"]).json()
    assert (person["email"], person["email_verified"]) == ("zoe@other.example", False)


def test_any_client_is_a_guest_only_where_that_is_asked_for(provider):
    with SmallClient(provider.issuer, client_id="stranger", secret="any") as guest:
        assert guest.get("/authorize", params=guest.asked()).status_code == 400
        provider.set_options(any_client=True)
        bye = {"post_logout_redirect_uri": "https://anywhere.example/"}
        sent = guest.get("/logout", params={"id_token_hint": guest.sign_in()["id_token"], **bye})
        assert sent.headers["Location"] == "https://anywhere.example/"


def test_userinfo_wants_a_bearer_token_of_its_own_issuer(provider, app):
    token = app.sign_in()["access_token"]
    assert app.get("/userinfo").status_code == 401
    assert app.userinfo("guessed").headers["WWW-Authenticate"].startswith("Bearer")
    with SmallClient(provider.issuers[1]) as other:
        assert other.userinfo(token).status_code == 401


def test_sign_out_goes_back_with_state_only_to_a_registered_address(app):
    hint = app.sign_in()["id_token"]
    bye = {"post_logout_redirect_uri": "https://app.example/bye", "state": "s"}
    sent = app.get("/logout", params={"id_token_hint": hint, **bye})
    assert sent.headers["Location"] == "https://app.example/bye?state=s"
    assert app.answer(prompt="none")["error"] == "login_required"
    elsewhere = {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"}
    assert app.get("/logout", params=elsewhere).status_code == 200
    assert app.get("/logout", params={"id_token_hint": hint[:-5], **bye}).status_code == 400


def test_sign_out_without_a_hint_asks_first_and_leads_nowhere(app):
    app.sign_in()
    bye = {"client_id": "app", "post_logout_redirect_uri": "https://app.example/bye"}
    asked = app.get("/logout", params=bye)
    assert "Sign out?" in asked.text
    assert ANN in asked.text
    done = app.post("/logout", params=bye)
    assert done.status_code == 200
    assert "Location" not in done.headers
    assert app.answer(prompt="none")["error"] == "login_required"


def test_a_hint_from_before_a_key_rotation_still_signs_out(provider, app):
    hint = app.sign_in()["id_token"]
    before = app.get("/jwks").json()["keys"][0]
    provider.rotate_keys()
    after = app.get("/jwks").json()["keys"][0]
    assert before["kid"] != after["kid"]
    assert before["n"] != after["n"]
    assert app.get("/logout", params={"id_token_hint": hint}).status_code == 200


def test_the_front_channel_of_the_sessions_other_clients_is_framed(provider, app):
    with SmallClient(provider.issuer, client_id="framed", web=app.web) as framed:
        app.sign_in()
        code = framed.answer(prompt="none")["code"]
        hint = framed.exchange(code).json()["id_token"]
        sid = jwt.decode(hint, KeySet.import_key_set(app.get("/jwks").json())).claims["sid"]
        bye = {"id_token_hint": app.sign_in(prompt="none")["id_token"]}
        bye |= {"post_logout_redirect_uri": "https://app.example/bye"}
        page = app.get("/logout", params=bye).text
    iss = provider.issuer.replace(":", "%3A").replace("/", "%2F")
    assert f'<iframe src="https://framed.example/out?iss={iss}&amp;sid={sid}"' in page
    assert 'content="2; url=https://app.example/bye"' in page

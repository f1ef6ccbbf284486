"""Metadata and keys: of exactly the issuer asked, kept by issuer, refused where unsound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import FailureCode, SignInFailure
from portal.core.jwks import ASYMMETRIC
from portal.oidc.metadata import discovery_url, read_metadata
from portal.oidc.provider import Providers
from tests.core.token_drafts import public
from tests.oidc.outcomes import failure_of
from tests.oidc.servers import answer, routes

ISSUER = "https://login.example/tenants/acme"
GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://keys.example/jwks",
    "userinfo_endpoint": "https://login.example/userinfo",
    "end_session_endpoint": "https://login.example/logout",
    "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
    "authorization_response_iss_parameter_supported": True,
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
    "backchannel_logout_supported": True,
    "response_types_supported": ["code"],
    "unknown_member": {"a": [1]},
}


def _read(*, allow_local=False, **changes):
    document = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return read_metadata(document, issuer=ISSUER, allow_local=allow_local)


def _refused(**changes):
    with pytest.raises(SignInFailure) as failure:
        _read(**changes)
    assert failure.value.code is FailureCode.OIDC_FAILED


def test_sound_metadata_is_read():
    metadata = _read()
    assert metadata.issuer == ISSUER
    assert metadata.jwks_uri == "https://keys.example/jwks"
    assert metadata.algorithms == {"RS256", "ES256"}
    assert metadata.promises_iss
    assert metadata.backchannel_logout
    assert not metadata.frontchannel_logout
    assert metadata.auth_methods == ("client_secret_basic", "private_key_jwt")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example",
        ISSUER + "/",
        ISSUER.upper(),
        ISSUER.replace("acme", "globex"),
        "http" + ISSUER[5:],
        7,
        None,
        [ISSUER],
        ...,
    ],
)
def test_metadata_of_another_issuer_is_refused(issuer):
    _refused(issuer=issuer)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "value",
    [
        ...,
        None,
        "",
        7,
        ["https://login.example/x"],
        "/relative",
        "http://login.example/x",
        "https://login.example/x#fragment",
        "https://user@login.example/x",
        "https://2130706433/x",
        "javascript:alert(1)",
    ],
)
def test_endpoint_that_is_missing_or_unsound_is_refused(name, value):
    _refused(**{name: value})


@pytest.mark.parametrize("name", ["userinfo_endpoint", "end_session_endpoint"])
def test_optional_endpoint_may_be_missing_but_not_unsound(name):
    assert getattr(_read(**{name: ...}), name) is None
    assert getattr(_read(**{name: None}), name) is None
    _refused(**{name: "http://login.example/x"})
    _refused(**{name: 7})


def test_http_endpoints_are_for_local_issuers_alone():
    assert _read(allow_local=True, token_endpoint="http://localhost:9000/token")


def test_wrong_type_in_what_is_relied_on_is_refused():
    _refused(authorization_response_iss_parameter_supported="yes")
    _refused(id_token_signing_alg_values_supported="RS256")
    _refused(id_token_signing_alg_values_supported=[7])


def test_wrong_type_in_what_nothing_depends_on_is_ignored():
    metadata = _read(
        token_endpoint_auth_methods_supported="basic",
        backchannel_logout_supported="yes",
        frontchannel_logout_supported=[],
        response_types_supported=7,
    )
    assert metadata.auth_methods == ()
    assert not metadata.backchannel_logout


def test_algorithms_are_those_of_both_sides_and_rs256_where_none_are_named():
    assert _read(id_token_signing_alg_values_supported=...).algorithms == {"RS256"}
    assert _read(id_token_signing_alg_values_supported=["none", "HS256"]).algorithms == set()
    everything = [*ASYMMETRIC, "none", "HS256", "ES256K"]
    assert _read(id_token_signing_alg_values_supported=everything).algorithms == ASYMMETRIC


@given(
    st.dictionaries(
        st.sampled_from(sorted(GOOD)),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_any_document_is_metadata_or_refused(changes):
    failure = failure_of(_read, **changes)
    assert failure is None or failure.code is FailureCode.OIDC_FAILED
    assert failure is not None or changes.get("issuer", ISSUER) == ISSUER


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/oidc/7", "https://a.example/oidc/7/.well-known/openid-configuration"),
        ("https://a.example/oidc/7/", "https://a.example/oidc/7/.well-known/openid-configuration"),
    ],
)
def test_metadata_is_published_below_the_issuer(issuer, url):
    assert discovery_url(issuer, allow_local=False) == url


@pytest.mark.parametrize("issuer", ["https://a.example?x=1", "http://a.example", "a.example", ""])
def test_issuer_that_is_no_sound_url_is_refused(issuer):
    with pytest.raises(SignInFailure):
        discovery_url(issuer, allow_local=False)


class Site:
    """Several issuers on one server, each with a path of its own."""

    def __init__(self, serve):
        self.server = serve(routes(self._answer))
        self.url = self.server.url
        self.keys = {}
        self.down = False

    def _answer(self, asked):
        if self.down:
            return answer(status="503 Down")
        issuer, _, place = asked.path[1:].partition("/")
        if place == "jwks":
            return answer({"keys": self.keys[issuer]}, kind="application/jwk-set+json")
        base = f"{self.url}/{issuer}"
        endpoints = {
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks",
        }
        return answer({"issuer": base, **endpoints})

    def count(self, path):
        return sum(asked.path == path for asked in self.server.asked)


@pytest.fixture
def site(serve):
    return Site(serve)


@pytest.fixture
def providers(door, clock):
    return Providers(door, clock, most=3)


def test_keys_are_kept_by_issuer_and_never_by_kid_alone(site, providers):
    site.keys = {"one": [public("RSA", "one")], "two": [public("RSA", "two")]}
    one, two = (providers.keys(f"{site.url}/{name}") for name in ("one", "two"))
    assert one.keys[0].kid == two.keys[0].kid == "main"
    assert one.keys[0].public.as_dict() != two.keys[0].public.as_dict()


def test_metadata_and_keys_are_asked_for_once(site, providers):
    site.keys = {"one": [public()]}
    for _ in range(5):
        providers.metadata(f"{site.url}/one")
        providers.keys(f"{site.url}/one")
    assert len(site.server.asked) == 2


def test_flood_of_unknown_kids_is_one_request(site, providers):
    site.keys = {"one": [public()]}
    issuer = f"{site.url}/one"
    for _ in range(50):
        providers.renewed_keys(issuer, providers.keys(issuer), kid_known=False, asker="sign-in")
    assert site.count("/one/jwks") == 2


def test_old_keys_serve_while_the_provider_is_down(site, providers, clock):
    site.keys = {"one": [public()]}
    issuer = f"{site.url}/one"
    keys, metadata = providers.keys(issuer), providers.metadata(issuer)
    site.down = True
    clock.advance(3600)
    assert providers.keys(issuer) is keys
    assert providers.metadata(issuer) is metadata
    clock.advance(24 * 3600)
    with pytest.raises(SignInFailure) as failure:
        providers.keys(issuer)
    assert failure.value.code is FailureCode.PROVIDER_UNAVAILABLE


def test_number_of_issuers_kept_is_bounded_and_the_busy_ones_stay(site, providers):
    for name in ("a", "b", "c", "a", "d", "a", "e", "a"):
        providers.metadata(f"{site.url}/{name}")
    assert site.count("/a/.well-known/openid-configuration") == 1
    providers.metadata(f"{site.url}/b")
    assert site.count("/b/.well-known/openid-configuration") == 2

"""Each lie of the table changes what it says it changes, and nothing else."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from portal.cli.demo_provider import LIES, ProviderControl, Stage, Verdict
from portal.cli.demo_provider.keyring import encoded
from tests.cli.small_client import ANN, CALLBACK, SmallClient, pairs_of

DELAY = 0.3
TIMES = {"iat", "exp", "nbf", "auth_time", "session_expiry"}
SHOWN_IN = {
    Stage.METADATA: {"metadata"},
    Stage.METADATA_ANSWER: {"metadata"},
    Stage.JWKS: {"jwks"},
    Stage.JWKS_ANSWER: {"jwks"},
    Stage.AUTHORIZATION: {"authorization"},
    Stage.TOKEN: {"token"},
    Stage.TOKEN_ANSWER: {"token"},
    Stage.ID_TOKEN: {"id_token"},
    Stage.PROFILE: {"id_token", "userinfo"},
    Stage.USERINFO: {"userinfo"},
    Stage.USERINFO_ANSWER: {"userinfo"},
    Stage.LOGOUT_TOKEN: {"logout_token"},
}
AFTER = {"authorization": {"token", "id_token", "userinfo"}, "token": {"id_token", "userinfo"}}


@pytest.fixture(scope="module")
def process() -> Iterator[ProviderControl]:
    config = {
        "options": {"auto": True, "delay": DELAY, "huge_bytes": 100_000},
        "people": {ANN: {"groups": ["staff"], "tenant_id": "t1"}},
        "clients": [
            {
                "client_id": "app",
                "client_secret": "s3cret",
                "auth_method": "client_secret_post",
                "redirect_uris": [CALLBACK],
            }
        ],
    }
    with ProviderControl(config) as running:
        yield running


@pytest.fixture
def provider(process: ProviderControl) -> ProviderControl:
    process.forget()
    return process


@pytest.fixture
def app(provider: ProviderControl) -> Iterator[SmallClient]:
    with SmallClient(provider.issuer) as client:
        yield client


class Seen:
    """All that a client sees in one sign-in, without what differs by chance."""

    def __init__(self, provider: ProviderControl, client: SmallClient, true_keys: Any) -> None:
        self._client = client
        self._keys = KeySet.import_key_set(true_keys)
        self.slow: set[str] = set()
        self.views: dict[str, Any] = {
            "metadata": self._answer("metadata", "/.well-known/openid-configuration"),
            "jwks": self._answer("jwks", "/jwks"),
        }
        pairs = pairs_of(client.get("/authorize", params=client.asked()))
        self.views["authorization"] = [
            (name, "<code>" if name == "code" and len(value) == 48 else value)
            for name, value in pairs
        ]
        if code := dict(pairs).get("code"):
            self._exchange(code)
        token = provider.logout_token("app", email=ANN, sid="s1")
        self.views["logout_token"] = self._token(token, "")

    def _exchange(self, code: str) -> None:
        said = self._timed("token", lambda: self._client.exchange(code))
        if not isinstance(said, requests.Response):
            self.views["token"] = said
            return
        try:
            tokens = dict(said.json())
        except (ValueError, RecursionError):
            tokens = {}
        text = said.text
        access, signed = tokens.get("access_token"), tokens.get("id_token")
        if isinstance(access, str):
            text = text.replace(access, "<access>")
            headers = {"Authorization": f"Bearer {access}"}
            self.views["userinfo"] = self._answer("userinfo", "/userinfo", headers=headers)
        if isinstance(signed, str) and signed.startswith("eyJ") and signed.count(".") < 4:
            text = text.replace(signed, "<id token>")
            self.views["id_token"] = self._token(signed, str(access))
        self.views["token"] = (said.status_code, said.headers["Content-Type"], text)

    def _timed(self, view: str, ask: Any) -> Any:
        """The answer, or the name of the fault; `slow` where it took the whole delay."""
        begun = time.monotonic()
        try:
            return ask()
        except requests.RequestException as error:
            return type(error).__name__
        finally:
            if time.monotonic() - begun >= DELAY:
                self.slow.add(view)

    def _answer(self, view: str, path: str, **options: Any) -> Any:
        said = self._timed(view, lambda: self._client.get(path, **options))
        if isinstance(said, str):
            return said
        return (said.status_code, said.headers["Content-Type"], said.content)

    def _token(self, token: str, access_token: str) -> Any:
        head, body, *rest = token.split(".")
        try:
            claims = json.loads(decoded(body), object_pairs_hook=list)
            claims = [(name, self._claim(name, value, access_token)) for name, value in claims]
        except (ValueError, RecursionError):
            claims = decoded(body)[:200]
        return json.loads(decoded(head)), claims, self.signature(token), len(rest)

    def _claim(self, name: str, value: Any, access_token: str) -> Any:
        if name in TIMES and isinstance(value, int):
            return f"in {round((value - time.time()) / 30) * 30} s"
        if name in {"sid", "jti"} and isinstance(value, str) and len(value) > 8:
            return "<chance>"
        if name == "at_hash":
            half = hashlib.sha256(access_token.encode()).digest()[:16]
            return "right" if value == encoded(half) else "wrong"
        return value

    def signature(self, token: str) -> str:
        """Who signed it."""
        signed, _, signature = token.rpartition(".")
        if not signature:
            return "nobody"
        for name, secret in {
            "the client secret": b"s3cret",
            "the known secret": b"known" * 8,
            "the public key": next(iter(self._keys)).as_pem(private=False),
        }.items():
            if encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest()) == signature:
                return name
        algorithm = jws.JWSRegistry(algorithms=["RS256"]).get_alg("RS256")
        raw = decoded(signature)
        if any(algorithm.verify(signed.encode(), raw, key) for key in self._keys):
            return "the issuer"
        return "somebody"


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


TRUTHS: dict[str, Seen] = {}


def truth(provider: ProviderControl, client: SmallClient) -> tuple[Seen, Any]:
    """What is seen without lies, and the true keys; told keys may have been rotated since."""
    keys = client.get("/jwks").json()
    known = json.dumps(keys)
    if known not in TRUTHS:
        TRUTHS[known] = Seen(provider, client, keys)
    return TRUTHS[known], keys


def test_two_truthful_sign_ins_look_the_same(provider, app):
    first, keys = truth(provider, app)
    assert first.views == Seen(provider, app, keys).views
    assert first.views["id_token"][2] == "the issuer"
    assert first.views.keys() == set().union(*SHOWN_IN.values())


@pytest.mark.parametrize("name", LIES)
def test_each_lie_shows_where_it_is_told_and_nowhere_else(provider, app, name):
    true, keys = truth(provider, app)
    provider.lie(name)
    told = Seen(provider, app, keys)
    hooked = set().union(*(SHOWN_IN[stage] for stage in LIES[name].hooks))
    for view in hooked:
        assert told.views[view] != true.views[view] or view in told.slow
    later = set().union(*(AFTER.get(view, set()) for view in hooked))
    if name == "key_rotated":
        later.add("logout_token")  # the fresh key signs whatever comes after
    for view in true.views.keys() - hooked - later:
        assert told.views[view] == true.views[view]


@pytest.mark.parametrize("name", LIES)
def test_each_lie_says_what_it_does_and_which_rule_it_breaks(name):
    lie = LIES[name]
    assert lie.does
    assert not lie.does.endswith(".")
    assert any(character.isdigit() for character in lie.rule) or "Discovery" in lie.rule
    assert lie.verdict in Verdict
    assert lie.hooks


@pytest.mark.parametrize(
    ("name", "algorithm", "signer"),
    [
        ("alg_none", "none", "nobody"),
        ("alg_none_odd_case", "nOnE", "nobody"),
        ("signature_missing", "RS256", "nobody"),
        ("alg_hs256_secret", "HS256", "the client secret"),
        ("alg_hs256_public_key", "HS256", "the public key"),
        ("jwks_secret_key", "HS256", "the known secret"),
        ("signature_flipped", "RS256", "somebody"),
        ("wrong_key_same_kid", "RS256", "somebody"),
        ("jwk_header", "RS256", "somebody"),
        ("jku_header", "RS256", "somebody"),
        ("kid_unknown", "RS256", "the issuer"),
        ("kid_missing", "RS256", "the issuer"),
        ("private_header", "RS256", "the issuer"),
        ("crit_header", "RS256", "the issuer"),
        ("sub_duplicate", "RS256", "the issuer"),
        ("iss_wrong", "RS256", "the issuer"),
    ],
)
def test_a_lying_token_is_signed_by_whom_the_lie_says(provider, app, name, algorithm, signer):
    _, keys = truth(provider, app)
    provider.lie(name)
    header, _claims, signed_by, _ = Seen(provider, app, keys).views["id_token"]
    assert (header.get("alg"), signed_by) == (algorithm, signer)


def test_a_forged_header_leads_to_a_key_that_would_verify(provider, app):
    """Whoever follows `jku` is fooled, and the report shows that the address was asked."""
    provider.lie("jku_header")
    token = app.sign_in()["id_token"]
    header = json.loads(decoded(token.split(".")[0]))
    assert header["jku"].startswith(app.issuer)
    keys = app.get(header["jku"].removeprefix(app.issuer)).json()
    with pytest.raises(JoseError):
        jws.deserialize_compact(token, KeySet.import_key_set(app.get("/jwks").json()))
    unaware = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    assert jws.deserialize_compact(
        token, RSAKey.import_key(keys["keys"][0]), registry=unaware
    ).payload
    assert provider.count("stranger/jku") == 1


def test_whoever_follows_a_redirect_is_told_the_truth_and_counted(provider, app):
    provider.lie("jwks_redirect")
    sent = app.get("/jwks")
    assert sent.status_code == 307
    followed = app.get(sent.headers["Location"].removeprefix(app.issuer))
    assert followed.json()["keys"]
    assert provider.count("jwks/followed") == 1


def test_a_dripping_answer_is_right_in_the_end_and_late(provider, app):
    provider.lie("token_drip")
    begun = time.monotonic()
    answer = app.exchange(app.answer()["code"])
    assert time.monotonic() - begun >= DELAY * 0.6
    assert answer.text.startswith(" ")
    assert answer.json()["id_token"]


def test_duplicate_members_put_the_lie_first_and_the_truth_last(provider, app):
    provider.lie("email_duplicate")
    claims = json.loads(decoded(app.sign_in()["id_token"].split(".")[1]), object_pairs_hook=list)
    said = [value for name, value in claims if name == "email"]
    assert said == ["root@evil.example.invalid", ANN]

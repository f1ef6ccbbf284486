"""The demo provider's strings: what it reports, whom it lies to, how it starts and ends."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from portal.cli.demo_provider import Client, DemoProvider, Options, Person, ProviderControl
from portal.cli.demo_provider.keyring import Algorithms
from tests.cli.small_client import ANN, CALLBACK, SmallClient

MODULE = [sys.executable, "-m", "portal.cli.demo_provider"]


def registered(client_id: str, **more: str) -> Client:
    return Client(
        client_id=client_id,
        client_secret="s3cret",
        auth_method="client_secret_post",
        redirect_uris=(CALLBACK,),
        **more,
    )


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    clients = [registered("app"), registered("two")]
    options = Options(auto=True)
    with DemoProvider([Person(ANN)], clients, options=options, control_token="t0ken") as running:
        yield running


@pytest.fixture
def app(provider: DemoProvider) -> Iterator[SmallClient]:
    with SmallClient(provider.issuer) as client:
        yield client


@pytest.fixture
def back_channel() -> Iterator[tuple[str, list[str]]]:
    """The address of a client that takes logout tokens, and those that came."""
    tokens: list[str] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            tokens.append(parse_qs(body)["logout_token"][0])
            self.send_response(400 if len(tokens) > 1 else 200)
            self.end_headers()
            self.wfile.write(b"taken")

        def log_message(self, *_words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/backchannel", tokens
        server.shutdown()
        thread.join()


def test_the_report_counts_requests_and_shows_what_the_client_sent(provider, app):
    app.get("/.well-known/openid-configuration")
    app.get("/.well-known/openid-configuration", headers={"User-Agent": "me/1"})
    app.exchange(app.answer(connection="conn_okta")["code"])
    with SmallClient(provider.issuers[1]) as other:
        other.get("/jwks")
    assert (provider.count("metadata"), provider.count("token")) == (2, 1)
    assert provider.report()["counts_by_issuer"][provider.issuers[1]] == {"jwks": 1}
    assert provider.last("metadata")["headers"]["User-Agent"] == "me/1"
    assert provider.last("authorize")["query"]["connection"] == "conn_okta"
    assert provider.last("token")["form"]["client_id"] == "app"
    provider.forget()
    assert provider.count("metadata") == 0


def test_a_lie_is_told_to_one_client_at_one_issuer_or_everywhere(provider):
    def states(**scope: str) -> list[str | None]:
        provider.forget()
        provider.lie("answer_state_missing", **scope)
        answers = []
        for issuer in provider.issuers:
            for name in ("app", "two"):
                with SmallClient(issuer, client_id=name) as client:
                    answers.append(client.answer().get("state"))
        return answers

    told = "the-state"
    assert states() == [None] * 4
    assert states(client_id="two") == [told, None, told, None]
    assert states(issuer_path="/") == [None, None, told, told]
    assert states(issuer_path="/oidc/tenant1") == [told, told, None, None]


def test_lies_can_be_told_together_and_taken_back(provider, app):
    provider.lie("answer_state_wrong", "answer_iss_missing")
    answer = app.answer()
    assert answer["state"] != "the-state"
    assert "iss" not in answer
    provider.lie()
    assert app.answer()["state"] == "the-state"


@pytest.mark.parametrize(
    ("orders", "word"),
    [
        ({"dance": True}, "dance"),
        ({"lies": {"*": ["no_such_lie"]}}, "no_such_lie"),
        ({"options": {"no_such_option": 1}}, "no_such_option"),
        ({"options": {"issuer_paths": [""]}}, "issuer_paths"),
        ({"clients": [{"client_id": "x", "colour": "red"}]}, "colour"),
        ({"rotate": "/nowhere"}, "/nowhere"),
        ({"backchannel": {"client_id": "nobody"}}, "nobody"),
    ],
)
def test_a_wrong_order_is_refused_by_name(provider, orders, word):
    with pytest.raises(ValueError, match=word):
        provider.order(orders)


def test_control_does_not_exist_for_whoever_lacks_the_token(provider):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dDp0"}):
        url = f"{provider.issuer}/_control"
        assert requests.get(url, headers=headers, timeout=5).status_code == 404
        assert requests.post(url, json={}, headers=headers, timeout=5).status_code == 404
    with DemoProvider() as closed:
        headers = {"Authorization": "Bearer "}
        url = f"{closed.issuer}/_control"
        assert requests.get(url, headers=headers, timeout=5).status_code == 404


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_id_tokens_are_signed_with_the_algorithm_that_the_client_registered(algorithm):
    client = registered("app", id_token_alg=algorithm)
    options = Options(auto=True, algorithms=("RS256", "PS256", "ES256", "EdDSA"))
    with (
        DemoProvider([Person(ANN)], [client], options=options) as provider,
        SmallClient(provider.issuer) as app,
    ):
        keys = KeySet.import_key_set(app.get("/jwks").json())
        token = jwt.decode(app.sign_in()["id_token"], keys, registry=Algorithms())
    assert token.claims["email"] == ANN


def test_clients_and_people_may_come_later(provider):
    provider.add_person("new@acme.example", name="New One")
    provider.add_client(
        client_id="later",
        client_secret="s3cret",
        auth_method="client_secret_post",
        redirect_uris=[CALLBACK],
    )
    with SmallClient(provider.issuer, client_id="later") as later:
        token = later.sign_in(login_hint="NEW@acme.example")["access_token"]
        assert later.userinfo(token).json()["name"] == "New One"


def test_a_logout_token_is_sent_and_can_be_replayed(provider, back_channel):
    address, tokens = back_channel
    client = {"client_id": "app", "backchannel_logout_uri": address}
    provider.add_client(**client)
    sent = provider.send_logout("app", email=ANN, sid="s1")
    assert (sent["status"], sent["body"], sent["logout_token"]) == (200, "taken", tokens[0])
    again = provider.send_logout("app", token=sent["logout_token"])
    assert (again["status"], tokens[1]) == (400, tokens[0])
    assert provider.logout_token("app", sid="s1") not in tokens


def test_sign_out_tells_the_back_channels_of_the_sessions_other_clients(
    provider, app, back_channel
):
    address, tokens = back_channel
    for name in ("app", "two"):
        provider.add_client(
            client_id=name,
            client_secret="s3cret",
            auth_method="client_secret_post",
            redirect_uris=[CALLBACK],
            backchannel_logout_uri=address,
        )
    hint = app.sign_in()["id_token"]
    with SmallClient(provider.issuer, client_id="two", web=app.web) as two:
        two.sign_in(prompt="none")
        assert app.get("/logout", params={"id_token_hint": hint}).status_code == 200
    assert len(tokens) == 1


def test_a_stop_does_not_wait_for_slow_answers(provider, app):
    provider.lie("jwks_slow")
    begun = time.monotonic()
    asking = threading.Thread(target=lambda: app.get("/jwks"))
    asking.start()
    while provider.count("jwks") == 0:
        time.sleep(0.01)
    provider.stop()
    asking.join()
    assert time.monotonic() - begun < 5


def test_the_process_speaks_the_same_words_and_ends_with_its_input():
    running = ProviderControl({"people": {ANN: {}}}).start()
    running.lie("metadata_issuer_other")
    with SmallClient(running.issuer) as client:
        metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == "https://evil.example.invalid"
    assert running.count("metadata") == 1
    with pytest.raises(ValueError, match="no_such_lie"):
        running.lie("no_such_lie")
    process = running._process
    process.stdin.close()
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_the_process_ends_on_sigterm():
    with subprocess.Popen(MODULE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert json.loads(process.stdout.readline())["issuer"].startswith("http://127.0.0.1:")
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_taken_port_and_a_wrong_setting_are_one_line_each(provider):
    port = provider.issuer.rpartition(":")[2]
    taken = subprocess.run(
        [*MODULE, "--port", port], capture_output=True, text=True, check=False, timeout=20
    )
    assert taken.returncode == 1
    assert taken.stderr.count("\n") == 1
    assert "Address already in use" in taken.stderr
    wrong = subprocess.run(
        [*MODULE, "--config", "-"],
        input='{"colour": 1}\n',
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert wrong.returncode == 1
    assert "colour" in wrong.stderr


def test_the_provider_is_a_stranger_to_the_portal():
    looking = (
        "import sys, portal.cli.demo_provider, portal.cli.demo_provider.__main__\n"
        "print(*(m for m in sys.modules if m.split('.')[0] in ('portal', 'admin')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", looking],
        capture_output=True,
        text=True,
        check=True,
    )
    strangers = [
        name
        for name in loaded.stdout.split()
        if name not in {"portal", "portal.cli"} and "demo_provider" not in name
    ]
    assert strangers == []

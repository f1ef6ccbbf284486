"""An OpenID provider of a few lines, and the steps of a sign-in against it."""

import pytest

from portal.core.errors import FailureCode, SignInFailure
from tests.core.token_drafts import ACCESS_TOKEN, CODE, NONCE, id_draft, key, public
from tests.oidc.servers import answer, routes

UNAVAILABLE, WRONG = FailureCode.PROVIDER_UNAVAILABLE, FailureCode.OIDC_FAILED
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
PLANTED = "planted-secret"


class SmallProvider:
    """Answers as a sound provider does; each test bends what it needs."""

    def __init__(self, serve):
        self.server = serve(routes(self._answer))
        self.url = self.server.url
        self.keys = [public()]
        self.signer = key("RSA")
        self.kid = "main"
        self.metadata = {}
        self.token_answer = None
        self.userinfo_answer = None
        self.keys_answer = None

    def _answer(self, asked):
        match asked.path:
            case "/.well-known/openid-configuration":
                return answer(self._document())
            case "/jwks":
                return self.keys_answer or answer({"keys": self.keys})
            case "/token":
                return self.token_answer or answer(self.tokens())
            case "/userinfo":
                return self.userinfo_answer or answer({"sub": "00u1a2b3", "name": "Ana"})
        return answer(status="404 Not Found")

    def _document(self):
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
            "userinfo_endpoint": "userinfo",
        }
        endpoints = {name: f"{self.url}/{path}" for name, path in names.items()}
        document = {"issuer": self.url, **endpoints, **self.metadata}
        return {name: value for name, value in document.items() if value is not None}

    def signed(self, draft, **claims):
        draft.claims.update({"iss": self.url, **claims})
        draft.header["kid"] = self.kid
        draft.signer = self.signer
        return draft.token()

    def tokens(self, **changes):
        return {
            "token_type": "Bearer",
            "access_token": ACCESS_TOKEN,
            "expires_in": 3600,
            "id_token": self.signed(id_draft()),
            **changes,
        }

    def asked(self, path):
        return [asked for asked in self.server.asked if asked.path == path]


def exchange(party, client):
    return party.exchange(client, code=CODE, code_verifier=VERIFIER)


def identify(party, client, tokens=None, **arguments):
    return party.identify(client, tokens or exchange(party, client), nonce=NONCE, **arguments)


def fails(code, action, *arguments, **named):
    with pytest.raises(SignInFailure) as failure:
        action(*arguments, **named)
    assert failure.value.code is code, failure.value
    for secret in (PLANTED, CODE, VERIFIER, ACCESS_TOKEN, NONCE):
        assert secret not in repr(failure.value)
    return failure.value

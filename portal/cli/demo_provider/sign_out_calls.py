"""What the provider tells clients when a session ends: back channel and front channel."""

import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlencode

from portal.cli.demo_provider.keyring import Draft
from portal.cli.demo_provider.ledger import Realm, Stand, Visit
from portal.cli.demo_provider.lying import Stage
from portal.cli.demo_provider.participants import Client

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LIFETIME = 120
_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What a client answered to a logout token; status 0 is no answer at all."""

    status: int
    body: str


def logout_token(stand: Stand, realm: Realm, client: Client, *, sub: str, sid: str) -> str:
    """A signed logout token, after the lies that are on (Back-Channel Logout 1.0, 2.4)."""
    now = int(time.time())
    key = realm.keys.key(client.id_token_alg)
    claims = {
        "iss": stand.issuer(realm),
        "aud": client.client_id,
        "iat": now,
        "exp": now + _LIFETIME,
        "jti": secrets.token_urlsafe(16),
        "events": {_EVENT: {}},
        **({"sub": sub} if sub else {}),
        **({"sid": sid} if sid else {}),
    }
    draft = Draft({"alg": client.id_token_alg, "kid": key.kid, "typ": "logout+jwt"}, claims, key)
    told: Draft = stand.tell(Stage.LOGOUT_TOKEN, draft, realm, client)
    return told.compact()


def send_logout_token(client: Client, token: str) -> Told:
    """What the client's back channel answers to the token (Back-Channel Logout 1.0, 2.5)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    body = urlencode({"logout_token": token}).encode()
    try:
        with opener.open(client.backchannel_logout_uri, data=body, timeout=_SECONDS) as answer:
            return Told(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as refused:
        with refused:
            return Told(refused.code, refused.read().decode(errors="replace"))
    except OSError as error:
        return Told(0, str(error))


def tell_back_channels(stand: Stand, realm: Realm, visit: Visit, *, but: str) -> None:
    """Send each client of the session its logout token; not the client that asked for it."""
    for client in _clients_of(stand, visit, but=but):
        if client.backchannel_logout_uri:
            token = logout_token(stand, realm, client, sub=visit.person.sub, sid=visit.sid)
            send_logout_token(client, token)


def front_channels(stand: Stand, realm: Realm, visit: Visit, *, but: str) -> list[str]:
    """The addresses to load in frames (Front-Channel Logout 1.0, 2)."""
    query = urlencode({"iss": stand.issuer(realm), "sid": visit.sid})
    return [
        f"{client.frontchannel_logout_uri}?{query}"
        for client in _clients_of(stand, visit, but=but)
        if client.frontchannel_logout_uri
    ]


def _clients_of(stand: Stand, visit: Visit, *, but: str) -> list[Client]:
    known = (stand.client(client_id) for client_id in sorted(visit.client_ids - {but}))
    return [client for client in known if client]

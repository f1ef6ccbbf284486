"""What the provider remembers: per issuer its codes, tokens and sessions; in all, its stand."""

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oidc.core import AuthorizationCodeMixin
from flask import Request

from portal.cli.demo_provider.keyring import KeyRing
from portal.cli.demo_provider.lies import LIES
from portal.cli.demo_provider.lying import Scene, Stage
from portal.cli.demo_provider.participants import Client, Options, Person

EVERYBODY = "*"
_REMEMBERED = 500


@dataclass(slots=True)
class Visit:
    """Somebody's session at one issuer, in one browser."""

    person: Person
    sid: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    auth_time: int = field(default_factory=lambda: int(time.time()))
    client_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class IssuedCode(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """An authorization code and what it was given for."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str | None
    code_challenge_method: str | None
    visit: Visit

    def get_redirect_uri(self) -> str:
        """The redirect URI that the token request must repeat."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was granted."""
        return self.scope

    def get_nonce(self) -> str:
        """The nonce that the ID token must carry."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the person signed in at the provider."""
        return self.visit.auth_time

    def get_acr(self) -> str:
        """How sure the provider is: not at all."""
        return "urn:demo:no-proof"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token opens."""

    client_id: str
    scope: str
    visit: Visit
    code: str


class Realm:
    """One issuer of the stand."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.keys = KeyRing()
        self.visits: dict[str, Visit] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.assertion_ids: set[str] = set()
        self._codes: dict[str, IssuedCode] = {}
        self._lock = threading.Lock()

    def keep_code(self, issued: IssuedCode) -> None:
        """Remember a code until it is taken."""
        with self._lock:
            self._codes[issued.code] = issued

    def take_code(self, code: str, client_id: str) -> IssuedCode | None:
        """The code, once; at a second try it revokes what it gave (RFC 6749 4.1.2)."""
        with self._lock:
            issued = self._codes.pop(code, None)
            if issued is None:
                self.tokens = {k: v for k, v in self.tokens.items() if v.code != code}
        return issued if issued and issued.client_id == client_id else None

    def first_use(self, assertion_id: str) -> bool:
        """Whether this client assertion is new (RFC 7523 3, 7)."""
        with self._lock:
            if assertion_id in self.assertion_ids:
                return False
            self.assertion_ids.add(assertion_id)
            return True


class Stand:
    """The whole provider: its issuers, people and clients, the lies that are on, what it saw."""

    def __init__(
        self,
        *,
        options: Options,
        people: Iterable[Person],
        clients: Iterable[Client],
        control_token: str = "",
    ) -> None:
        self.options = options
        self.people = {person.email.lower(): person for person in people}
        self.clients = {client.client_id: client for client in clients}
        self.control_token = control_token
        self.origin = ""
        self.stopping = threading.Event()
        self.realms = {path: Realm(path) for path in options.issuer_paths}
        self.lies: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._requests: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def issuer(self, realm: Realm) -> str:
        """The issuer identifier of a realm."""
        return self.origin + realm.path

    def client(self, client_id: str | None) -> Client | None:
        """The registered client, or a guest where any client is welcome."""
        if not client_id:
            return None
        known = self.clients.get(client_id)
        if known is None and self.options.any_client:
            return Client(client_id=client_id, guest=True)
        return known

    def person(self, email: str) -> Person | None:
        """The person of this address, whatever its case."""
        return self.people.get(email.strip().lower())

    def switch(self, scope: str, names: Iterable[str]) -> None:
        """Tell these lies, and no others, in this scope.

        A scope is a client identifier, an issuer's path with a slash in front, or `*` for all.
        KeyError names a lie that does not exist.
        """
        self.lies = {**self.lies, scope: tuple(name for name in names if LIES[name])}

    def tell(self, stage: Stage, artefact: Any, realm: Realm, client: Client | None) -> Any:
        """The artefact after every lie that is on at this stage, for this issuer and client."""
        scene = Scene(self.issuer(realm), realm.keys, client, self.options, self.stopping)
        scopes = [EVERYBODY, realm.path or "/", client.client_id if client else ""]
        for name in (name for scope in scopes for name in self.lies.get(scope, ())):
            if hook := LIES[name].hooks.get(stage):
                artefact = hook(artefact, scene)
        return artefact

    def note(self, realm: Realm, endpoint: str, request: Request) -> None:
        """Count a request and keep what it brought, secrets and all: tests look at them."""
        seen = {
            "endpoint": endpoint,
            "issuer": self.issuer(realm),
            "method": request.method,
            "query": [list(pair) for pair in request.args.items(multi=True)],
            "form": [list(pair) for pair in request.form.items(multi=True)],
            "headers": dict(request.headers.items()),
            "at": time.time(),
        }
        with self._lock:
            self._counts[realm.path, endpoint] += 1
            self._requests.append(seen)

    def forget(self) -> None:
        """Tell the truth again, and begin to count anew."""
        with self._lock:
            self.lies = {}
            self._counts.clear()
            self._requests.clear()

    def report(self) -> Mapping[str, Any]:
        """What was seen so far, as JSON values."""
        with self._lock:
            counts: Counter[str] = Counter()
            by_issuer: dict[str, dict[str, int]] = {}
            for (path, endpoint), number in self._counts.items():
                counts[endpoint] += number
                by_issuer.setdefault(self.origin + path, {})[endpoint] = number
            requests = list(self._requests)
        return {
            "counts": dict(counts),
            "counts_by_issuer": by_issuer,
            "last": {seen["endpoint"]: seen for seen in requests},
            "requests": requests,
            "lies": {scope: list(names) for scope, names in self.lies.items() if names},
        }

"""What one may ask of a running provider: lies, people, keys, and what it has seen.

The same words reach a provider in this process (`DemoProvider`) and one in another
(`ProviderControl`), there through `POST /_control`.
"""

import dataclasses
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from portal.cli.demo_provider.ledger import EVERYBODY, Stand
from portal.cli.demo_provider.participants import Client, Options, Person
from portal.cli.demo_provider.sign_out_calls import logout_token, send_logout_token

Orders = Mapping[str, Any]


class ControlFace(ABC):
    """What tests and benchmarks say to a provider, wherever it runs."""

    @abstractmethod
    def order(self, orders: Orders) -> dict[str, Any]:
        """Carry out the orders, in the order of their table; ValueError says what is wrong."""

    @abstractmethod
    def report(self) -> dict[str, Any]:
        """`counts`, `counts_by_issuer`, `last` by endpoint, `requests`, and the `lies` told."""

    def lie(self, *names: str, client_id: str = "", issuer_path: str = "") -> None:
        """Tell these lies and no others: to a client, at an issuer, or everywhere.

        The issuer without a path is called `/`. No names: the truth again.
        """
        self.order({"lies": {client_id or issuer_path or EVERYBODY: list(names)}})

    def forget(self) -> None:
        """Tell the truth to everybody, and begin to count anew."""
        self.order({"forget": True})

    def count(self, endpoint: str) -> int:
        """How often an endpoint was asked: metadata, jwks, authorize, token, userinfo, logout."""
        return int(self.report()["counts"].get(endpoint, 0))

    def last(self, endpoint: str) -> dict[str, Any]:
        """The last request there, with `query` and `form` as mappings; KeyError: there was none.

        `pairs` has every parameter as it came, repeated ones too.
        """
        seen = self.report()["last"][endpoint]
        pairs = [*seen["query"], *seen["form"]]
        return {**seen, "query": dict(seen["query"]), "form": dict(seen["form"]), "pairs": pairs}

    def set_options(self, **options: Any) -> None:
        """Change how the provider behaves; any of `Options` but `issuer_paths`."""
        self.order({"options": options})

    def add_client(self, **client: Any) -> None:
        """Register a client, or register it anew; the fields of `Client`."""
        self.order({"clients": [client]})

    def add_person(self, email: str, **claims: Any) -> None:
        """Give somebody an account, or other claims."""
        self.order({"people": {email: claims}})

    def rotate_keys(self, issuer_path: str = "") -> None:
        """Put fresh signing keys with fresh identifiers in the place of an issuer's."""
        self.order({"rotate": issuer_path})

    def logout_token(self, client_id: str, **facts: Any) -> str:
        """A logout token for a client, not sent; `issuer_path`, and `email` or `sub`, `sid`."""
        asked = {"client_id": client_id, "send": False, **facts}
        return str(self.order({"backchannel": asked})["backchannel"]["logout_token"])

    def send_logout(self, client_id: str, **facts: Any) -> dict[str, Any]:
        """Send a logout token to a client: `logout_token`, and the `status` and `body` it got.

        `token` sends one that was made before.
        """
        answer: dict[str, Any] = self.order({"backchannel": {"client_id": client_id, **facts}})
        return dict(answer["backchannel"])


def obey(stand: Stand, orders: Orders) -> dict[str, Any]:
    """What came of each order; ValueError where one is unknown or wrong."""
    if unknown := set(orders) - set(_ORDERS):
        raise ValueError(f"no such order: {', '.join(sorted(unknown))}")
    try:
        return {
            name: carry_out(stand, orders[name])
            for name, carry_out in _ORDERS.items()
            if name in orders
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def control_blueprint(stand: Stand) -> Blueprint:
    """`/_control`, for whoever knows the token; where there is none it does not exist."""
    routes = Blueprint("control", __name__)

    @routes.before_request
    def refuse_strangers() -> Response | None:
        given = request.authorization
        token = (given.token if given and given.type == "bearer" else "") or ""
        if not stand.control_token or not secrets.compare_digest(
            token.encode(), stand.control_token.encode()
        ):
            return Response(status=404)
        return None

    @routes.get("/_control")
    def report() -> Response:
        return Response(json.dumps(stand.report()), content_type="application/json")

    @routes.post("/_control")
    def order() -> Response:
        try:
            told, status = obey(stand, request.get_json()), 200
        except ValueError as error:
            told, status = {"error": str(error)}, 400
        return Response(json.dumps(told), status=status, content_type="application/json")

    return routes


def _lies(stand: Stand, given: Mapping[str, list[str]]) -> None:
    for scope, names in given.items():
        stand.switch(scope, names)


def _options(stand: Stand, given: Mapping[str, Any]) -> None:
    if "issuer_paths" in given:
        raise ValueError("issuer_paths are set once, at the start")
    Options.from_json(given)  # a TypeError names an option that does not exist
    stand.options = dataclasses.replace(stand.options, **given)


def _people(stand: Stand, given: Mapping[str, Mapping[str, Any]]) -> None:
    stand.people |= {email.lower(): Person(email, claims) for email, claims in given.items()}


def _clients(stand: Stand, given: list[Mapping[str, Any]]) -> None:
    known = [Client.from_json(client) for client in given]
    stand.clients |= {client.client_id: client for client in known}


def _backchannel(stand: Stand, given: Mapping[str, Any]) -> dict[str, Any]:
    """A logout token, and what came of it where it was sent."""
    realm = stand.realms[given.get("issuer_path", "")]
    client = stand.clients[given["client_id"]]
    sub = given.get("sub") or (Person(given["email"]).sub if given.get("email") else "")
    if person := stand.person(given.get("email", "")):
        sub = person.sub
    token = given.get("token") or logout_token(
        stand, realm, client, sub=sub, sid=given.get("sid", "")
    )
    if not given.get("send", True):
        return {"logout_token": token}
    return {"logout_token": token, **dataclasses.asdict(send_logout_token(client, token))}


_ORDERS: dict[str, Callable[[Stand, Any], Any]] = {
    "forget": lambda stand, _yes: stand.forget(),
    "options": _options,
    "people": _people,
    "clients": _clients,
    "rotate": lambda stand, path: stand.realms[path].keys.rotate(),
    "lies": _lies,
    "backchannel": _backchannel,
}

"""What a lie is: which artefacts it changes, what it says, and what a relying party owes."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.cli.demo_provider.keyring import KeyRing
from portal.cli.demo_provider.participants import Client, Options


class Stage(StrEnum):
    """Where a lie is told; after each name, the value that its hook takes and gives back."""

    METADATA = "metadata"  # dict: the discovery document
    JWKS = "jwks"  # dict: the key set
    AUTHORIZATION = "authorization"  # list of (name, value): the authorization response
    PROFILE = "profile"  # dict: the person's claims, for ID token and userinfo alike
    ID_TOKEN = "id_token"  # noqa: S105 - Draft; the name of an artefact, no secret
    TOKEN = "token"  # noqa: S105 - dict: the token response; no secret either
    USERINFO = "userinfo"  # dict: the userinfo response
    LOGOUT_TOKEN = "logout_token"  # noqa: S105 - Draft; no secret either
    METADATA_ANSWER = "metadata_answer"  # from here on, flask.Response: the HTTP answer
    JWKS_ANSWER = "jwks_answer"
    TOKEN_ANSWER = "token_answer"  # noqa: S105 - no secret either
    USERINFO_ANSWER = "userinfo_answer"


class Verdict(StrEnum):
    """What a relying party that keeps to the rule makes of it."""

    REFUSE = "refuse"
    ACCEPT = "accept"  # harmless: real providers do it
    EITHER = "either"  # the specification leaves it open


@dataclass(frozen=True, slots=True)
class Scene:
    """What a liar can see while it lies."""

    issuer: str
    keys: KeyRing
    client: Client | None
    options: Options
    stopping: threading.Event

    @property
    def secret(self) -> str:
        """The secret of the client that is lied to."""
        return self.client.client_secret if self.client else ""


Hook = Callable[[Any, Scene], Any]


@dataclass(frozen=True, slots=True)
class Lie:
    """One thing told wrong; everything else stays as it was."""

    does: str
    rule: str
    hooks: Mapping[Stage, Hook]
    verdict: Verdict = Verdict.REFUSE


def put(**values: Any) -> Hook:
    """Sets members of a document."""
    return lambda document, _scene: {**document, **values}


def drop(*names: str) -> Hook:
    """Leaves members out of a document."""
    return lambda document, _scene: {k: v for k, v in document.items() if k not in names}


def turn(name: str, change: Callable[[Any, Scene], Any]) -> Hook:
    """Puts in a member's place what `change` makes of it."""
    return lambda document, scene: {**document, name: change(document.get(name), scene)}


def claims(change: Hook) -> Hook:
    """Changes the claims of a token."""

    def hook(draft: Any, scene: Scene) -> Any:
        draft.claims = change(draft.claims, scene)
        return draft

    return hook


def header(change: Hook) -> Hook:
    """Changes the header of a token."""

    def hook(draft: Any, scene: Scene) -> Any:
        draft.header = change(draft.header, scene)
        return draft

    return hook

"""A form of the admin pages, checked by the rules of the seed files: no rule stands twice.

What a form says is made into the seed file of a tenant that holds just that object, and read as
such a file is; what is found wrong comes back by the name of the field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.core.entries import ClientEntry, ConnectionEntry, DomainEntry, TenantEntry, UserEntry
from portal.seeding.convert import FromFile, convert
from portal.seeding.document import Document, spell
from portal.seeding.problems import Problems, SeedError

_NOWHERE = Path("/nonexistent")  # a form never names a file
_STAND_IN = "typed in the form"
_CLIENT = {"issuer": "https://issuer.invalid", "client_id": "stand-in"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong, by field; the words go on from the field's name unless they are a sentence."""

    fields: Mapping[str, str]


def check_client(
    key: str, data: Mapping[str, Any], *, has_secret: bool, has_key: bool
) -> ClientEntry | Wrong:
    """Check a client. Secrets never come here: whether one was typed is all that is asked."""
    given = dict(data)
    if has_secret:
        given["client_secret"] = _STAND_IN
    if has_key:
        given["private_key"] = _STAND_IN
    found = _read({"clients": {key: given}}, ("clients", key))
    return found if isinstance(found, Wrong) else _tenant(found).clients[0]


def check_connection(
    key: str, data: Mapping[str, Any], *, clients: Iterable[str]
) -> ConnectionEntry | Wrong:
    """Check a connection of a tenant that has these clients."""
    others = dict.fromkeys(clients, _CLIENT)
    document = {"clients": others, "connections": {key: dict(data)}}
    found = _read(document, ("connections", key))
    return found if isinstance(found, Wrong) else _tenant(found).connections[0]


def check_domain(
    name: str, data: Mapping[str, Any], *, connections: Iterable[str]
) -> DomainEntry | Wrong:
    """Check a domain of a tenant that has these connections."""
    others = {key: {"name": key} for key in connections}
    found = _read({"connections": others, "domains": {name: dict(data)}}, ("domains", name))
    return found if isinstance(found, Wrong) else found.domains[0]


def check_user(data: Mapping[str, Any]) -> UserEntry | Wrong:
    """Check a person."""
    found = _read({"users": [dict(data)]}, ("users", 0))
    return found if isinstance(found, Wrong) else _tenant(found).users[0]


def check_tenant(data: Mapping[str, Any]) -> TenantEntry | Wrong:
    """Check a tenant's own settings: `tenant`, `name`, `status`, `session`."""
    found = _read(dict(data), ())
    return found if isinstance(found, Wrong) else _tenant(found)


def _read(part: Mapping[str, Any], path: tuple[str | int, ...]) -> FromFile | Wrong:
    problems = Problems()
    document = Document({"tenant": "form", "name": "Form", **part}, {(): 1})
    found = convert(document, "form", folder=_NOWHERE, problems=problems)
    try:
        problems.refuse_if_any()
    except SeedError as error:
        prefix = spell(path)
        return Wrong(
            {_field(problem.place.key, prefix): problem.message for problem in error.problems}
        )
    return found


def _field(key: str, prefix: str) -> str:
    """Give the field that a key of the file stands for; "" is the object's own name."""
    rest = key.removeprefix(prefix).removeprefix(".")
    return rest.split(".")[-1] if prefix == "" else rest.split(".")[0].split("[")[0]


def _tenant(found: FromFile) -> TenantEntry:
    assert found.tenant is not None, "a file without a problem holds its tenant"
    return found.tenant

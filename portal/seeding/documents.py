"""Objects of the registry as the parts of a seed file: what is as by default is left out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.core.changes import Item, Value
from portal.seeding.schema import (
    ClientSeed,
    ConnectionSeed,
    DomainSeed,
    Seed,
    SessionSeed,
    TenantFile,
    UserSeed,
)

SecretText = Callable[[Item, str], str | None]
"""Gives how a file names a secret of an object: a reference, or encrypted; None for none."""
Part = dict[str, Any]


def tenant_part(item: Item) -> Part:
    """Give the top of a tenant's file; its sections are added to it."""
    status = _unless_default(TenantFile, item.fields, ("status",))
    return {"tenant": item.key, "name": item.fields["name"], **status}


def session_part(item: Item) -> Part:
    """Give a tenant's `session` section, empty where it is as by default."""
    return _unless_default(SessionSeed, item.fields, ("idle_minutes", "absolute_hours"))


def client_part(item: Item, secret: SecretText) -> Part:
    """Give a client's part, under its key in `clients`."""
    secrets = {name: secret(item, name) for name in ("client_secret", "private_key")}
    names = ("auth_method", "scopes", "connection_param")
    return {
        "issuer": item.fields["issuer"],
        "client_id": item.fields["client_id"],
        **{name: text for name, text in secrets.items() if text is not None},
        **_unless_default(ClientSeed, item.fields, names),
    }


def connection_part(item: Item) -> Part:
    """Give a connection's part, under its key in `connections`."""
    names = [name for name in ConnectionSeed.model_fields if name != "name"]
    return {
        "name": item.fields["name"],
        **_unless_default(ConnectionSeed, item.fields, names),
    }


def domain_part(item: Item) -> Part:
    """Give a domain's part, under its name in `domains`."""
    names = ("subdomains", "verified", "rollout")
    return {
        **way_part(item.fields["connections"]),
        "policy": item.fields["policy"],
        **_unless_default(DomainSeed, item.fields, names),
    }


def way_part(connections: Value) -> Part:
    """Give `connection` or `connections`, or neither."""
    keys = list(connections) if isinstance(connections, tuple) else []
    if len(keys) == 1:
        return {"connection": keys[0]}
    return {"connections": keys} if keys else {}


def user_part(item: Item, secret: SecretText) -> Part:
    """Give a person's part, in `users` or `operators`."""
    hashed = secret(item, "password")
    names = () if item.fields["role"] == "operator" else ("role", "sso_exempt")
    return {
        "email": item.fields["email"],
        "name": item.fields["name"],
        **_unless_default(UserSeed, item.fields, names),
        **({"password_hash": hashed} if hashed is not None else {}),
    }


def plain(value: Value) -> Any:
    """Give a value as YAML and JSON have it."""
    return list(value) if isinstance(value, tuple) else value


def _unless_default(model: type[Seed], fields: Mapping[str, Value], names: Iterable[str]) -> Part:
    defaults = model.model_fields
    found = {name: plain(fields[name]) for name in names}
    return {
        name: value
        for name, value in found.items()
        if value != defaults[name].get_default(call_default_factory=True)
    }

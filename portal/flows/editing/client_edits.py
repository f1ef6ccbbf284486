"""A tenant's clients and connections as forms change them; secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection

from portal.core.changes import Item, Kind, Value
from portal.core.entries import ClientEntry, ConnectionEntry
from portal.flows.changes.tenant_edits import Actor, NotAllowed, SaveOutcome, remove, save, sealed
from portal.flows.editing.form_checks import Wrong, check_client, check_connection
from portal.oidc.client_auth import KeyUnusableError, signing_key
from portal.services import Services
from portal.store.tenant_items import TenantRef, connection_items, domains_of_connection

_HAS_SECRET = frozenset({"client_secret_basic", "client_secret_post"})


def save_client(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    key: str,
    data: Mapping[str, Any],
    *,
    before: Item | None,
    secret: SecretStr | None,
    private_key: SecretStr | None,
    seen: str | None,
) -> SaveOutcome | Wrong:
    """Save a client; a secret that is not typed stays as it is stored.

    A stored secret never goes to another issuer: with a new issuer it must be typed anew.
    """
    checked = check_client(
        key, data, has_secret=secret is not None, has_key=private_key is not None
    )
    if isinstance(checked, Wrong):
        return checked
    wrong = _check_secrets(checked, before, secret=secret, private_key=private_key)
    if wrong:
        return Wrong(wrong)
    fields: dict[str, Value] = {
        "issuer": checked.issuer,
        "client_id": checked.client_id,
        "auth_method": checked.auth_method,
        "scopes": checked.scopes,
        "connection_param": checked.connection_param,
    }
    fields |= _secret_fields(services, checked, secret=secret, private_key=private_key)
    return save(services, actor, Item(Kind.CLIENT, tenant.slug, key, fields), seen=seen)


def _check_secrets(
    entry: ClientEntry,
    before: Item | None,
    *,
    secret: SecretStr | None,
    private_key: SecretStr | None,
) -> dict[str, str]:
    old: Mapping[str, Value] = before.fields if before else {}
    wrong: dict[str, str] = {}
    if entry.auth_method in _HAS_SECRET and secret is None:
        if not old.get("client_secret"):
            wrong |= {"client_secret": "Type the secret that the issuer shows for it."}
        elif old.get("issuer") != entry.issuer:
            again = "Type the secret again: a stored one is never sent to another issuer."
            wrong |= {"client_secret": again}
    if entry.auth_method == "private_key_jwt":
        if private_key is None and not old.get("private_key"):
            wrong["private_key"] = "Paste a private key: its public half will be at the JWKS URL."
        elif private_key is not None and not _is_key(private_key):
            wrong["private_key"] = "That is no private key in PEM form that can sign."
    return wrong


def _is_key(pem: SecretStr) -> bool:
    try:
        signing_key(pem.get_secret_value())
    except KeyUnusableError:
        return False
    return True


def _secret_fields(
    services: Services,
    entry: ClientEntry,
    *,
    secret: SecretStr | None,
    private_key: SecretStr | None,
) -> dict[str, Value]:
    """Give the secrets that change: those typed, and those that the way does not need any more."""
    fields: dict[str, Value] = {}
    for name, typed, is_needed in (
        ("client_secret", secret, entry.auth_method in _HAS_SECRET),
        ("private_key", private_key, entry.auth_method == "private_key_jwt"),
    ):
        if not is_needed:
            fields |= {name: None, f"{name}_ref": None}
        elif typed is not None:
            fields |= {name: sealed(services, typed.get_secret_value()), f"{name}_ref": None}
    return fields


def save_connection(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    key: str,
    data: Mapping[str, Any],
    *,
    clients: list[str],
    seen: str | None,
) -> SaveOutcome | Wrong:
    """Save a connection."""
    checked = check_connection(key, data, clients=clients)
    if isinstance(checked, Wrong):
        return checked
    if checked.client is None and services.registry.default_client is None:
        return Wrong({"client": "Choose an application: there is none for everybody here."})
    wanted = Item(Kind.CONNECTION, tenant.slug, key, _fields(checked))
    return save(services, actor, wanted, seen=seen)


def _fields(entry: ConnectionEntry) -> dict[str, Value]:
    return {
        "name": entry.name,
        "client": entry.client,
        "ssojet_connection": entry.ssojet_connection,
        "authorize_params": entry.authorize_params,
        "enabled": entry.enabled,
        "email_verified": entry.email_verified,
        "new_users": entry.new_users,
        "require_claims": entry.require_claims,
        "role_claim": entry.role_claim,
        "roles": entry.roles,
    }


def switch_connection(
    services: Services,
    actor: Actor,
    item: Item,
    *,
    on: bool,
) -> SaveOutcome:
    """Switch a connection on or off."""
    wanted = Item(Kind.CONNECTION, item.tenant, item.key, {"enabled": on})
    return save(services, actor, wanted, regardless=True)


def remove_connection(services: Services, actor: Actor, item: Item) -> SaveOutcome:
    """Remove a connection that no domain leads to any more."""

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        del before
        used = domains_of_connection(connection, tenant, item.key)
        return NotAllowed(f"Domains still lead to it: {', '.join(used)}.") if used else None

    return remove(services, actor, item, guard=guard)


def remove_client(services: Services, actor: Actor, item: Item) -> SaveOutcome:
    """Remove a client that no connection goes through any more."""

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        del before
        ways = connection_items(connection, tenant)
        used = [str(way.fields["name"]) for way in ways if way.fields["client"] == item.key]
        return NotAllowed(f"Connections still use it: {', '.join(used)}.") if used else None

    return remove(services, actor, item, guard=guard)

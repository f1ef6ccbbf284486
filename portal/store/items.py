"""Rows of the registry as items that can be compared."""

import hashlib
from collections.abc import Iterable

from portal.core.changes import Item, Kind, Secret, Value
from portal.core.registry import Sealed
from portal.store.engine import AnyRow


def tenant_of(row: AnyRow) -> Item:
    """Give a tenant with its own settings."""
    names = ("name", "status", "idle_minutes", "absolute_hours")
    return Item(Kind.TENANT, row.slug, row.slug, taken(row, names), row.origin)


def client_of(row: AnyRow, tenant: str) -> Item:
    """Give a client of the tenant with this slug."""
    fields = {
        **taken(row, ("issuer", "client_id", "auth_method")),
        "scopes": tuple(row.scopes),
        "connection_param": row.connection_param,
        "client_secret": stored_secret(row.secret),
        "client_secret_ref": row.secret_ref,
        "private_key": stored_secret(row.private_key),
        "private_key_ref": row.private_key_ref,
    }
    return Item(Kind.CLIENT, tenant, row.key, fields, row.origin)


def connection_of(row: AnyRow, tenant: str, *, client: str | None) -> Item:
    """Give a connection of the tenant with this slug; `client` is its client's key."""
    names = ("ssojet_connection", "authorize_params", "enabled", "email_verified", "new_users")
    fields = {
        "name": row.name,
        "client": client,
        **taken(row, (*names, "require_claims", "role_claim", "roles")),
    }
    return Item(Kind.CONNECTION, tenant, row.key, fields, row.origin)


def user_of(row: AnyRow, tenant: str) -> Item:
    """Give an account; `tenant` is its tenant's slug, nothing for operators."""
    fields = {
        **taken(row, ("email", "name", "role", "sso_exempt")),
        "password": stored_secret(row.password_hash),
        "password_ref": row.password_ref,
        "disabled": row.disabled,
    }
    kind = Kind.OPERATOR if row.role == "operator" else Kind.USER
    return Item(kind, tenant, row.email_key, fields, row.origin)


def taken(row: AnyRow, names: Iterable[str]) -> dict[str, Value]:
    """Give what stands in these columns, under their names."""
    return {name: getattr(row, name) for name in names}


def stored_secret(stored: Sealed | str | None) -> Secret | None:
    """Give a secret as it is stored, marked by its form at rest."""
    if stored is None:
        return None
    token = stored.token if isinstance(stored, Sealed) else stored.encode()
    return Secret(hashlib.sha256(token).hexdigest(), stored)

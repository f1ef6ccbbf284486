"""What seed files want, as items beside those of the registry."""

from collections.abc import Iterator, Mapping

from portal.core.changes import Item, Kind, Secret, Value
from portal.core.entries import ClientEntry, ConnectionEntry, SecretSource, TenantEntry, UserEntry
from portal.flows.changes.seed_secrets import SeedSecrets
from portal.seeding.desired import Desired
from portal.store.catalog import Catalog
from portal.store.registry_writes import PRUNED


def wanted_items(desired: Desired, catalog: Catalog, secrets: SeedSecrets) -> Iterator[Item]:
    """Give every object that the files want, domains aside; secrets as they would be stored."""
    current = {item.identity: item for item in catalog.items}
    for tenant in desired.tenants:
        yield _tenant(tenant)
        for client in tenant.clients:
            before = current.get((Kind.CLIENT, tenant.slug, client.key))
            yield _client(client, tenant.slug, before.fields if before else {}, secrets)
        for connection in tenant.connections:
            yield _connection(connection, tenant.slug)
    for slug, user in desired.people():
        yield _user(user, slug or "", catalog.accounts.get(user.key), secrets)


def _tenant(tenant: TenantEntry) -> Item:
    fields: dict[str, Value] = {
        "name": tenant.name,
        "status": tenant.status,
        "idle_minutes": tenant.idle_minutes,
        "absolute_hours": tenant.absolute_hours,
    }
    return Item(Kind.TENANT, tenant.slug, tenant.slug, fields)


def _client(
    client: ClientEntry, tenant: str, before: Mapping[str, Value], secrets: SeedSecrets
) -> Item:
    fields: dict[str, Value] = {
        "issuer": client.issuer,
        "client_id": client.client_id,
        "auth_method": client.auth_method,
        "scopes": client.scopes,
        "connection_param": client.connection_param,
        "client_secret": secrets.sealed(client.secret, _secret(before.get("client_secret"))),
        "client_secret_ref": _reference(client.secret, before.get("client_secret_ref")),
        "private_key": secrets.sealed(client.private_key, _secret(before.get("private_key"))),
        "private_key_ref": _reference(client.private_key, before.get("private_key_ref")),
    }
    return Item(Kind.CLIENT, tenant, client.key, fields)


def _connection(connection: ConnectionEntry, tenant: str) -> Item:
    fields: dict[str, Value] = {
        "name": connection.name,
        "client": connection.client,
        "ssojet_connection": connection.ssojet_connection,
        "authorize_params": connection.authorize_params,
        "enabled": connection.enabled,
        "email_verified": connection.email_verified,
        "new_users": connection.new_users,
        "require_claims": connection.require_claims,
        "role_claim": connection.role_claim,
        "roles": connection.roles,
    }
    return Item(Kind.CONNECTION, tenant, connection.key, fields)


def _user(user: UserEntry, tenant: str, before: Item | None, secrets: SeedSecrets) -> Item:
    old: Mapping[str, Value] = before.fields if before else {}
    stored = _secret(old.get("password"))
    password = secrets.password(user, stored)
    same_hash = user.password_hash is not None and password == stored
    reference = old.get("password_ref") if same_hash else None
    # Whom a prune disabled, a seed enables again; whom a person disabled, only a person.
    disabled = bool(old.get("disabled")) and (before is None or before.origin != PRUNED)
    fields: dict[str, Value] = {
        "email": user.email,
        "name": user.name or old.get("name") or user.email.partition("@")[0],
        "role": user.role,
        "sso_exempt": user.sso_exempt,
        "password": password,
        "password_ref": reference or _password_reference(user, old.get("password_ref")),
        "disabled": disabled,
    }
    return Item(Kind.USER if tenant else Kind.OPERATOR, tenant, user.key, fields)


def _password_reference(user: UserEntry, stored: Value) -> Value:
    return None if user.password_hash is not None else _reference(user.password, stored)


def _reference(source: SecretSource | None, stored: Value) -> Value:
    return stored if source is None else source.reference


def _secret(value: Value) -> Secret | None:
    return value if isinstance(value, Secret) else None

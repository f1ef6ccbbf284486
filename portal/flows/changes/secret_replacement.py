"""A client's new secret beside its old one, until the new one has worked.

save_client, seed files   the old one stays; the store sees to it
note_exchange             a sign-in went by the new one: the old one goes; by the old one: noted
take_back, drop_old       what a person decides meanwhile
"""

import secrets
from collections.abc import Callable

from portal.core.changes import Action, Change, FieldChange, Kind, Secret
from portal.core.registry import Client, Sealed, Tenant
from portal.flows.changes.registry_changes import write
from portal.flows.changes.registry_trail import Source
from portal.flows.changes.tenant_edits import Actor, Gone, NotAllowed, Saved, SaveOutcome, Unchanged
from portal.oidc.client import Tokens
from portal.services import Services
from portal.store.client_secrets import Standing, note_refused, standing
from portal.store.tenant_items import TenantRef, lock_tenant

WORKED = "the new one has worked"


def note_exchange(services: Services, tenant: Tenant, client: Client, tokens: Tokens) -> None:
    """Note what a sign-in showed of a client's two secrets; nothing where it has only one."""
    if client.as_before is None:
        return
    if tokens.refused_new:
        with services.database.transaction() as connection:
            note_refused(connection, tenant.id, client.key, now=services.now())
    if tokens.by_old:
        return
    with services.database.transaction() as connection:
        ref = lock_tenant(connection, tenant.slug)
        found = standing(connection, ref, client.key) if ref else None
        if ref and found and found.old and found.newest == client.proof:
            fields = (FieldChange(_old_name(found), _secret(found.old), None),)
            change = Change(Action.CHANGED, Kind.CLIENT, ref.slug, client.key, fields)
            source = Source(note=WORKED)
            write(connection, [change], now=services.now(), by="the portal itself", source=source)


def take_back(services: Services, actor: Actor, tenant: TenantRef, key: str) -> SaveOutcome:
    """Put the old secret back in the place of the new one, which is forgotten."""

    def fields(found: Standing) -> tuple[FieldChange, ...]:
        return (
            FieldChange(found.name, _secret(found.newest), _secret(found.old)),
            FieldChange(f"{found.name}_ref", None, None),
            FieldChange(_old_name(found), _secret(found.old), None),
        )

    return _settle(services, actor, tenant, key, fields)


def drop_old(services: Services, actor: Actor, tenant: TenantRef, key: str) -> SaveOutcome:
    """Forget the old secret: only the new one counts from now on."""

    def fields(found: Standing) -> tuple[FieldChange, ...]:
        return (FieldChange(_old_name(found), _secret(found.old), None),)

    return _settle(services, actor, tenant, key, fields)


def _settle(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    key: str,
    fields: Callable[[Standing], tuple[FieldChange, ...]],
) -> SaveOutcome:
    if actor.rule is not None:
        return NotAllowed("That is for an admin to do.")
    with services.database.transaction() as connection:
        ref = lock_tenant(connection, tenant.slug)
        found = standing(connection, ref, key) if ref else None
        if found is None:
            return Gone()
        if found.old is None:
            return Unchanged()
        change = Change(Action.CHANGED, Kind.CLIENT, tenant.slug, key, fields(found))
        source = Source(actor.visitor.network, actor.visitor.reference)
        by = actor.account.email
        change_set = write(connection, [change], now=services.now(), by=by, source=source)
    return Saved(change_set, change.fields)


def _old_name(found: Standing) -> str:
    return "old_secret" if found.name == "client_secret" else "old_private_key"


def _secret(stored: Sealed | None) -> Secret | None:
    return Secret(secrets.token_hex(8), stored) if stored else None

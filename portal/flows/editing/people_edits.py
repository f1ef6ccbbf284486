"""A tenant's people as the admin pages change them; one admin with a way in always stays."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import Connection

from portal.core.address import Address
from portal.core.admission import owner_of
from portal.core.changes import Item, Kind, Secret, Value
from portal.core.new_password import wrong_with
from portal.core.registry import Account
from portal.flows.changes.tenant_edits import (
    Actor,
    Guard,
    NotAllowed,
    Saved,
    SaveOutcome,
    remove,
    save,
)
from portal.flows.editing.form_checks import Wrong, check_user
from portal.services import Services
from portal.store import audit, break_glass, enforcement_facts, people, sessions, setup_progress
from portal.store.people import Person
from portal.store.tenant_items import TenantRef

_TAKEN = "This address cannot be added here: it is an account already."
_NOT_OWN = (
    "This address is of no domain that your company has proven. Prove the domain first, or ask the "
    "people who run this portal to add the person."
)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What the form of a new person says."""

    email: str
    name: str
    role: str
    password: SecretStr | None = None


def add_person(
    services: Services, actor: Actor, tenant: TenantRef, new: NewPerson
) -> tuple[str, SaveOutcome | Wrong]:
    """Add a person; give the key of the address and how it ended.

    An address is one account: whoever adds it keeps it from everybody else. So a tenant's admin
    adds addresses of the tenant's own proven domains alone; others are for operators to add.
    """
    data = {"email": new.email, "role": new.role, **({"name": new.name} if new.name else {})}
    checked = check_user(data)
    if isinstance(checked, Wrong):
        return "", checked
    address = Address.parse(checked.email)
    if new.password is not None and (wrong := wrong_password(new.password, address)):
        return checked.key, Wrong({"new_password": wrong})
    if not actor.is_operator and not _is_own(services, tenant, address):
        return checked.key, Wrong({"email": _NOT_OWN})
    fields: dict[str, Value] = {
        "email": checked.email,
        "name": checked.name or address.local,
        "role": checked.role,
        "sso_exempt": False,
    }
    if new.password is not None:
        fields["password"] = _hashed(services, new.password)
    wanted = Item(Kind.USER, tenant.slug, checked.key, fields)

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        del tenant, before
        taken = people.number_of(connection, checked.key) is not None
        return NotAllowed(_TAKEN, "email") if taken else None

    return checked.key, save(services, actor, wanted, guard=guard)


def is_anothers(services: Services, tenant: TenantRef, address: Address) -> bool:
    """Whether another tenant has proven the address's domain: its person cannot get in so long."""
    owner = owner_of(services.registry.candidates(address.domain), address.domain)
    return owner is not None and owner.id != tenant.id


def give_free(services: Services, actor: Actor, tenant: TenantRef, who: Person) -> SaveOutcome:
    """Remove an account that holds an address of another tenant's proven domain.

    An address is one account; with this one gone the other tenant's person comes in, as a new one.
    Everybody else is switched off and never removed.
    """
    if not actor.is_operator or not is_anothers(services, tenant, Address.parse(who.email)):
        return NotAllowed("Only an operator gives free what is of another company’s proven domain.")
    item = Item(Kind.USER, tenant.slug, who.key, {})
    return remove(services, actor, item)


def _is_own(services: Services, tenant: TenantRef, address: Address) -> bool:
    """Whether the tenant has proven the address's domain: the rule by which people come back."""
    owner = owner_of(services.registry.candidates(address.domain), address.domain)
    return owner is not None and owner.id == tenant.id


def wrong_password(password: SecretStr, address: Address, *more: str) -> str:
    """Say what is wrong with a new password of this address, or nothing."""
    about = (str(address), address.local, str(address.domain), *more)
    return wrong_with(password.get_secret_value(), about=about)


def set_role(
    services: Services, actor: Actor, tenant: TenantRef, who: Person, *, role: str
) -> SaveOutcome:
    """Make somebody an admin, or a member."""
    return _change(services, actor, tenant, who, fields={"role": role})


def set_disabled(
    services: Services, actor: Actor, tenant: TenantRef, who: Person, *, disabled: bool
) -> SaveOutcome:
    """Switch an account off, which ends its sessions at once, or on again."""
    outcome = _change(services, actor, tenant, who, fields={"disabled": disabled})
    if isinstance(outcome, Saved) and disabled:
        with services.database.transaction() as connection:
            sessions.end_of_account(connection, who.id)
    return outcome


def set_break_glass(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    who: Person,
    *,
    exempt: bool,
    reason: str,
) -> SaveOutcome:
    """Mark somebody as one who may use a password in any case, or take the mark away.

    The reason is kept beside the mark, and in the trail.
    """

    def keep(connection: Connection) -> None:
        by, now = (actor.account.email, services.now()) if exempt else ("", None)
        why = reason if exempt else ""
        break_glass.note_mark(connection, who.id, reason=why, by=by, now=now)

    fields: dict[str, Value] = {"sso_exempt": exempt}
    return _change(services, actor, tenant, who, fields=fields, note=reason, beside=keep)


def set_password(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    who: Person,
    *,
    password: SecretStr,
    first: Callable[[Connection], NotAllowed | None] | None = None,
) -> SaveOutcome | Wrong:
    """Give somebody a new password; their sessions (but the actor's own) and open links end.

    `first` is done in the same transaction and may stand against it.
    """
    if wrong := wrong_password(password, Address.parse(who.email)):
        return Wrong({"new_password": wrong})
    fields: dict[str, Value] = {"password": _hashed(services, password), "password_ref": None}
    wanted = Item(Kind.USER, tenant.slug, who.key, fields)

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        del tenant, before
        return first(connection) if first else None

    return _save(services, actor, who, wanted, guard=guard)


def end_sessions(
    services: Services, actor: Actor, tenant: TenantRef, who: Person, *, public_id: str = ""
) -> int:
    """Sign somebody out: of one session, or of all; give how many ended."""
    with services.database.transaction() as connection:
        if public_id:
            found = sessions.end_by_public_id(connection, public_id, account_id=who.id)
            ended = int(found)
        else:
            ended = sessions.end_of_account(connection, who.id)
        if ended:
            audit.record(connection, _revoked(services, actor, tenant, who, ended=ended))
    return ended


def last_glass(services: Services, tenant: TenantRef, who: Person) -> str:
    """Say that nobody else gets in by password where SSO is required, or nothing."""
    with services.database.read() as connection:
        ready = enforcement_facts.break_glass(connection, tenant.id)
        required = setup_progress.of_tenant(connection, tenant.id).required
    if required and set(ready) == {who.key}:
        return (
            "This is the only break-glass person. If your identity provider fails, nobody of a "
            "domain that requires SSO can sign in."
        )
    return ""


def own_loss(actor: Account, who: Person, *, role: str = "", disabled: bool = False) -> str:
    """Say what somebody is about to take away from themselves, or nothing."""
    if actor.id != who.id:
        return ""
    if disabled:
        return "You are about to switch off your own account. You will be signed out at once."
    if role == "member":
        return "You are about to give up your own right to administer this company."
    return ""


def _change(
    services: Services,
    actor: Actor,
    tenant: TenantRef,
    who: Person,
    *,
    fields: dict[str, Value],
    note: str = "",
    beside: Callable[[Connection], None] | None = None,
) -> SaveOutcome:
    """Change a person; `beside` writes what belongs to it, in the same transaction."""
    wanted = Item(Kind.USER, tenant.slug, who.key, fields)

    def guard(connection: Connection, tenant: TenantRef, before: Item | None) -> NotAllowed | None:
        del before
        loses = fields.get("disabled") is True or (
            fields.get("role") == "member" and who.group_role != "admin"
        )
        if loses and who.is_admin and not people.other_admins(connection, tenant.id, who.key):
            return NotAllowed(
                "This is the only admin with a way in. Make somebody else an admin first, and "
                "let them sign in once or give them a password."
            )
        if beside:
            beside(connection)
        return None

    return _save(services, actor, who, wanted, guard=guard, note=note)


def _save(
    services: Services, actor: Actor, who: Person, wanted: Item, *, guard: Guard, note: str = ""
) -> SaveOutcome:
    """Save somebody as they were when the page was opened, or else whatever they are."""
    seen = who.seen or None
    return save(services, actor, wanted, seen=seen, regardless=seen is None, guard=guard, note=note)


def _hashed(services: Services, password: SecretStr) -> Secret:
    return Secret("new", services.passwords.hash(password.get_secret_value()))


def _revoked(
    services: Services, actor: Actor, tenant: TenantRef, who: Person, *, ended: int
) -> audit.Entry:
    return audit.Entry(
        at=services.now(),
        event=audit.Event.SESSION_REVOKED,
        outcome="success",
        actor=actor.account.email,
        tenant_id=tenant.id,
        user_id=who.id,
        object=f"user {tenant.slug}/{who.key}",
        network=actor.visitor.network,
        reference=actor.visitor.reference,
        detail={"ended": ended},
    )

"""Accounts and the identities linked to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from portal.core.address import Address
from portal.core.admission import Admitted, Known
from portal.core.registry import Account, Role, Tenant
from portal.store.columns import table
from portal.store.prepared import Place, Statement, insert_into
from portal.store.tables import IdentityRow, TenantRow, UserRow

_USER_COLUMNS = (
    UserRow.id.label("user_id"),
    UserRow.email,
    UserRow.name.label("user_name"),
    UserRow.role,
    UserRow.group_role,
    UserRow.disabled,
    UserRow.sso_exempt,
    UserRow.password_hash,
)
ACCOUNT_COLUMNS = (
    *_USER_COLUMNS,
    TenantRow.id.label("tenant_id"),
    TenantRow.slug,
    TenantRow.name.label("tenant_name"),
    TenantRow.status,
    TenantRow.idle_minutes,
    TenantRow.absolute_hours,
)

_ACCOUNTS = select(*ACCOUNT_COLUMNS).outerjoin(TenantRow, TenantRow.id == UserRow.tenant_id)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who somebody is at an issuer, and through which client (subjects may be pairwise)."""

    issuer: str
    client_id: str
    name: str


def account_from(row: Any) -> Account:
    """Make an account from a row with ACCOUNT_COLUMNS."""
    tenant = None
    if row.tenant_id is not None:
        tenant = Tenant(
            id=row.tenant_id,
            slug=row.slug,
            name=row.tenant_name,
            suspended=row.status != "active",
            idle_minutes=row.idle_minutes,
            absolute_hours=row.absolute_hours,
        )
    return _account(row, tenant)


def _account(row: Any, tenant: Tenant | None) -> Account:
    """Make an account of a tenant from a row with _USER_COLUMNS.

    Its role is the higher of the one assigned and the one that the provider's groups gave last.
    """
    return Account(
        id=row.user_id,
        email=row.email,
        name=row.user_name,
        role=Role.highest(row.role, row.group_role),
        tenant=tenant,
        disabled=row.disabled,
        sso_exempt=row.sso_exempt,
        password_hash=row.password_hash,
    )


_IDENTITIES = table(IdentityRow)
_USERS = table(UserRow)

_LINKED = Statement(
    _ACCOUNTS.join(IdentityRow, IdentityRow.user_id == UserRow.id).where(
        IdentityRow.issuer == bindparam("issuer"),
        IdentityRow.subject == bindparam("subject"),
        IdentityRow.tenant_id == bindparam("tenant_id"),
    )
)
_BY_KEY = Statement(_ACCOUNTS.where(UserRow.email_key == bindparam("key")))
_TAKEN = Statement(
    select(IdentityRow.id).where(
        IdentityRow.user_id == bindparam("user_id"),
        IdentityRow.issuer == bindparam("issuer"),
        IdentityRow.client_id == bindparam("client_id"),
    )
)
_CREATE = Statement(
    insert_into(
        _USERS, "email_key", "email", "name", "tenant_id", "role", "origin", "created_at"
    ).returning(_USERS.c.id)
)
_LINK = Statement(insert_into(_IDENTITIES))
_USED = Statement(
    update(_IDENTITIES)
    .where(
        _IDENTITIES.c.issuer == bindparam("of_issuer"),
        _IDENTITIES.c.subject == bindparam("of_subject"),
        _IDENTITIES.c.tenant_id == bindparam("of_tenant"),
    )
    .values(last_used_at=bindparam("last_used_at"))
)
_SIGNED_IN = Statement(
    update(_USERS)
    .where(_USERS.c.id == bindparam("of_user"))
    .values(last_sign_in_at=bindparam("last_sign_in_at"), group_role=bindparam("group_role"))
    .returning(*_USER_COLUMNS)
)


def by_address(place: Place, address: Address) -> Account | None:
    """Give the account of an address, of whatever tenant, or None."""
    row = _BY_KEY.first(place, {"key": address.key})
    return account_from(row) if row else None


def known(
    place: Place,
    address: Address,
    *,
    tenant: Tenant,
    subject: Subject,
) -> Known:
    """Give what is known of somebody who came back from a provider."""
    who = {"issuer": subject.issuer, "subject": subject.name, "tenant_id": tenant.id}
    linked = _LINKED.first(place, who)
    if linked is not None:
        return Known(linked=account_from(linked))
    addressed = by_address(place, address)
    if addressed is None:
        return Known()
    holder = {
        "user_id": addressed.id,
        "issuer": subject.issuer,
        "client_id": subject.client_id,
    }
    taken = _TAKEN.first(place, holder)
    return Known(addressed=addressed, taken=taken is not None)


def enter(
    place: Place,
    admitted: Admitted,
    *,
    tenant: Tenant,
    subject: Subject,
    now: datetime,
) -> Account:
    """Create or link the account as admitted, and note the sign-in; give it as it is now.

    Raises IntegrityError where a racing sign-in created the account or the link first.
    """
    if admitted.account is None:
        user_id = _create(place, admitted, tenant=tenant, now=now)
    else:
        user_id = admitted.account.id
    if admitted.link:
        link = {
            "user_id": user_id,
            "tenant_id": tenant.id,
            "issuer": subject.issuer,
            "client_id": subject.client_id,
            "subject": subject.name,
            "created_at": now,
            "last_used_at": now,
        }
        _LINK.run(place, link)
    else:
        used = {
            "of_issuer": subject.issuer,
            "of_subject": subject.name,
            "of_tenant": tenant.id,
            "last_used_at": now,
        }
        _USED.run(place, used)
    noted = {"of_user": user_id, "last_sign_in_at": now, "group_role": admitted.group_role}
    return _account(_SIGNED_IN.one(place, noted), tenant)


def _create(place: Place, admitted: Admitted, *, tenant: Tenant, now: datetime) -> int:
    person = {
        "email_key": admitted.address.key,
        "email": str(admitted.address),
        "name": admitted.name,
        "tenant_id": tenant.id,
        "role": Role.MEMBER.value,
        "origin": "sso",
        "created_at": now,
    }
    return int(_CREATE.one(place, person).id)


def note_password_sign_in(
    connection: Connection, account: Account, *, rehashed: str | None, now: datetime
) -> bool:
    """Note a sign-in by password; False where the account is no longer as it was checked.

    Checking takes a while: a password that was changed meanwhile, or an account that was disabled,
    must not let the old password in, nor be written over by its hash. `rehashed` replaces a hash
    of old parameters. What the provider's groups gave holds for sign-ins through it alone.
    """
    result = connection.execute(
        update(_USERS)
        .where(
            _USERS.c.id == account.id,
            _USERS.c.password_hash == account.password_hash,
            _USERS.c.disabled.is_(False),
        )
        .values(
            last_sign_in_at=now,
            group_role=None,
            password_hash=rehashed or account.password_hash,
        )
    )
    return result.rowcount == 1

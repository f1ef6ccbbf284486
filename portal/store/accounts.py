"""Accounts and the identities linked to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from portal.core.address import Address
from portal.core.admission import Admitted, Known
from portal.core.registry import Account, Role, Tenant
from portal.core.values import quick_value
from portal.store.prepared import Place, Statement, insert_into
from portal.store.tables import IDENTITIES, TENANTS, USERS
from portal.store.tenant_rows import TENANT_COLUMNS, tenant_from

ACCOUNT_COLUMNS = (
    USERS.c.id.label("user_id"),
    USERS.c.email,
    USERS.c.name.label("user_name"),
    USERS.c.role,
    USERS.c.group_role,
    USERS.c.disabled,
    USERS.c.sso_exempt,
    USERS.c.password_hash,
    *TENANT_COLUMNS,
)

_ACCOUNTS = select(*ACCOUNT_COLUMNS).outerjoin(TENANTS, TENANTS.c.id == USERS.c.tenant_id)


@quick_value
class Subject:
    """Who somebody is at an issuer, and through which client (subjects may be pairwise)."""

    issuer: str
    client_id: str
    name: str


def account_from(row: Any) -> Account:
    """Make an account from a row with ACCOUNT_COLUMNS.

    Its role is the higher of the one assigned and the one that the provider's groups gave last.
    """
    return Account(
        id=row.user_id,
        email=row.email,
        name=row.user_name,
        role=Role.highest(row.role, row.group_role),
        tenant=tenant_from(row) if row.tenant_id is not None else None,
        disabled=row.disabled,
        sso_exempt=row.sso_exempt,
        password_hash=row.password_hash,
    )


_LINKED = Statement(
    _ACCOUNTS.join(IDENTITIES, IDENTITIES.c.user_id == USERS.c.id).where(
        IDENTITIES.c.issuer == bindparam("issuer"),
        IDENTITIES.c.subject == bindparam("subject"),
        IDENTITIES.c.tenant_id == bindparam("tenant_id"),
    )
)
_BY_KEY = Statement(_ACCOUNTS.where(USERS.c.email_key == bindparam("key")))
# Held until the end: no other subject may be linked between the look at the links and the link.
_ADDRESSED = Statement(
    _ACCOUNTS.where(USERS.c.email_key == bindparam("key")).with_for_update(of=USERS, key_share=True)
)
_TAKEN = Statement(
    select(IDENTITIES.c.id).where(
        IDENTITIES.c.user_id == bindparam("user_id"),
        IDENTITIES.c.issuer == bindparam("issuer"),
        IDENTITIES.c.client_id == bindparam("client_id"),
        (IDENTITIES.c.subject != bindparam("subject"))
        | (IDENTITIES.c.tenant_id != bindparam("tenant_id")),
    )
)
_CREATE = Statement(
    insert_into(
        USERS, "email_key", "email", "name", "tenant_id", "role", "origin", "created_at"
    ).returning(USERS.c.id)
)
_LINK = Statement(insert_into(IDENTITIES))
_USED = Statement(
    update(IDENTITIES)
    .where(
        IDENTITIES.c.issuer == bindparam("of_issuer"),
        IDENTITIES.c.subject == bindparam("of_subject"),
        IDENTITIES.c.tenant_id == bindparam("of_tenant"),
    )
    .values(last_used_at=bindparam("last_used_at"))
)
_SIGNED_IN = Statement(
    update(USERS)
    .where(USERS.c.id == bindparam("of_user"))
    .values(last_sign_in_at=bindparam("last_sign_in_at"), group_role=bindparam("group_role"))
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
    found = _ADDRESSED.first(place, {"key": address.key})
    if found is None:
        return Known()
    addressed = account_from(found)
    # A link of this very subject is one made a moment before, by a sign-in beside this one.
    holder = {**who, "user_id": addressed.id, "client_id": subject.client_id}
    taken = _TAKEN.first(place, holder)
    return Known(addressed=addressed, taken=taken is not None)


def enter(
    place: Place,
    admitted: Admitted,
    *,
    tenant: Tenant,
    subject: Subject,
    now: datetime,
) -> int:
    """Create or link the account as admitted, and note the sign-in; give the account's number.

    Where a racing sign-in created the account or the link first, the transaction fails with an
    IntegrityError, here or at its end.
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
        _LINK.ask(place, link)
    else:
        used = {
            "of_issuer": subject.issuer,
            "of_subject": subject.name,
            "of_tenant": tenant.id,
            "last_used_at": now,
        }
        _USED.ask(place, used)
    noted = {"of_user": user_id, "last_sign_in_at": now, "group_role": admitted.group_role}
    _SIGNED_IN.ask(place, noted)
    return user_id


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
        update(USERS)
        .where(
            USERS.c.id == account.id,
            USERS.c.password_hash == account.password_hash,
            USERS.c.disabled.is_(False),
        )
        .values(
            last_sign_in_at=now,
            group_role=None,
            password_hash=rehashed or account.password_hash,
        )
    )
    return result.rowcount == 1

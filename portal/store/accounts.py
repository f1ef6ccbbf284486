"""Accounts and the identities linked to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from portal.core.address import Address
from portal.core.admission import Admitted, Known
from portal.core.registry import Account, Role, Tenant
from portal.store.engine import AnyRow
from portal.store.tables import IdentityRow, TenantRow, UserRow

ACCOUNT_COLUMNS = (
    UserRow.id.label("user_id"),
    UserRow.email,
    UserRow.name.label("user_name"),
    UserRow.role,
    UserRow.group_role,
    UserRow.disabled,
    UserRow.sso_exempt,
    UserRow.password_hash,
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


def account_from(row: AnyRow) -> Account:
    """Make an account from a row with ACCOUNT_COLUMNS.

    Its role is the higher of the one assigned and the one that the provider's groups gave last.
    """
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


_BY_KEY = _ACCOUNTS.where(UserRow.email_key == bindparam("key"))


def by_address(connection: Connection, address: Address) -> Account | None:
    """Give the account of an address, of whatever tenant, or None."""
    row = connection.execute(_BY_KEY, {"key": address.key}).first()
    return account_from(row) if row else None


def known(
    connection: Connection,
    address: Address,
    *,
    tenant: Tenant,
    subject: Subject,
) -> Known:
    """Give what is known of somebody who came back from a provider."""
    linked = connection.execute(
        _ACCOUNTS.join(IdentityRow, IdentityRow.user_id == UserRow.id).where(
            IdentityRow.issuer == subject.issuer,
            IdentityRow.subject == subject.name,
            IdentityRow.tenant_id == tenant.id,
        )
    ).first()
    if linked is not None:
        return Known(linked=account_from(linked))
    addressed = by_address(connection, address)
    if addressed is None:
        return Known()
    taken = connection.execute(
        select(IdentityRow.id).where(
            IdentityRow.user_id == addressed.id,
            IdentityRow.issuer == subject.issuer,
            IdentityRow.client_id == subject.client_id,
        )
    ).first()
    return Known(addressed=addressed, taken=taken is not None)


def enter(
    connection: Connection,
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
        user_id = _create(connection, admitted, tenant=tenant, now=now)
    else:
        user_id = admitted.account.id
    if admitted.link:
        connection.execute(
            insert(IdentityRow).values(
                user_id=user_id,
                tenant_id=tenant.id,
                issuer=subject.issuer,
                client_id=subject.client_id,
                subject=subject.name,
                created_at=now,
                last_used_at=now,
            )
        )
    else:
        connection.execute(
            update(IdentityRow)
            .where(
                IdentityRow.issuer == subject.issuer,
                IdentityRow.subject == subject.name,
                IdentityRow.tenant_id == tenant.id,
            )
            .values(last_used_at=now)
        )
    connection.execute(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(last_sign_in_at=now, group_role=admitted.group_role)
    )
    row = connection.execute(_ACCOUNTS.where(UserRow.id == user_id)).one()
    return account_from(row)


def _create(connection: Connection, admitted: Admitted, *, tenant: Tenant, now: datetime) -> int:
    result = connection.execute(
        insert(UserRow)
        .values(
            email_key=admitted.address.key,
            email=str(admitted.address),
            name=admitted.name,
            tenant_id=tenant.id,
            role=Role.MEMBER,
            origin="sso",
            created_at=now,
        )
        .returning(UserRow.id)
    )
    return int(result.scalar_one())


def note_password_sign_in(
    connection: Connection, account: Account, *, rehashed: str | None, now: datetime
) -> None:
    """Note a sign-in by password, and store the hash anew where its parameters were old."""
    values: dict[str, Any] = {"last_sign_in_at": now}
    if rehashed:
        values["password_hash"] = rehashed
    connection.execute(update(UserRow).where(UserRow.id == account.id).values(**values))

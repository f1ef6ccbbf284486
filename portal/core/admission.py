"""Whether verified claims may enter a tenant, as whom, and with which role."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portal.core.address import Address, AddressError, Domain
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import (
    Account,
    Connection,
    DomainRule,
    EmailVerified,
    NewUsers,
    Role,
    Tenant,
)
from portal.core.text import one_line
from portal.core.values import quick_value


@quick_value
class Known:
    """What the store knows of the person who came back.

    `linked` is the account of (issuer, subject) in this tenant; `addressed` the account of the
    address, of whatever tenant; `taken` whether that account already belongs to another subject
    of the same client.
    """

    linked: Account | None = None
    addressed: Account | None = None
    taken: bool = False


@quick_value
class Admitted:
    """The person may enter: as `account`, or as a new one where that is None.

    `link` says that (issuer, subject) is new to the account. `group_role` is what the provider's
    groups give, None where they give nothing.
    """

    address: Address
    name: str
    account: Account | None
    link: bool
    group_role: Role | None


def address_from(claims: Mapping[str, Any], connection: Connection) -> Address:
    """Give the e-mail address that the provider vouches for (OIDC Core, 5.1).

    Raises SignInFailure `email_not_allowed` where it is missing, in an odd spelling, or not
    verified as the connection asks.
    """
    raw = claims.get("email")
    if not isinstance(raw, str) or raw != raw.strip():
        raise SignInFailure(FailureCode.EMAIL_NOT_ALLOWED, "no usable email claim")
    try:
        address = Address.parse(raw)
    except AddressError:
        raise SignInFailure(
            FailureCode.EMAIL_NOT_ALLOWED, "the email claim is no address"
        ) from None
    verified = claims.get("email_verified")
    lax = connection.email_verified is EmailVerified.UNLESS_FALSE
    if verified is not True and not (lax and "email_verified" not in claims):
        raise SignInFailure(
            FailureCode.EMAIL_NOT_ALLOWED, "the provider has not verified the email"
        )
    return address


def owner_of(candidates: Sequence[DomainRule], domain: Domain) -> Tenant | None:
    """Give the tenant that has proven a domain: that of the longest verified entry covering it."""
    proven = [rule for rule in candidates if rule.verified and rule.applies_to(domain)]
    closest = max(proven, key=lambda rule: len(rule.domain.name), default=None)
    return closest.tenant if closest else None


def check_domain(candidates: Sequence[DomainRule], address: Address, tenant: Tenant) -> None:
    """Refuse an address that is not of a verified domain of this tenant.

    Raises SignInFailure.
    """
    owner = owner_of(candidates, address.domain)
    if owner is None or owner.id != tenant.id:
        raise SignInFailure(
            FailureCode.EMAIL_NOT_ALLOWED, "the address is of no verified domain of this tenant"
        )


def check_required_claims(claims: Mapping[str, Any], connection: Connection) -> None:
    """Refuse an answer without just the values that the connection demands (SignInFailure)."""
    for name, wanted in connection.require_claims.items():
        found = claims.get(name)
        if type(found) is not type(wanted) or found != wanted:
            raise SignInFailure(
                FailureCode.OIDC_FAILED, f"the claim {name} has not the value required", claim=name
            )


def admit(
    claims: Mapping[str, Any],
    address: Address,
    *,
    tenant: Tenant,
    connection: Connection,
    known: Known,
) -> Admitted:
    """Decide as whom the person enters `tenant`. Raises SignInFailure.

    The account is found by issuer and subject; a first sign-in links to the tenant's account of
    the address or creates one. An address alone never reaches an account of another tenant, an
    operator, or an account that another subject of this client already holds.
    """
    account = known.linked or known.addressed
    if account is not None:
        _check_account(account, tenant)
    if known.linked is None and known.addressed is not None and known.taken:
        raise SignInFailure(
            FailureCode.EMAIL_NOT_ALLOWED, "the account is linked to another subject of this client"
        )
    if account is None and connection.new_users is NewUsers.REFUSE:
        raise SignInFailure(
            FailureCode.EMAIL_NOT_ALLOWED, "the connection takes only users known already"
        )
    return Admitted(
        address=address,
        name=_name(claims, address),
        account=account,
        link=known.linked is None,
        group_role=group_role(claims, connection),
    )


def _check_account(account: Account, tenant: Tenant) -> None:
    if account.tenant is None or account.tenant.id != tenant.id:
        raise SignInFailure(FailureCode.EMAIL_NOT_ALLOWED, "the address is an account elsewhere")
    if account.disabled:
        raise SignInFailure(FailureCode.ACCOUNT_DISABLED, "the account is disabled")


def _name(claims: Mapping[str, Any], address: Address) -> str:
    full = claims.get("name")
    if isinstance(full, str) and one_line(full):
        return one_line(full)[:200]
    parts = [claims.get("given_name"), claims.get("family_name")]
    joined = " ".join(one_line(part) for part in parts if isinstance(part, str))
    return joined.strip()[:200] or address.local


def group_role(claims: Mapping[str, Any], connection: Connection) -> Role | None:
    """Give the highest role that the provider's groups give here, None where they give none."""
    if not connection.role_claim:
        return None
    roles = {
        connection.roles[group]
        for group in group_names(claims, connection.role_claim)
        if group in connection.roles
    }
    return next((role for role in (Role.ADMIN, Role.MEMBER) if role in roles), None)


def group_names(claims: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the group names at a claim: texts, or objects with `name`.

    `path` is the claim's own name, or a dotted path into objects and lists of objects.
    """
    found: list[Any] = [claims]
    for part in [path] if path in claims else path.split("."):
        found = [item[part] for item in _flat(found) if isinstance(item, Mapping) and part in item]
    for item in _flat(found):
        name = item.get("name") if isinstance(item, Mapping) else item
        if isinstance(name, str):
            yield name


def _flat(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list):
            yield from item
        else:
            yield item

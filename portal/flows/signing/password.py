"""A password checked here: throttled, in equal time for everybody, ending in a session."""

import math
from dataclasses import replace

from pydantic import SecretStr

from portal.core.address import Address
from portal.core.errors import FailureCode, SignInFailure
from portal.core.redirects import HOME, SafePath
from portal.core.registry import Account
from portal.core.session import SignedInBy
from portal.crypto import PasswordsBusyError
from portal.flows.letters.break_glass_alarm import raise_alarm
from portal.flows.outcomes import SignedIn, Throttled, Visitor, WrongPassword
from portal.flows.signing.refusal import put_off
from portal.observe import PASSWORD_CHECKS, sign_ins
from portal.services import Services
from portal.store import accounts, attempts_log, audit, sessions
from portal.throttle import BUSY_SECONDS, PasswordLimits, Reached, password_limits


def check_password(
    services: Services,
    address: Address,
    password: SecretStr,
    visitor: Visitor,
    *,
    account: Account | None,
    next_path: SafePath | None = None,
    previous: SecretStr | None = None,
    by_mark: bool = False,
) -> SignedIn | WrongPassword | Throttled:
    """Sign in by password.

    An unknown address and a wrong password cost the same and look the same. `previous` is the
    token of the session that this browser leaves behind; `by_mark` says that the person may use a
    password for being break-glass alone, which is told to the admins. Raises SignInFailure for an
    account that is disabled or whose tenant is suspended, only once the password was right.
    """
    right = _judge(services, address, password, visitor, account=account)
    if isinstance(right, Throttled):
        return right
    if account is None or not right:
        return WrongPassword()
    if account.disabled:
        raise SignInFailure(FailureCode.ACCOUNT_DISABLED, "the account is disabled")
    if account.tenant and account.tenant.suspended:
        raise SignInFailure(FailureCode.TENANT_SUSPENDED, "the account's tenant is suspended")
    token = _open(services, account, password, visitor, previous=previous, by_mark=by_mark)
    if token is None:
        with services.database.quick_read() as place:
            found = accounts.by_address(place, address)
        if not _is_kept_anew(services, found, account):
            return WrongPassword()
        return check_password(
            services,
            address,
            password,
            visitor,
            account=found,
            next_path=next_path,
            previous=previous,
            by_mark=by_mark,
        )
    return SignedIn(token, next_path or HOME, services.known.mark(address, services.now()))


def _is_kept_anew(services: Services, found: Account | None, before: Account) -> bool:
    """Whether another hash stands there meanwhile: a second sign-in may have renewed an old one."""
    return (
        found is not None
        and found.password_hash not in {None, before.password_hash}
        and not services.passwords.is_due(found.password_hash or "")
    )


def _judge(
    services: Services,
    address: Address,
    password: SecretStr,
    visitor: Visitor,
    *,
    account: Account | None,
) -> bool | Throttled:
    """Say whether the password is right; a wrong one is counted and written down."""
    now = services.now()
    known = services.known.browser(visitor.known_mark, address, now)
    limits = password_limits(address, network=visitor.network, known_browser=known)
    with services.checks.one(limits.own.key) as another_ended:
        reserved = _reserve(services, limits)
        while isinstance(reserved, attempts_log.Exhausted) and another_ended():
            reserved = _reserve(services, limits)
        if isinstance(reserved, attempts_log.Exhausted):
            seconds = math.ceil(reserved.retry_after.total_seconds())
            return put_off("password", str(address), seconds=seconds, why=reserved.of)
        stored = account.password_hash if account else None
        try:
            with PASSWORD_CHECKS.track_inprogress():
                right = services.passwords.verify(
                    stored, password.get_secret_value(), known=address.key if known else ""
                )
        except PasswordsBusyError:
            attempts_log.release(services.database, reserved)
            return put_off("password", str(address), seconds=BUSY_SECONDS, why=Reached.AT_ONCE)
        if right:
            attempts_log.release(services.database, reserved)
        else:
            _note_wrong(services, address, visitor, account=account, reserved=reserved)
        return right


def _reserve(
    services: Services, limits: PasswordLimits
) -> attempts_log.Reserved | attempts_log.Exhausted:
    if not services.settings.rate_limits:
        return attempts_log.Reserved()
    return attempts_log.reserve(services.database, limits, now=services.now())


def _note_wrong(
    services: Services,
    address: Address,
    visitor: Visitor,
    *,
    account: Account | None,
    reserved: attempts_log.Reserved,
) -> None:
    sign_ins("password", "wrong_password").inc()
    entry = _entry(services, address, visitor, account=account, outcome="wrong_password")
    with services.database.transaction(brief=True) as connection:
        attempts_log.count_wrong(connection, reserved, now=services.now())
        audit.record(connection, entry)


def _open(
    services: Services,
    account: Account,
    password: SecretStr,
    visitor: Visitor,
    *,
    previous: SecretStr | None,
    by_mark: bool,
) -> str | None:
    assert account.password_hash is not None, "a right password has a hash"
    rehashed = None
    if services.passwords.is_due(account.password_hash):
        rehashed = services.passwords.hash(password.get_secret_value())
    address = Address.parse(account.email)
    now = services.now()
    with services.database.transaction(brief=True) as connection:
        if not accounts.note_password_sign_in(connection, account, rehashed=rehashed, now=now):
            return None
        if previous:
            sessions.end_by_token(connection, previous.get_secret_value())
        token = sessions.open_session(
            connection,
            account.id,
            SignedInBy("password"),
            now=now,
            network=visitor.network,
            user_agent=visitor.user_agent,
        )
        entry = _entry(services, address, visitor, account=account, outcome="success")
        audit.record(connection, replace(entry, detail={"break_glass": True}) if by_mark else entry)
        if by_mark:
            raise_alarm(services, connection, account, visitor)
    sign_ins("password", "success").inc()
    return token


def _entry(
    services: Services,
    address: Address,
    visitor: Visitor,
    *,
    account: Account | None,
    outcome: str,
) -> audit.Entry:
    return audit.Entry(
        at=services.now(),
        event=audit.Event.SIGN_IN_PASSWORD,
        outcome=outcome,
        actor=str(address),
        tenant_id=account.tenant.id if account and account.tenant else None,
        user_id=account.id if account else None,
        network=visitor.network,
        reference=visitor.reference,
    )

"""Before a change in the admin pages: whether it is still the person who signed in.

is_fresh           signed in within the last 15 minutes
confirm_password   the password once more, for sessions begun by password
to_provider        a fresh run through the provider, for sessions begun by SSO
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import SecretStr

from portal.core.address import Address
from portal.core.errors import FailureCode, SignInFailure
from portal.core.redirects import SafePath
from portal.core.registry import Connection, Tenant
from portal.core.session import Session
from portal.crypto import PasswordsBusyError
from portal.flows.outcomes import Failed, GoToProvider, Throttled, Visitor, WrongPassword
from portal.flows.signing.refusal import write_down
from portal.flows.signing.sign_in import go_to_provider
from portal.services import Services
from portal.store import attempts_log, audit, session_proofs
from portal.throttle import BUSY_SECONDS, Reached, password_limits

FRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """It is them: the session counts as fresh from now on."""


def is_fresh(session: Session, now: datetime) -> bool:
    """Whether the person proved who they are within the last 15 minutes."""
    return now - session.authenticated_at < FRESH


def confirm_password(
    services: Services, session: Session, password: SecretStr, visitor: Visitor
) -> Confirmed | WrongPassword | Throttled:
    """Take the password once more. Wrong ones count against the limit of the sign-in page."""
    address = Address.parse(session.account.email)
    reserved = attempts_log.Reserved()
    if services.settings.rate_limits:
        # A budget of this session's own: wrong tries elsewhere must not keep its person out.
        limits = password_limits(address, known_browser=f"session {session.id}")
        taken = attempts_log.reserve(services.database, limits, now=services.now())
        if isinstance(taken, attempts_log.Exhausted):
            return Throttled(max(1, math.ceil(taken.retry_after.total_seconds())), taken.of)
        reserved = taken
    try:
        stored = session.account.password_hash
        right = services.passwords.verify(stored, password.get_secret_value(), known=address.key)
    except PasswordsBusyError:
        attempts_log.release(services.database, reserved)
        return Throttled(BUSY_SECONDS, Reached.AT_ONCE)
    if right:
        attempts_log.release(services.database, reserved)
    _note(services, session, visitor, right=right)
    return Confirmed() if right else WrongPassword()


def _note(services: Services, session: Session, visitor: Visitor, *, right: bool) -> None:
    tenant = session.account.tenant
    entry = audit.Entry(
        at=services.now(),
        event=audit.Event.STEP_UP,
        outcome="success" if right else "wrong_password",
        actor=session.account.email,
        tenant_id=tenant.id if tenant else None,
        user_id=session.account.id,
        network=visitor.network,
        reference=visitor.reference,
    )
    with services.database.transaction(brief=True) as connection:
        if right:
            session_proofs.renew(connection, session.id, services.now())
        audit.record(connection, entry)


def to_provider(
    services: Services, session: Session, visitor: Visitor, *, back: SafePath
) -> GoToProvider | Failed:
    """Send the person through their provider again, which must ask them anew (`max_age=0`).

    They come back with a new, fresh session (OIDC Core, 3.1.2.1).
    """
    tenant = session.account.tenant
    try:
        tenant, connection = _way_in(services, session)
        asked = {**connection.authorize_params, "max_age": "0"}
        return go_to_provider(
            services,
            tenant,
            replace(connection, authorize_params=asked),
            visitor,
            email=session.account.email,
            next_path=back,
        )
    except SignInFailure as failure:
        return write_down(
            services,
            failure,
            visitor,
            method="sso",
            tenant=tenant,
            email=session.account.email,
            next_path=back,
            is_persons=True,
        )


def _way_in(services: Services, session: Session) -> tuple[Tenant, Connection]:
    tenant = session.account.tenant
    bundle = services.registry.tenant_by_id(tenant.id) if tenant else None
    connection = bundle.connections.get(session.by.connection_id or 0) if bundle else None
    if bundle is None or connection is None or not connection.usable:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the session's connection is off")
    return bundle.tenant, connection

"""Sign-out: here, at the provider, and when a provider says that it has happened there."""

from dataclasses import dataclass

from portal.core.errors import SignInFailure
from portal.core.session import Session
from portal.core.tokens import read_addressee
from portal.crypto import UnreadableSecretError
from portal.flows.outcomes import Visitor
from portal.observe import log
from portal.oidc.authorization import end_session_url
from portal.services import Services
from portal.store import audit, sessions, spent


@dataclass(frozen=True, slots=True)
class LogoutRefused:
    """A logout token that does not count; `error` is an OAuth error code."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class LogoutTaken:
    """How many sessions a provider's word ended."""

    ended: int


def sign_out(services: Services, session: Session, visitor: Visitor) -> str | None:
    """End this session; give the address at which the provider's session ends too, if it has one.

    The session here is over whatever the provider does.
    """
    with services.database.transaction(brief=True) as connection:
        sessions.end(connection, session.id)
        audit.record(connection, _entry(services, session, visitor, audit.Event.SIGN_OUT))
    return _end_session_url(services, session)


def revoke(services: Services, session: Session, public_id: str, visitor: Visitor) -> bool:
    """End another session of the same person; give whether it was there."""
    with services.database.transaction(brief=True) as connection:
        found = sessions.end_by_public_id(connection, public_id, account_id=session.account.id)
        if found:
            entry = _entry(services, session, visitor, audit.Event.SESSION_REVOKED)
            audit.record(connection, entry)
    return found


def can_end_at_provider(services: Services, session: Session) -> bool:
    """Whether signing out here leads to the provider's sign-out too (feature-detected)."""
    return _end_session_url(services, session) is not None


def _end_session_url(services: Services, session: Session) -> str | None:
    """Build the RP-initiated logout request (RP-Initiated Logout, 2), where there is one."""
    by = session.by
    if by.issuer is None or by.id_token is None:
        return None
    client = next(
        (c for c in services.registry.clients_at(by.issuer) if c.client_id == by.client_id), None
    )
    if client is None:
        return None
    try:
        return end_session_url(
            services.relying_party.metadata(client),
            client,
            id_token=services.vault.open(by.id_token),
            post_logout_redirect_uri=f"{services.settings.base_url}/auth/logged-out",
        )
    except (SignInFailure, UnreadableSecretError) as error:
        log.warning("sign_out.provider_skipped", issuer=by.issuer, cause=str(error))
        return None


def end_by_logout_token(
    services: Services, raw: str, visitor: Visitor
) -> LogoutTaken | LogoutRefused:
    """Take a back-channel logout token (Back-Channel Logout, 2.5 to 2.7).

    A `sid` ends that session, `sub` alone every session of that person at that issuer. The token
    counts once, together with what it ends, or not at all.
    """
    try:
        addressee = read_addressee(raw)
        clients = [
            client
            for client in services.registry.clients_at(addressee.issuer)
            if client.client_id in addressee.audiences
        ]
        if not clients:
            return LogoutRefused("invalid_request", "the token is for none of our clients")
        claims = services.relying_party.logout_claims(clients[0], raw)
    except SignInFailure as failure:
        log.warning("logout_token.refused", cause=failure.detail, reference=visitor.reference)
        return LogoutRefused("invalid_request", "the logout token is not valid")
    with services.database.transaction() as connection:
        key = f"jti {claims.issuer} {claims.jti}"
        if not spent.spend(connection, key, expires_at=claims.spent_until):
            return LogoutRefused("invalid_request", "the logout token was used before")
        ended = sessions.end_at_provider(
            connection,
            issuer=claims.issuer,
            client_ids=[client.client_id for client in clients],
            sid=claims.sid,
            subject=claims.subject,
        )
        if ended:  # a provider may send a million that end nothing
            audit.record(connection, _told(services, visitor, claims.issuer, ended))
    log.info("logout_token.taken", ended=ended, reference=visitor.reference)
    return LogoutTaken(ended)


def end_by_front_channel(services: Services, issuer: str, sid: str, visitor: Visitor) -> int:
    """End the sessions that a provider's frame names (Front-Channel Logout, 2); give how many."""
    clients = services.registry.clients_at(issuer)
    if not clients or not sid:
        return 0
    with services.database.transaction() as connection:
        ended = sessions.end_at_provider(
            connection,
            issuer=issuer,
            client_ids=[client.client_id for client in clients],
            sid=sid,
            subject=None,
        )
        if ended:
            audit.record(connection, _told(services, visitor, issuer, ended))
    return ended


def _told(services: Services, visitor: Visitor, issuer: str, ended: int) -> audit.Entry:
    return audit.Entry(
        at=services.now(),
        event=audit.Event.SESSION_ENDED_BY_PROVIDER,
        outcome="success",
        actor=issuer,
        network=visitor.network,
        reference=visitor.reference,
        detail={"ended": ended},
    )


def _entry(
    services: Services, session: Session, visitor: Visitor, event: audit.Event
) -> audit.Entry:
    tenant = session.account.tenant
    return audit.Entry(
        at=services.now(),
        event=event,
        outcome="success",
        actor=session.account.email,
        tenant_id=tenant.id if tenant else None,
        user_id=session.account.id,
        network=visitor.network,
        reference=visitor.reference,
    )

"""Somebody proven by a provider comes in: admitted, linked to an account, given a session."""

from dataclasses import field
from datetime import UTC, datetime

from pydantic import SecretStr

from portal.core.address import Address
from portal.core.admission import address_from, admit, check_domain, check_required_claims
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Client, Connection, Tenant
from portal.core.session import SignedInBy
from portal.core.tokens import VerifiedClaims
from portal.core.values import quick_value
from portal.flows.outcomes import Visitor
from portal.services import Services
from portal.store import accounts, audit, sessions
from portal.store.engine import IntegrityError


@quick_value
class Arrival:
    """Verified claims, and the door that they came through."""

    tenant: Tenant
    connection: Connection
    client: Client
    id_token: str = field(repr=False)
    claims: VerifiedClaims


def enter(
    services: Services, arrival: Arrival, visitor: Visitor, *, previous: SecretStr | None
) -> str:
    """Admit the person and open a session; give its token.

    `previous` is the session that this browser leaves behind. Raises SignInFailure where the
    claims may not enter this tenant.
    """
    claims, ends_by = arrival.claims.all, arrival.claims.session_expiry
    if ends_by is not None and ends_by <= services.now():
        raise SignInFailure(FailureCode.SESSION_EXPIRED, "the provider's session has ended")
    check_required_claims(claims, arrival.connection)
    address = address_from(claims, arrival.connection)
    try:
        return _open(services, arrival, visitor, address=address, previous=previous)
    except IntegrityError:
        # Another sign-in of the same person created the account or the link a moment before.
        return _open(services, arrival, visitor, address=address, previous=previous)


def _open(
    services: Services,
    arrival: Arrival,
    visitor: Visitor,
    *,
    address: Address,
    previous: SecretStr | None,
) -> str:
    now, tenant, by = services.now(), arrival.tenant, _signed_in_by(services, arrival)
    who = accounts.Subject(arrival.client.issuer, arrival.client.client_id, arrival.claims.subject)
    with services.database.quick_transaction() as place:
        entries = services.registry.ask_candidates(place, address.domain)
        known = accounts.known(place, address, tenant=tenant, subject=who)
        check_domain(entries(), address, tenant)
        admitted = admit(
            arrival.claims.all,
            address,
            tenant=tenant,
            connection=arrival.connection,
            known=known,
        )
        user_id = accounts.enter(place, admitted, tenant=tenant, subject=who, now=now)
        if previous:
            sessions.end_by_token(place, previous.get_secret_value())
        token = sessions.open_session(
            place,
            user_id,
            by,
            now=now,
            authenticated_at=_authenticated_at(arrival, now),
            ends_by=arrival.claims.session_expiry,
            network=visitor.network,
            user_agent=visitor.user_agent,
        )
        entry = audit.Entry(
            at=now,
            event=audit.Event.SIGN_IN_SSO,
            outcome="success",
            actor=admitted.account.email if admitted.account else str(address),
            tenant_id=tenant.id,
            user_id=user_id,
            object=f"connection {arrival.connection.slug}",
            network=visitor.network,
            reference=visitor.reference,
        )
        audit.record(place, entry)
    return token


def _authenticated_at(arrival: Arrival, now: datetime) -> datetime:
    """Give when the person last proved who they are: the provider knows (OIDC Core, 2).

    A silent round trip through a session at the provider is not a fresh proof.
    """
    told = arrival.claims.all.get("auth_time")
    if isinstance(told, bool) or not isinstance(told, int | float):
        return now
    if 0 < told < now.timestamp():
        return datetime.fromtimestamp(told, UTC)
    return now


def _signed_in_by(services: Services, arrival: Arrival) -> SignedInBy:
    return SignedInBy(
        "sso",
        connection_id=arrival.connection.id,
        connection_name=arrival.connection.name,
        issuer=arrival.client.issuer,
        client_id=arrival.client.client_id,
        subject=arrival.claims.subject,
        sid=arrival.claims.sid,
        id_token=services.vault.seal(arrival.id_token),
    )

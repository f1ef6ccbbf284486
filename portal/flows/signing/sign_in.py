"""The beginning of a sign-in: from an address to a password check or to a provider."""

from typing import assert_never

from pydantic import SecretStr

from portal.core.address import Address
from portal.core.attempt import Attempt, Purpose, cookie_name, new_state
from portal.core.errors import FailureCode, SignInFailure
from portal.core.redirects import HOME, SafePath
from portal.core.registry import Account, Connection, Tenant
from portal.core.routing import (
    Asked,
    AskPassword,
    Choose,
    Refused,
    Route,
    SsoNotSetUp,
    UsePassword,
    UseSso,
    Verdict,
    decide,
    resolve,
)
from portal.core.values import quick_value
from portal.flows.letters.break_glass_alarm import is_break_glass
from portal.flows.outcomes import (
    BeginOutcome,
    ChoiceAsked,
    GoToProvider,
    PasswordAsked,
    SsoMissing,
    Visitor,
)
from portal.flows.signing.password import check_password
from portal.flows.signing.refusal import write_down
from portal.oidc.authorization import (
    authorization_url,
    new_code_verifier,
    new_nonce,
    requested_max_age,
)
from portal.services import Services
from portal.store import accounts
from portal.store.registry import Bundle
from portal.store.started import Started

SENDING = "sending"


@quick_value
class SignIn:
    """What the form said. `previous` is the session token that the browser already has."""

    address: Address
    password: SecretStr | None = None
    wants_sso: bool = False
    connection: str = ""
    next: SafePath | None = None
    previous: SecretStr | None = None


def begin(services: Services, sign_in: SignIn, visitor: Visitor) -> BeginOutcome:
    """Begin a sign-in: decide where the address goes, and take the first step there."""
    asked = Asked(
        password_typed=sign_in.password is not None,
        wants_sso=sign_in.wants_sso or bool(sign_in.connection),
        connection=sign_in.connection,
    )
    verdict, account = judge(services, sign_in.address, asked=asked)
    try:
        return _act(services, sign_in, visitor, verdict=verdict, account=account)
    except SignInFailure as failure:
        decision = verdict.decision
        way = decision.connection if isinstance(decision, UseSso) else None
        return write_down(
            services,
            failure,
            visitor,
            method="password" if isinstance(decision, UsePassword) else "sso",
            tenant=verdict.route.rule.tenant if verdict.route.rule else None,
            connection=way,
            email=str(sign_in.address),
            next_path=sign_in.next,
            facts=sending(way) if way else None,
        )


def go_straight(services: Services, sign_in: SignIn, visitor: Visitor) -> GoToProvider | None:
    """Give the way to the provider where that is all there is to a sign-in, at once.

    None where anything else is to be done, said or fetched: nothing has happened then, and `begin`
    does it all.
    """
    asked = Asked(wants_sso=sign_in.wants_sso)
    verdict, _ = judge(services, sign_in.address, asked=asked)
    rule = verdict.route.rule
    match verdict.decision:
        case UseSso(connection) if rule is not None and connection.client is not None:
            if not services.providers.has_metadata(connection.client.issuer):
                return None
        case _:
            return None
    email = str(sign_in.address)
    try:
        return go_to_provider(
            services,
            rule.tenant,
            connection,
            visitor,
            email=email,
            next_path=sign_in.next,
            is_theirs=True,
        )
    except SignInFailure:
        return None


def sending(connection: Connection | None) -> dict[str, object]:
    """Give what is known of a sign-in that fails before anybody is sent to a provider."""
    return {"stage": SENDING, **({"connection_id": connection.id} if connection else {})}


def judge(services: Services, address: Address, *, asked: Asked) -> tuple[Verdict, Account | None]:
    """Decide for an address as the registry is now; give its account too."""
    rules, account = services.registry.candidates_and_account(address)
    if not rules and asked.password_typed:
        with services.database.read(brief=True) as connection:
            account = accounts.by_address(connection, address)
    route = resolve(rules, address.domain)
    return decide(route, address, asked=asked, account=account), account


def route_of(services: Services, address: Address) -> Route:
    """Give the route of the address's domain: it depends on the domain alone."""
    return resolve(services.registry.candidates(address.domain), address.domain)


def _act(
    services: Services,
    sign_in: SignIn,
    visitor: Visitor,
    *,
    verdict: Verdict,
    account: Account | None,
) -> BeginOutcome:
    rule = verdict.route.rule
    match verdict.decision:
        case UsePassword():
            assert sign_in.password is not None, "only a typed password is checked"
            return check_password(
                services,
                sign_in.address,
                sign_in.password,
                visitor,
                account=account,
                next_path=sign_in.next,
                previous=sign_in.previous,
                by_mark=is_break_glass(verdict, account),
            )
        case AskPassword(off, exempt_only):
            return PasswordAsked(off, exempt_only)
        case UseSso(connection):
            assert rule is not None, "a connection comes from a rule"
            email = str(sign_in.address)
            return go_to_provider(
                services,
                rule.tenant,
                connection,
                visitor,
                email=email,
                next_path=sign_in.next,
                is_theirs=True,
            )
        case Choose(connections):
            assert rule is not None, "connections come from a rule"
            return ChoiceAsked(rule.tenant, connections)
        case SsoNotSetUp():
            return SsoMissing()
        case Refused(code):
            raise SignInFailure(code, verdict.reason)
        case _:
            assert_never(verdict.decision)


def begin_at(
    services: Services,
    tenant_slug: str,
    connection_slug: str,
    visitor: Visitor,
    *,
    email: str = "",
    next_path: SafePath | None = None,
) -> BeginOutcome:
    """Begin at one connection of a tenant: the buttons of `/login/<tenant>`."""
    bundle = services.registry.tenant(tenant_slug)
    tenant = bundle.tenant if bundle else None
    try:
        connection = _usable(bundle, connection_slug)
        assert tenant is not None, "a usable connection has its tenant"
        return go_to_provider(
            services, tenant, connection, visitor, email=email, next_path=next_path
        )
    except SignInFailure as failure:
        return write_down(
            services,
            failure,
            visitor,
            method="sso",
            tenant=tenant,
            connection=bundle.connection(connection_slug) if bundle else None,
            email=email,
            next_path=next_path,
            facts=sending(bundle.connection(connection_slug) if bundle else None),
        )


def _usable(bundle: Bundle | None, slug: str) -> Connection:
    connection = bundle.connection(slug) if bundle else None
    if bundle is None or connection is None or not connection.usable:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "no such connection, or it is off")
    if bundle.tenant.suspended:
        raise SignInFailure(FailureCode.TENANT_SUSPENDED, "the tenant is suspended")
    return connection


def go_to_provider(
    services: Services,
    tenant: Tenant,
    connection: Connection,
    visitor: Visitor,
    *,
    email: str,
    next_path: SafePath | None,
    purpose: Purpose = Purpose.SIGN_IN,
    is_theirs: bool = False,
) -> GoToProvider:
    """Give the authorization request, and the attempt that its answer is held against.

    Writes nothing: the attempt travels sealed in a cookie, and a line that it began waits in
    memory to be written. `is_theirs` where a domain of the tenant led here, so that the line may
    bear the address. Raises SignInFailure where the provider's metadata cannot be had.
    """
    client = connection.client
    if client is None:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection has no client")
    services.relying_party.require_usable(client)
    metadata = services.providers.metadata(client.issuer)
    attempt = Attempt(
        state=new_state(services.state_key),
        tenant_id=tenant.id,
        connection_id=connection.id,
        issuer=client.issuer,
        client_id=client.client_id,
        redirect_uri=client.redirect_uri,
        nonce=new_nonce(),
        verifier=new_code_verifier(),
        next=next_path or HOME,
        email=email,
        began_at=services.now(),
        max_age=requested_max_age(connection),
        purpose=purpose,
    )
    url = authorization_url(
        metadata,
        client,
        connection,
        state=attempt.state,
        nonce=attempt.nonce,
        code_verifier=attempt.verifier,
        login_hint=email,
    )
    sealed = services.attempts.seal(attempt.dump())
    name = cookie_name(attempt.state)
    if purpose is not Purpose.TRIAL:
        services.started.note(_started(name, attempt, visitor), is_theirs=is_theirs)
    return GoToProvider(url, name, sealed)


def _started(key: str, attempt: Attempt, visitor: Visitor) -> Started:
    return Started(
        key=key,
        at=attempt.began_at,
        tenant_id=attempt.tenant_id,
        connection_id=attempt.connection_id,
        actor=attempt.email,
        network=visitor.network,
        reference=visitor.reference,
    )

"""The return from a provider: from its answer to a session, or to one of the failure codes."""

import hmac
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from portal.core.admission import group_names
from portal.core.attempt import LIFETIME, Attempt, genuine_state
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Client, Connection, EmailVerified, Sealed, Tenant
from portal.core.tokens import VerifiedClaims
from portal.crypto import UnreadableSecretError
from portal.flows.arrival import Arrival, enter
from portal.flows.outcomes import FinishOutcome, SignedIn, Visitor
from portal.flows.refusal import write_down
from portal.observe import SIGN_INS
from portal.oidc.authorization import check_response_issuer, requested_max_age
from portal.oidc.client import Tokens
from portal.services import Services
from portal.store import spent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back in the query, each at most once.

    `redirect_uri` is the address at which it came; `sealed_attempt` the cookie of this state;
    `previous` the session token that the browser already has.
    """

    redirect_uri: str
    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str | None = None
    is_ambiguous: bool = False
    sealed_attempt: str = field(default="", repr=False)
    previous: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class _Opened:
    attempt: Attempt
    tenant: Tenant
    connection: Connection
    client: Client


def finish(services: Services, answer: Answer, visitor: Visitor) -> FinishOutcome:
    """Finish a sign-in: every check passed, or no session at all."""
    attempt: Attempt | None = None
    tenant: Tenant | None = None
    try:
        attempt = _take_attempt(services, answer)
        opened = _open_registry(services, attempt)
        tenant = opened.tenant
        _check_answer(services, answer, opened)
        tokens, claims = _identify(services, answer, opened)
        token = enter(
            services,
            Arrival(opened.tenant, opened.connection, opened.client, tokens.id_token, claims),
            visitor,
            previous=answer.previous,
        )
    except SignInFailure as failure:
        return write_down(
            services,
            failure,
            visitor,
            method="sso",
            tenant=tenant,
            email=attempt.email if attempt else "",
            next_path=attempt.next if attempt else None,
        )
    SIGN_INS.labels("sso", "success").inc()
    return SignedIn(token, attempt.next)


def _take_attempt(services: Services, answer: Answer) -> Attempt:
    """Spend the state, then open the attempt of the browser that began.

    The state is spent first and in a transaction of its own: whatever comes of this answer, the
    same state never counts again. Only states of our own making are written down.
    """
    state = genuine_state(answer.state, services.state_key)
    if state is None:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state is missing or not of our making")
    now = services.now()
    with services.database.transaction() as connection:
        is_first = spent.spend(connection, state, expires_at=now + LIFETIME)
    if not is_first:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state was used before")
    attempt = _open_cookie(services, answer.sealed_attempt)
    if attempt is None or not hmac.compare_digest(attempt.state, state):
        raise SignInFailure(
            FailureCode.STATE_MISMATCH, "the attempt does not belong to this browser"
        )
    if not attempt.is_fresh(now):
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the attempt is older than 10 minutes")
    if answer.is_ambiguous:
        raise SignInFailure(FailureCode.OIDC_FAILED, "a parameter of the answer is repeated")
    return attempt


def _open_cookie(services: Services, sealed: str) -> Attempt | None:
    if not sealed or not sealed.isascii():
        return None
    try:
        return Attempt.load(services.attempts.open(Sealed(sealed.encode())))
    except (UnreadableSecretError, ValueError, TypeError, KeyError):
        return None


def _open_registry(services: Services, attempt: Attempt) -> _Opened:
    """Read tenant, connection and client afresh: what changed midway holds."""
    bundle = services.registry.tenant_by_id(attempt.tenant_id)
    if bundle is None or bundle.tenant.suspended:
        raise SignInFailure(FailureCode.TENANT_SUSPENDED, "the tenant is suspended or gone")
    connection = bundle.connections.get(attempt.connection_id)
    if connection is None or connection.client is None or not connection.enabled:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection is off or gone")
    client = connection.client
    if (client.issuer, client.client_id) != (attempt.issuer, attempt.client_id):
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection has another client now")
    return _Opened(
        attempt, bundle.tenant, connection, replace(client, redirect_uri=attempt.redirect_uri)
    )


def _check_answer(services: Services, answer: Answer, opened: _Opened) -> None:
    """Check that this answer is the one asked for (RFC 9700, 4.4: mix-up)."""
    if answer.redirect_uri != opened.attempt.redirect_uri:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the answer came at another's redirect URI")
    metadata = services.providers.metadata(opened.attempt.issuer)
    check_response_issuer(metadata, answer.issuer)
    if answer.error:
        raise _provider_error(answer.error)
    if not answer.code:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the answer has neither code nor error")


_SAID_NO = frozenset(
    {
        "access_denied",
        "login_required",
        "consent_required",
        "interaction_required",
        "account_selection_required",
    }
)
_NOT_NOW = frozenset({"temporarily_unavailable", "server_error"})


def _provider_error(error: str) -> SignInFailure:
    """Map an error answer (RFC 6749, 4.1.2.1; OIDC Core, 3.1.2.6); its text goes no further."""
    if error in _SAID_NO:
        return SignInFailure(FailureCode.ACCESS_DENIED, f"the provider said {error}")
    if error in _NOT_NOW:
        return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, f"the provider said {error}")
    return SignInFailure(FailureCode.OIDC_FAILED, "the provider answered with an error")


def _identify(services: Services, answer: Answer, opened: _Opened) -> tuple[Tokens, VerifiedClaims]:
    """Redeem the code and verify who signed in; no transaction is open meanwhile."""
    attempt, client = opened.attempt, opened.client
    party = services.relying_party
    tokens = party.exchange(client, code=answer.code, code_verifier=attempt.verifier)
    claims = party.identify(
        client,
        tokens,
        nonce=attempt.nonce,
        code=answer.code,
        max_age=requested_max_age(opened.connection),
    )
    if _lacks_something(claims, opened.connection):
        claims = party.with_userinfo(client, tokens, claims=claims)
    return tokens, claims


def _lacks_something(claims: VerifiedClaims, connection: Connection) -> bool:
    """Whether userinfo may know what the ID token does not say."""
    wanted = {"email", *connection.require_claims}
    if connection.email_verified is EmailVerified.REQUIRED:
        wanted.add("email_verified")
    missing_groups = connection.role_claim and not any(
        True for _ in group_names(claims.all, connection.role_claim)
    )
    return bool(missing_groups) or not wanted <= claims.all.keys()

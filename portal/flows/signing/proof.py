"""From a provider's answer to a person proven: the steps that every return goes through."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from portal.core.attempt import Attempt, Purpose
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Client, Connection, EmailVerified, Tenant
from portal.core.tokens import VerifiedClaims
from portal.core.values import quick_value
from portal.flows.changes.secret_replacement import note_exchange
from portal.flows.signing.arrival import Arrival
from portal.oidc.authorization import check_response_issuer
from portal.oidc.client import Tokens, UserinfoRefused
from portal.services import Services
from portal.store.registry import Bundle


class Stage(StrEnum):
    """How far a return has come; a failure belongs to the stage that it happened in."""

    STATE = "state"
    REGISTRY = "registry"
    ANSWER = "answer"
    TOKEN = "token"  # noqa: S105 - a stage, not a secret
    IDENTITY = "identity"
    ADMISSION = "admission"


BY_OLD = "with the old secret: the issuer does not take the new one"
BY_NEW = "with the new secret: the first sign-in takes the old one away"


@dataclass(slots=True)
class Progress:
    """Where a return stands; the claims, once they are verified.

    `secret` says which of two secrets the issuer took, while a new one replaces an old one.
    """

    stage: Stage = Stage.STATE
    claims: VerifiedClaims | None = None
    secret: str = ""


@quick_value
class Answer:
    """What came back in the query, each at most once; `redirect_uri` is where it came."""

    redirect_uri: str
    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str | None = None
    is_ambiguous: bool = False


def prove(
    services: Services,
    answer: Answer,
    attempt: Attempt,
    bundle: Bundle | None,
    progress: Progress,
) -> Arrival:
    """Give who came back, proven by the provider that was asked. Raises SignInFailure.

    `bundle` is the attempt's tenant, read as the answer came: what changed midway holds. No
    transaction is open while the provider is asked.
    """
    progress.stage = Stage.REGISTRY
    tenant, connection, client = _way_in(attempt, bundle)
    progress.stage = Stage.ANSWER
    _check_answer(services, answer, attempt)
    progress.stage = Stage.TOKEN
    party = services.relying_party
    tokens = party.exchange(client, code=answer.code, code_verifier=attempt.verifier)
    if client.as_before is not None:
        progress.secret = BY_OLD if tokens.by_old else BY_NEW
    if attempt.purpose is not Purpose.TRIAL:
        note_exchange(services, tenant, client, tokens)
    progress.stage = Stage.IDENTITY
    claims = party.identify(
        client, tokens, nonce=attempt.nonce, code=answer.code, max_age=attempt.max_age
    )
    if _lacks_something(claims, connection):
        claims = _completed(services, client, tokens, claims=claims)
    progress.claims = claims
    progress.stage = Stage.ADMISSION
    return Arrival(tenant, connection, client, tokens.id_token, claims)


def _way_in(attempt: Attempt, bundle: Bundle | None) -> tuple[Tenant, Connection, Client]:
    if bundle is None or bundle.tenant.suspended:
        raise SignInFailure(FailureCode.TENANT_SUSPENDED, "the tenant is suspended or gone")
    connection = bundle.connections.get(attempt.connection_id)
    if connection is None or connection.client is None:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection or its client is gone")
    if not connection.enabled and attempt.purpose is not Purpose.TRIAL:
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection is switched off")
    client = connection.client
    if (client.issuer, client.client_id) != (attempt.issuer, attempt.client_id):
        raise SignInFailure(FailureCode.SSO_UNAVAILABLE, "the connection has another client now")
    if client.redirect_uri != attempt.redirect_uri:  # the portal's own address changed meanwhile
        client = replace(client, redirect_uri=attempt.redirect_uri)
    return bundle.tenant, connection, client


def _check_answer(services: Services, answer: Answer, attempt: Attempt) -> None:
    """Check that this answer is the one asked for (RFC 9700, 4.4: mix-up)."""
    if answer.is_ambiguous:
        raise SignInFailure(FailureCode.OIDC_FAILED, "a parameter of the answer is repeated")
    if answer.redirect_uri != attempt.redirect_uri:
        raise SignInFailure(FailureCode.OIDC_FAILED, "the answer came at another's redirect URI")
    check_response_issuer(services.providers.metadata(attempt.issuer), answer.issuer)
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
_NOT_SO = frozenset(
    {
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_response_type",
    }
)


def _provider_error(error: str) -> SignInFailure:
    """Map an error answer (RFC 6749, 4.1.2.1; OIDC Core, 3.1.2.6); its text goes no further."""
    if error in _SAID_NO:
        return SignInFailure(FailureCode.ACCESS_DENIED, f"the provider said {error}")
    if error in _NOT_NOW:
        return SignInFailure(FailureCode.PROVIDER_UNAVAILABLE, f"the provider said {error}")
    if error in _NOT_SO:
        return SignInFailure(FailureCode.OIDC_FAILED, f"the provider said {error}")
    return SignInFailure(FailureCode.OIDC_FAILED, "the provider answered with an error")


def _completed(
    services: Services, client: Client, tokens: Tokens, *, claims: VerifiedClaims
) -> VerifiedClaims:
    """Give the claims with those of userinfo; without the address there is no going on."""
    try:
        return services.relying_party.with_userinfo(client, tokens, claims=claims)
    except UserinfoRefused:
        if "email" not in claims.all:
            raise
        return claims


def _lacks_something(claims: VerifiedClaims, connection: Connection) -> bool:
    """Whether userinfo may know what the ID token does not say."""
    wanted = {"email", *connection.require_claims}
    if connection.email_verified is EmailVerified.REQUIRED:
        wanted.add("email_verified")
    claim = connection.role_claim
    if claim and claim not in claims.all:
        wanted.add(claim.partition(".")[0])
    return not wanted <= claims.all.keys()

"""The return from a provider: to a session, to a report of a trial, or to a failure code."""

import hmac
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from portal.core.attempt import LIFETIME, Attempt, Purpose, genuine_state
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Account
from portal.crypto import UnreadableSecretError
from portal.flows.arrival import enter
from portal.flows.outcomes import FinishOutcome, SignedIn, Visitor
from portal.flows.proof import Answer, Progress, prove
from portal.flows.refusal import write_down
from portal.flows.trial import conclude
from portal.observe import SIGN_INS
from portal.services import Services
from portal.store import spent

_TOLD = ("email", "email_verified", "hd", "tenant_id")
_LONGEST_TOLD = 200


def finish(
    services: Services,
    answer: Answer,
    visitor: Visitor,
    *,
    sealed_attempt: str,
    previous: SecretStr | None,
    signed_in: Callable[[], Account | None],
) -> FinishOutcome:
    """Finish what an attempt began: every check passed, or no session at all.

    `sealed_attempt` is the cookie of this state, `previous` the session token that the browser
    already has, and `signed_in` gives whose live session that is.
    """
    progress, attempt = Progress(), None
    try:
        attempt = _take_attempt(services, answer.state, sealed_attempt)
        if attempt.purpose is Purpose.TRIAL:
            return conclude(services, answer, visitor, attempt=attempt, by=signed_in())
        arrival = prove(services, answer, attempt, progress)
        token = enter(services, arrival, visitor, previous=previous)
    except SignInFailure as failure:
        bundle = services.registry.tenant_by_id(attempt.tenant_id) if attempt else None
        return write_down(
            services,
            failure,
            visitor,
            method="sso",
            tenant=bundle.tenant if bundle else None,
            email=attempt.email if attempt else "",
            next_path=attempt.next if attempt else None,
            facts=_facts(attempt, progress),
        )
    SIGN_INS.labels("sso", "success").inc()
    return SignedIn(token, attempt.next)


def _facts(attempt: Attempt | None, progress: Progress) -> dict[str, Any]:
    """Give what helps whoever has to mend it: the stage, and the claims that mattered."""
    facts: dict[str, Any] = {"stage": progress.stage.value}
    if attempt:
        facts |= {"connection_id": attempt.connection_id, "issuer": attempt.issuer}
    if progress.claims:
        claims = progress.claims.all
        facts["claims"] = {k: str(claims[k])[:_LONGEST_TOLD] for k in _TOLD if k in claims}
    return facts


def _take_attempt(services: Services, raw_state: str, sealed_attempt: str) -> Attempt:
    """Spend the state, then open the attempt of the browser that began.

    The state is spent first and in a transaction of its own: whatever comes of this answer, the
    same state never counts again. Only states of our own making are written down.
    """
    state = genuine_state(raw_state, services.state_key)
    if state is None:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state is missing or not of our making")
    now = services.now()
    with services.database.transaction() as connection:
        is_first = spent.spend(connection, state, expires_at=now + LIFETIME)
    if not is_first:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state was used before")
    attempt = _open_cookie(services, sealed_attempt)
    if attempt is None or not hmac.compare_digest(attempt.state, state):
        raise SignInFailure(
            FailureCode.STATE_MISMATCH, "the attempt does not belong to this browser"
        )
    if not attempt.is_fresh(now):
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the attempt is older than 10 minutes")
    return attempt


def _open_cookie(services: Services, sealed: str) -> Attempt | None:
    try:
        return Attempt.load(services.attempts.open(sealed))
    except (UnreadableSecretError, ValueError, TypeError, KeyError):
        return None

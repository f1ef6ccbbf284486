"""The return from a provider: to a session, to a report of a trial, or to a failure code."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from portal.core.attempt import LIFETIME, Attempt, Purpose, cookie_name, genuine_state
from portal.core.errors import FailureCode, SignInFailure
from portal.core.redirects import HOME, SafePath
from portal.core.registry import Account
from portal.crypto import UnreadableSecretError
from portal.flows.outcomes import Failed, FinishOutcome, SignedIn, Visitor
from portal.flows.signing.arrival import enter
from portal.flows.signing.proof import Answer, Progress, Stage, prove
from portal.flows.signing.refusal import put_off, write_down
from portal.flows.signing.trial import conclude
from portal.observe import sign_ins
from portal.services import Services
from portal.store import spent
from portal.store.registry import Bundle
from portal.store.started import Started
from portal.throttle import Reached, network_of

_TOLD = ("email", "email_verified", "hd", "tenant_id")
_LONGEST_TOLD = 200


def finish(
    services: Services,
    answer: Answer,
    visitor: Visitor,
    *,
    sealed_attempt: str,
    previous: SecretStr | None,
    signed_in: Callable[[SafePath], Account | None],
) -> FinishOutcome:
    """Finish what an attempt began: every check passed, or no session at all.

    `sealed_attempt` is the cookie of this state, `previous` the session token that the browser
    already has, and `signed_in` gives who is there, by the page that a trial goes back to.
    """
    progress, attempt = Progress(), None
    try:
        attempt, bundle = _take_attempt(services, answer.state, sealed_attempt)
        if attempt.purpose is Purpose.TRIAL:
            by = signed_in(attempt.next)
            return conclude(services, answer, visitor, attempt=attempt, bundle=bundle, by=by)
        if attempt.purpose is Purpose.INITIATED:
            _check_nobody_else(attempt, signed_in(HOME))
        if wait := services.gate.look("redeem", _at_provider(attempt, visitor)):
            return put_off(
                "sso", attempt.email, seconds=wait, why=Reached.PROVIDER, next_path=attempt.next
            )
        arrival = prove(services, answer, attempt, bundle, progress)
        token = enter(services, arrival, visitor, previous=previous)
    except SignInFailure as failure:
        if attempt and _is_refused_there(failure, progress) and services.settings.rate_limits:
            services.gate.enter("redeem", _at_provider(attempt, visitor))
        own = attempt or _own_attempt(services, answer.state, sealed_attempt)
        return _failed(
            services,
            answer,
            visitor,
            failure=failure,
            own=own,
            progress=progress,
            is_persons=attempt is not None,
        )
    sign_ins("sso", "success").inc()
    return SignedIn(token, attempt.next)


def _at_provider(attempt: Attempt, visitor: Visitor) -> str:
    """Name a network's tries at one client's provider: no other company's count with them."""
    return f"{network_of(visitor.network)} {attempt.issuer} {attempt.client_id}"


def _is_refused_there(failure: SignInFailure, progress: Progress) -> bool:
    return progress.stage is Stage.TOKEN and failure.code is FailureCode.OIDC_FAILED


def _failed(
    services: Services,
    answer: Answer,
    visitor: Visitor,
    *,
    failure: SignInFailure,
    own: Attempt | None,
    progress: Progress,
    is_persons: bool,
) -> Failed:
    """Write a failed return down under the tenant that it belongs to, as far as one can tell.

    An answer that came to another browser is known by its state alone. That is for the trail:
    whoever brings it reads nothing of the person who began.
    """
    sent = None if own else _sent(services, answer.state)
    whence = own or sent
    bundle = services.registry.tenant_by_id(whence.tenant_id) if whence else None
    email = own.email if own else sent.actor if sent else ""
    failed = write_down(
        services,
        failure,
        visitor,
        method="sso",
        tenant=bundle.tenant if bundle else None,
        connection=bundle.connections.get(whence.connection_id) if bundle and whence else None,
        email=email,
        next_path=own.next if own else None,
        facts=_facts(own or sent, progress, failure) | ({} if whence else _stray(answer)),
        is_persons=is_persons,
    )
    return failed if own else replace(failed, email="")


def _stray(answer: Answer) -> dict[str, str]:
    """Give where an answer of no sign-in came: whoever registered that can look for it."""
    return {"callback": answer.redirect_uri[:_LONGEST_TOLD]}


def _facts(
    whence: Attempt | Started | None, progress: Progress, failure: SignInFailure
) -> dict[str, Any]:
    """Give what helps whoever has to mend it: the stage, and the claims that mattered."""
    facts: dict[str, Any] = {"stage": progress.stage.value}
    if isinstance(whence, Attempt):
        facts |= {"issuer": whence.issuer, "sent_at": whence.began_at.isoformat()}
    elif whence is not None:
        facts["sent_at"] = whence.at.isoformat()
    if whence is not None:
        facts["connection_id"] = whence.connection_id
    if progress.claims:
        claims = progress.claims.all
        told = dict.fromkeys((*_TOLD, failure.facts.get("claim", "")))
        facts["claims"] = {k: str(claims[k])[:_LONGEST_TOLD] for k in told if k in claims}
    elif "value" in failure.facts:
        facts["claims"] = {failure.facts["claim"]: failure.facts["value"]}
    return facts


def _take_attempt(
    services: Services, raw_state: str, sealed_attempt: str
) -> tuple[Attempt, Bundle | None]:
    """Spend the state; give the attempt of the browser that began, and its tenant as it is now.

    The state is spent before anything is decided, and that is committed: whatever comes of this
    answer, the same state never counts again. Only states of our own making are written down.
    """
    state = genuine_state(raw_state, services.state_key)
    if state is None:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state is missing or not of our making")
    now = services.now()
    services.started.note_back(cookie_name(state), now=now)
    attempt = _open_cookie(services, sealed_attempt)
    with services.database.quick_write() as place:
        spending = spent.ask(place, state, expires_at=now + LIFETIME)
        found = services.registry.ask_tenant(place, attempt.tenant_id) if attempt else None
        is_first, row = spending.count() == 1, found.first() if found else None
    if not is_first:
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the state was used before")
    if attempt is None or not hmac.compare_digest(attempt.state, state):
        raise SignInFailure(
            FailureCode.STATE_MISMATCH, "the attempt does not belong to this browser"
        )
    if not attempt.is_fresh(now):
        raise SignInFailure(FailureCode.STATE_MISMATCH, "the attempt is older than 10 minutes")
    return attempt, services.registry.bundle_of(row)


def _check_nobody_else(attempt: Attempt, there: Account | None) -> None:
    """Refuse a sign-in begun by a link where somebody of another tenant has signed in meanwhile.

    Whoever made the link could hold the answer back until then, and so put an account of their own
    in the place of the person's (login CSRF).
    """
    if there and (there.tenant is None or there.tenant.id != attempt.tenant_id):
        raise SignInFailure(FailureCode.STATE_MISMATCH, "somebody else signed in here meanwhile")


def _own_attempt(services: Services, raw_state: str, sealed_attempt: str) -> Attempt | None:
    """Give the attempt of this browser and state, although it does not count any more."""
    attempt = _open_cookie(services, sealed_attempt)
    same = attempt is not None and hmac.compare_digest(attempt.state.encode(), raw_state.encode())
    return attempt if same else None


def _sent(services: Services, raw_state: str) -> Started | None:
    state = genuine_state(raw_state, services.state_key)
    return services.started.find(cookie_name(state)) if state else None


def _open_cookie(services: Services, sealed: str) -> Attempt | None:
    try:
        return Attempt.load(services.attempts.open(sealed))
    except (UnreadableSecretError, ValueError, TypeError, KeyError):
        return None

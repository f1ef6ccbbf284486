"""A trial sign-in: a full run through a provider that signs nobody in and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from portal.core.address import Address
from portal.core.admission import (
    Admitted,
    address_from,
    admit,
    check_domain,
    check_required_claims,
)
from portal.core.attempt import Attempt
from portal.core.errors import SignInFailure
from portal.core.registry import Account
from portal.flows.outcomes import Tried, Visitor
from portal.flows.signing.arrival import Arrival
from portal.flows.signing.proof import Answer, Progress, Stage, prove
from portal.services import Services
from portal.store import accounts, audit
from portal.store.registry import Bundle

Result = TypeVar("Result")

_PLUMBING = frozenset({"nonce", "at_hash", "c_hash", "sid", "jti"})
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: passed, failed, or not reached (None)."""

    name: str
    passed: bool | None
    detail: str = ""


def conclude(
    services: Services,
    answer: Answer,
    visitor: Visitor,
    *,
    attempt: Attempt,
    bundle: Bundle | None,
    by: Account | None,
) -> Tried:
    """Run every check of a sign-in, write the report into the trail, and give its reference.

    `by` is who is there at the browser that came back: the trail names them. A set-up session is
    nobody's account, and has the number 0.
    """
    progress = Progress()
    checks: list[Check] = []
    role = ""
    try:
        arrival = prove(services, answer, attempt, bundle, progress)
        told = {Stage.TOKEN: progress.secret}
        checks = [Check(stage.value, True, told.get(stage, "")) for stage in _PROOF]
        role = _admission(services, arrival, checks)
    except SignInFailure as failure:
        if not checks:
            checks = _until(progress.stage, failure)
    claims = progress.claims.all if progress.claims else {}
    passed = len(checks) == len(_PROOF) + len(_ADMISSION) and all(c.passed for c in checks)
    entry = audit.Entry(
        at=services.now(),
        event=audit.Event.CONNECTION_TRIED,
        outcome="success" if passed else "failed",
        actor=by.email if by else "",
        user_id=(by.id or None) if by else None,
        tenant_id=attempt.tenant_id,
        object=f"connection {attempt.connection_id}",
        network=visitor.network,
        reference=visitor.reference,
        detail={
            "connection_id": attempt.connection_id,
            "issuer": attempt.issuer,
            "client_id": attempt.client_id,
            "checks": [[check.name, check.passed, check.detail] for check in checks],
            "claims": {k: _shown(v) for k, v in claims.items() if k not in _PLUMBING},
            "role": role,
        },
    )
    with services.database.transaction() as connection:
        audit.record(connection, entry)
    return Tried(attempt.next, visitor.reference)


_PROOF = (Stage.STATE, Stage.REGISTRY, Stage.ANSWER, Stage.TOKEN, Stage.IDENTITY)
_ADMISSION = ("claims", "address", "domain", "account")


def _until(stage: Stage, failure: SignInFailure) -> list[Check]:
    reached = _PROOF.index(stage)
    checks = [Check(done.value, passed=True) for done in _PROOF[:reached]]
    checks.append(Check(stage.value, passed=False, detail=failure.detail))
    left = [later.value for later in _PROOF[reached + 1 :]]
    return checks + [Check(name, passed=None) for name in (*left, *_ADMISSION)]


def _admission(services: Services, arrival: Arrival, checks: list[Check]) -> str:
    """Run the checks of admission one by one, without an end at the first that fails."""
    claims, connection = arrival.claims.all, arrival.connection
    _try(checks, "claims", lambda: check_required_claims(claims, connection))
    address = _try(checks, "address", lambda: address_from(claims, connection))
    if address is None:
        checks += [Check(name, passed=None) for name in ("domain", "account")]
        return ""
    rules = services.registry.candidates(address.domain)
    if not _passes(checks, "domain", lambda: check_domain(rules, address, arrival.tenant)):
        checks.append(Check("account", passed=None))  # whose it is elsewhere is nobody's business
        return ""
    admitted = _try(checks, "account", lambda: _admitted(services, arrival, address))
    return _role(admitted) if admitted else ""


def _admitted(services: Services, arrival: Arrival, address: Address) -> Admitted:
    subject = accounts.Subject(
        arrival.client.issuer, arrival.client.client_id, arrival.claims.subject
    )
    with services.database.read() as connection:
        known = accounts.known(connection, address, tenant=arrival.tenant, subject=subject)
    return admit(
        arrival.claims.all,
        address,
        tenant=arrival.tenant,
        connection=arrival.connection,
        known=known,
    )


def _role(admitted: Admitted) -> str:
    if admitted.group_role:
        return admitted.group_role.value
    return admitted.account.role.value if admitted.account else "member"


def _try(checks: list[Check], name: str, run: Callable[[], Result]) -> Result | None:
    try:
        result = run()
    except SignInFailure as failure:
        checks.append(Check(name, passed=False, detail=failure.detail))
        return None
    checks.append(Check(name, passed=True))
    return result


def _passes(checks: list[Check], name: str, run: Callable[[], None]) -> bool:
    _try(checks, name, run)
    return checks[-1].passed is True


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)  # as JSON writes it
    return text[:_LONGEST]

"""A sign-in that failed, written down: one reference for the page, the log and the trail."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portal.core.address import Address, AddressError
from portal.core.errors import SignInFailure
from portal.core.redirects import SafePath
from portal.core.registry import Connection, Tenant
from portal.flows.outcomes import Failed, Throttled, Visitor
from portal.observe import log, masked, sign_ins
from portal.services import Services
from portal.store import audit
from portal.throttle import Reached

EVERYWHERE = ""  # the network of a limit that all networks share


def write_down(
    services: Services,
    failure: SignInFailure,
    visitor: Visitor,
    *,
    method: str,
    tenant: Tenant | None = None,
    connection: Connection | None = None,
    email: str = "",
    next_path: SafePath | None = None,
    facts: Mapping[str, Any] | None = None,
    is_persons: bool = False,
) -> Failed:
    """Count, log and audit a failure, and give it as an outcome.

    `method` is `password` or `sso`. The trail gets the failure's detail and `facts`, the log the
    detail alone; neither ever holds a token, a code or a secret. `is_persons` says that a person
    is proven to be at it: their own sign-in under way, or a session. That is always on record;
    what anybody can send from nowhere is counted and logged, but fills the trail only so far.
    """
    sign_ins(method, failure.code.value).inc()
    slug = tenant.slug if tenant else None
    told = {**failure.facts, **(facts or {})}
    if method == "sso" and _is_known(services, visitor, email):
        told["known_browser"] = True
    log.warning(
        "sign_in.failed",
        method=method,
        outcome=failure.code.value,
        cause=failure.detail,
        tenant=slug,
        reference=visitor.reference,
        stage=told.get("stage"),
    )
    failed = Failed(failure.code, visitor.reference, email, next_path)
    if not is_persons and _is_flood(services, visitor, of_tenant=tenant is not None):
        return replace(failed, is_kept=False)
    entry = audit.Entry(
        at=services.now(),
        event=audit.Event.SIGN_IN_SSO if method == "sso" else audit.Event.SIGN_IN_PASSWORD,
        outcome=failure.code.value,
        actor=email,
        tenant_id=tenant.id if tenant else None,
        object=f"connection {connection.slug}" if connection else "",
        network=visitor.network,
        reference=visitor.reference,
        detail={"cause": failure.detail, **told},
    )
    with services.database.transaction(brief=True) as database:
        audit.record(database, entry)
    return failed


def put_off(
    method: str, email: str, *, seconds: int, why: Reached, next_path: SafePath | None = None
) -> Throttled:
    """Count and log that somebody has to wait, and give it as an outcome."""
    sign_ins(method, "throttled").inc()
    log.warning("sign_in.throttled", address=masked(email), why=str(why), retry_after=seconds)
    return Throttled(max(1, seconds), why, email, next_path)


def _is_flood(services: Services, visitor: Visitor, *, of_tenant: bool) -> bool:
    if not services.settings.rate_limits:
        return False
    if of_tenant:
        return services.gate.enter("refusal", visitor.network) is not None
    if services.gate.enter("stray", visitor.network) is not None:
        return True
    return services.gate.enter("strays", EVERYWHERE) is not None


def _is_known(services: Services, visitor: Visitor, email: str) -> bool:
    """Whether the owner of the address has signed in by password in this very browser before."""
    if not visitor.known_mark or not email:
        return False
    try:
        address = Address.parse(email)
    except AddressError:
        return False
    return bool(services.known.browser(visitor.known_mark, address, services.now()))

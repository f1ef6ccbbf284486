"""A sign-in that failed, written down: one reference for the page, the log and the trail."""

from collections.abc import Mapping
from typing import Any

from portal.core.errors import SignInFailure
from portal.core.redirects import SafePath
from portal.core.registry import Connection, Tenant
from portal.flows.outcomes import Failed, Visitor
from portal.observe import SIGN_INS, log
from portal.services import Services
from portal.store import audit


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
) -> Failed:
    """Count, log and audit a failure, and give it as an outcome.

    `method` is `password` or `sso`. The trail gets the failure's detail and `facts`, the log the
    detail alone; neither ever holds a token, a code or a secret.
    """
    SIGN_INS.labels(method, failure.code.value).inc()
    slug = tenant.slug if tenant else None
    told = {**failure.facts, **(facts or {})}
    log.warning(
        "sign_in.failed",
        method=method,
        outcome=failure.code.value,
        cause=failure.detail,
        tenant=slug,
        reference=visitor.reference,
        stage=told.get("stage"),
    )
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
    with services.database.transaction() as database:
        audit.record(database, entry)
    return Failed(failure.code, visitor.reference, email, next_path)

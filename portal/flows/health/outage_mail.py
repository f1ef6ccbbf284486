"""What a tenant's admins read when a connection is down, and when it is back."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from portal.core.outage import News
from portal.core.spans import told as told_span
from portal.flows.health.issuer_checks import how_to_mend
from portal.flows.letters.outgoing_mail import post_to_admins
from portal.services import Services
from portal.store.issuer_health import Health
from portal.store.outages import Cause, Outage, Way

_DOWN = (
    "Who is sent there reads that it has trouble, and may try all the same. Break-glass people get "
    "in with their password. You are told once it is back."
)
_BACK = "Nothing is left to do."


def tell(
    services: Services,
    connection: Connection,
    what: News,
    found: Sequence[tuple[Way, Outage]],
    *,
    health: Mapping[str, Health],
) -> None:
    """Write one mail to the admins of a tenant, of all of its connections that are down or back."""
    first = found[0][0]
    names = " and ".join(way.name for way, _ in found)
    verb = "is" if len(found) == 1 else "are"
    if what is News.DOWN:
        parts = [_why(services, way, outage, health.get(way.issuer)) for way, outage in found]
        end = _DOWN
    else:
        parts = [_how_long(services, way, outage) for way, outage in found]
        end = _BACK
    text = "\n\n".join([*parts, end]) + "\n"
    subject = f"{first.company}: {names} {verb} {what}"
    post_to_admins(services, connection, first.tenant.id, subject=subject, text=text)


def _why(services: Services, way: Way, outage: Outage, health: Health | None) -> str:
    page = f"{_base(services, way)}/connections/{way.slug}"
    look = health.look if health and outage.cause is Cause.ISSUER else None
    if health and look and look.problem:
        mend = how_to_mend(services, look.issuer, problem=look.problem, is_down=look.is_down)
        since = _moment(health.failing_since or services.now())
        return (
            f"{way.name} is down: its issuer {look.issuer} cannot be read since {since} "
            f"({look.problem}).\n\nWhat to do: {mend}.\n{page}"
        )
    return (
        f"{way.name} is down: sign-ins fail there, one after the other, and nobody comes in. The "
        "provider does not answer, or refuses the application of this portal.\n\n"
        f"The causes, each with its mend: {_base(services, way)}/failures\n"
        f"How the connection is: {page}"
    )


def _how_long(services: Services, way: Way, outage: Outage) -> str:
    if outage.down_since is None:
        return f"{way.name} is back."
    span = told_span(services.now() - outage.down_since)
    return f"{way.name} is back, after {span}. It was down since {_moment(outage.down_since)}."


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _base(services: Services, way: Way) -> str:
    return f"{services.settings.base_url}/admin/tenants/{way.tenant.slug}"

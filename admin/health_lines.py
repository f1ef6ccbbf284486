"""The health of connections as the pages print it: in words, with a colour beside them."""

from admin.access import scope
from admin.connection_pages import HealthCard, HealthLine
from admin.framing import tenant_path
from portal.core.health import Level, Sign
from portal.core.registry import Connection
from portal.core.spans import told
from portal.flows.health.connection_health import ConnectionHealth, health_of
from portal.flows.health.issuer_watch import look_now
from portal.web.context import services
from portal.web.pages import Link, Notice, Tone

_BADGES = {
    Level.GOOD: ("Good", "success"),
    Level.UNKNOWN: ("Not known yet", ""),
    Level.WATCH: ("Look at it", "warning"),
    Level.TROUBLE: ("In trouble", "error"),
}
_WORDS = {
    Level.GOOD: "Good",
    Level.UNKNOWN: "Not known",
    Level.WATCH: "Look at it",
    Level.TROUBLE: "In trouble",
}


def health_badges() -> dict[str, tuple[str, str, str]]:
    """Give word, tone and main fact for each connection of the tenant that is on, by its slug."""
    bundle = scope().bundle
    if bundle is None:
        return {}
    found = health_of(services(), bundle)
    on = {way.slug for way in bundle.connections.values() if way.enabled}
    return {
        slug: (*_BADGES[health.level], health.main.text)
        for slug, health in found.items()
        if slug in on
    }


def health_card(slug: str) -> HealthCard | None:
    """Give the health of one connection, None for one that is switched off."""
    bundle = scope().bundle
    way = bundle.connection(slug) if bundle else None
    if bundle is None or way is None or not way.enabled:
        return None
    health = health_of(services(), bundle)[slug]
    badge, tone = _BADGES[health.level]
    return HealthCard(
        badge=badge,
        tone=tone,
        is_good=health.level is Level.GOOD,
        looked=_looked(health),
        may_check=way.client is not None,
        lines=tuple(_line(sign, way) for sign in health.signs),
    )


def troubled() -> tuple[Notice, ...]:
    """Give a notice for each connection of the tenant that is in trouble now."""
    bundle = scope().bundle
    badges = health_badges()
    if bundle is None:
        return ()
    return tuple(
        Notice(
            tone=Tone.WARNING,
            title=f"{way.name} is in trouble",
            text=badges[way.slug][2],
            link=Link(tenant_path("connections", way.slug), "See its health"),
        )
        for way in bundle.connections.values()
        if badges.get(way.slug, ("", "", ""))[1] == "error"
    )


def check_now(slug: str) -> None:
    """Look at the issuer of a connection now."""
    bundle = scope().bundle
    way = bundle.connection(slug) if bundle else None
    if way is not None and way.client is not None:
        look_now(services(), way.client.issuer)


def _looked(health: ConnectionHealth) -> str:
    if health.checked_at is None:
        return "Nobody has looked yet."
    return f"Looked at {told(services().now() - health.checked_at)} ago."


def _line(sign: Sign, way: Connection) -> HealthLine:
    href, page = "", ""
    if sign.place == "failures":
        href, page = tenant_path("failures"), "Failed sign-ins"
    elif sign.place == "application" and way.client and way.client.tenant:
        href, page = tenant_path("clients", way.client.key), "Its application"
    word = _WORDS[sign.level]
    return HealthLine(sign.level.value, word, sign.title, sign.text, sign.mend, href, page)

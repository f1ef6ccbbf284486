"""A tenant's admins hear by mail when one of its connections goes down, and when it is back.

down    its issuer, which could be read before, cannot be read twice in a row; or sign-ins fail at
        it again and again because the provider does not answer, or refuses us, and nobody has come
        in since (what the browser brings as the provider's word does not count)
back    the issuer is read again; or somebody came in

Test sign-ins are none of it, nor is a connection that has never worked: somebody sets it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection

from portal.core.outage import BETWEEN, News, Told, news
from portal.flows.health.outage_mail import tell
from portal.flows.one_by_one import one_by_one
from portal.observe import log
from portal.services import Services
from portal.store import housekeeping, issuer_health, outages, troubles
from portal.store.issuer_health import Health
from portal.store.outages import Cause, Outage, Way
from portal.store.tenant_items import lock_tenant
from portal.store.troubles import Known

TURN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of the connections that may be down or back."""

    at: datetime
    known: Known
    health: Mapping[str, Health]


def watch_outages(services: Services) -> int | None:
    """Tell what there is to tell; give of how many tenants, None where it is another's turn."""
    now = services.now()
    slot = int(now.timestamp() // TURN.total_seconds())
    if not housekeeping.take_turn(services.database, f"outages:{slot}", until=now + 2 * TURN):
        return None
    default = services.registry.default_client
    with services.database.read() as connection:
        known = troubles.read(connection, now)
        before = outages.known(connection)
        ways = outages.ways(
            connection,
            issuers=known.issuers,
            ids=known.connections | set(before),
            default=default.issuer if default else "",
        )
        health = issuer_health.of_issuers(connection, (way.issuer for way in ways))
    _forget(services, before, ways, now)
    seen = _Seen(now, known, health)
    companies = [tuple(mine) for _, mine in groupby(ways, key=lambda way: way.tenant)]
    return one_by_one(
        services,
        companies,
        lambda at, mine: _look(at, mine, seen),
        name=lambda mine: mine[0].tenant.slug,
    )


def _forget(
    services: Services, before: Mapping[int, Outage], ways: list[Way], now: datetime
) -> None:
    """Forget what is switched off or gone, and what was told long ago and is well."""
    on = {way.id for way in ways}
    over = [number for number, it in before.items() if number not in on or _is_over(it, now)]
    if over:
        with services.database.transaction() as connection:
            outages.forget(connection, over)


def _is_over(outage: Outage, now: datetime) -> bool:
    told = outage.told
    if outage.down_since is not None or told.is_down:
        return False
    return all(at is None or now - at >= BETWEEN for at in (told.down_at, told.back_at))


def _look(services: Services, ways: tuple[Way, ...], seen: _Seen) -> bool:
    """Write how the connections of a tenant stand, and tell its admins what is new."""
    found: dict[News, list[tuple[Way, Outage]]] = {}
    with services.database.transaction() as connection:
        tenant = lock_tenant(connection, ways[0].tenant.slug)
        if tenant is None:
            return False
        before = outages.known(connection, (way.id for way in ways))
        for way in ways:
            was = before.get(way.id, Outage())
            stands = _stands(connection, way, was, seen)
            what = news(stands.told, is_down=stands.down_since is not None, now=seen.at)
            if what is not None:
                found.setdefault(what, []).append((way, was if what is News.BACK else stands))
                stands = replace(stands, told=_told(stands.told, what, seen.at))
            if stands != was:
                outages.put(connection, way.id, stands)
        for what, some in found.items():
            tell(services, connection, what, some, health=seen.health)
    for what, some in found.items():
        slugs = [way.slug for way, _ in some]
        log.warning(f"connection.{what}", tenant=ways[0].tenant.slug, connections=slugs)
    return bool(found)


def _stands(connection: Connection, way: Way, was: Outage, seen: _Seen) -> Outage:
    """Give how a connection stands now, what was told being as it was."""
    cause = _cause(connection, way, seen)
    if cause is not None:
        # Sign-ins fail as long as the issuer is away, and for minutes longer: they say no more.
        lasting = Cause.ISSUER if was.cause is Cause.ISSUER else cause
        return Outage(was.down_since or seen.at, lasting, was.told)
    if was.down_since is None or _is_back(connection, way, was, was.down_since, seen):
        return Outage(told=was.told)
    return was


def _cause(connection: Connection, way: Way, seen: _Seen) -> Cause | None:
    """Say what a connection is down by now, None where nothing says that it is."""
    health = seen.health.get(way.issuer)
    if way.issuer in seen.known.issuers:
        return Cause.ISSUER if health is not None and health.good_at is not None else None
    if way.id in seen.known.connections and outages.came_in(connection, way):
        return Cause.SIGN_INS
    return None


def _is_back(connection: Connection, way: Way, was: Outage, since: datetime, seen: _Seen) -> bool:
    health = seen.health.get(way.issuer)
    good_at = health.good_at if health else None
    if was.cause is Cause.ISSUER and good_at is not None and good_at >= since:
        return True
    return outages.came_in(connection, way, since=since)


def _told(told: Told, what: News, now: datetime) -> Told:
    if what is News.DOWN:
        return replace(told, is_down=True, down_at=now)
    return replace(told, is_down=False, back_at=now)

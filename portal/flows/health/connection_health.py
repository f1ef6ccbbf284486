"""How connections are, without anybody signing in: what the pages of admins and people say.

issuer_health (looked at in the background), the breaker of this process
the client's secret, its age, a new one on trial
the trail of the last day and week, and who never came back
    -> signs, each with a level, and the mend where one is needed
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.counting import counted
from portal.core.health import Level, Sign, worst
from portal.core.registry import AuthMethod, Client, Connection
from portal.core.spans import told
from portal.flows.health.client_checks import secret_problem
from portal.flows.health.issuer_checks import IN_STEP, TOLERANCE, how_to_mend
from portal.services import Services
from portal.store import connection_tallies, issuer_health, started
from portal.store.client_secrets import Standing, standing
from portal.store.connection_tallies import Tallies
from portal.store.issuer_health import Health
from portal.store.registry import Bundle
from portal.store.tenant_items import TenantRef
from portal.store.troubles import LOOKS

OLD_SECRET = timedelta(days=365)
_STALE = timedelta(minutes=30)
_FEW = 3
_MOST_GOOD = 0.9  # of those who might have come in


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """How one connection is: its signs, the worst of them, and when its issuer was looked at."""

    level: Level
    signs: tuple[Sign, ...]
    checked_at: datetime | None

    @property
    def main(self) -> Sign:
        """The sign that says most: the first of the worst, of a good one how sign-ins end."""
        if self.level is Level.GOOD:
            return self.signs[-1]
        return next((sign for sign in self.signs if sign.level is self.level), self.signs[0])


@dataclass(frozen=True, slots=True)
class _Facts:
    health: Mapping[str, Health]
    standings: Mapping[str, Standing | None]
    tallies: Mapping[str, Tallies]
    timed_out: Mapping[int, int]


def has_trouble(services: Services, connection: Connection) -> bool:
    """Whether people should be warned before they are sent through a connection now."""
    if services.troubles.has(connection, now=services.now()):
        return True
    client = connection.client
    return client is not None and services.door.lane(client.issuer).breaker.has_opened_lately(
        client.client_id
    )


def health_of(services: Services, bundle: Bundle) -> dict[str, ConnectionHealth]:
    """Give how each connection of a tenant is, by its slug."""
    facts = _facts(services, bundle)
    return {way.slug: _judge(services, way, facts) for way in bundle.connections.values()}


def _facts(services: Services, bundle: Bundle) -> _Facts:
    now, tenant = services.now(), bundle.tenant
    ways = list(bundle.connections.values())
    clients = {way.client for way in ways if way.client}
    ref = TenantRef(tenant.id, tenant.slug)
    with services.database.read() as connection:
        return _Facts(
            health=issuer_health.of_issuers(connection, (c.issuer for c in clients)),
            standings={c.key: standing(connection, ref, c.key) for c in clients if c.tenant},
            tallies=connection_tallies.by_connection(
                connection,
                tenant.id,
                [way.slug for way in ways],
                day=now - timedelta(days=1),
                week=now - timedelta(days=7),
            ),
            timed_out=started.timed_out_by_connection(
                connection, tenant.id, since=now - timedelta(days=1), now=now
            ),
        )


def _judge(services: Services, way: Connection, facts: _Facts) -> ConnectionHealth:
    client = way.client
    if client is None:
        lacking = Sign(
            Level.TROUBLE, "No application", "Nobody can be sent anywhere.", "Give it one below."
        )
        return ConnectionHealth(Level.TROUBLE, (lacking,), None)
    health = facts.health.get(client.issuer)
    signs = (
        *_issuer(services, client, health),
        _secret(services, client, facts.standings.get(client.key) if client.tenant else None),
        _sign_ins(facts.tallies[way.slug], facts.timed_out.get(way.id, 0)),
    )
    level = worst(signs)
    if level is Level.GOOD and health is None:
        level = Level.UNKNOWN
    return ConnectionHealth(level, signs, health.checked_at if health else None)


def _issuer(services: Services, client: Client, health: Health | None) -> Iterator[Sign]:
    name = "The issuer"
    if services.door.lane(client.issuer).breaker.has_opened_lately(client.client_id):
        text = "The issuer failed several times just now, and is left alone for seconds at a time."
        mend = how_to_mend(services, client.issuer, problem="", is_down=True)
        yield Sign(Level.TROUBLE, name, text, _sentence(mend))
        return
    if health is None:
        text = "Not looked at yet. The portal looks every few minutes while the connection is on."
        yield Sign(Level.UNKNOWN, name, text)
        return
    look, now = health.look, services.now()
    if look.problem:
        is_known = health.failures >= LOOKS and health.failing_since is not None
        since = "for the first time"
        if is_known and health.failing_since:
            since = f"for {told(now - health.failing_since)}"
        text = f"The issuer cannot be read: {look.problem}, {since}."
        mend = how_to_mend(services, look.issuer, problem=look.problem, is_down=look.is_down)
        yield Sign(Level.TROUBLE if is_known else Level.WATCH, name, text, _sentence(mend))
        return
    if now - health.checked_at > _STALE:
        text = f"Last looked at {told(now - health.checked_at)} ago; it answered then."
        yield Sign(Level.WATCH, name, text, "Check now.")
    else:
        yield Sign(Level.GOOD, name, "It answers, and its metadata is as it must be.")
    yield _keys(health)
    yield _clock(health)


def _keys(health: Health) -> Sign:
    look = health.look
    if not look.keys:
        mend = "Ask the provider: nobody can sign in there until it publishes its keys."
        return Sign(
            Level.TROUBLE, "Its keys", "The issuer publishes none that could verify anybody.", mend
        )
    if not look.algorithms:
        mend = "Have it sign ID tokens with RS256, PS256, ES256, EdDSA or their stronger kin."
        return Sign(Level.TROUBLE, "Its keys", "The issuer signs in no way that is allowed.", mend)
    keys = counted(look.keys, "key")
    return Sign(Level.GOOD, "Its keys", f"It publishes {keys} for signatures.")


def _clock(health: Health) -> Sign:
    ahead, name = health.look.ahead, "Its clock"
    if ahead is None:
        return Sign(Level.GOOD, name, "Its answers bear no date.")
    if abs(ahead) <= IN_STEP:
        return Sign(Level.GOOD, name, "In step with ours.")
    seconds = round(abs(ahead).total_seconds())
    text = f"{seconds:,} s {'ahead of' if ahead > timedelta() else 'behind'} ours."
    if abs(ahead) <= TOLERANCE:
        return Sign(Level.GOOD, name, f"{text} Up to a minute does not matter.")
    if ahead > TOLERANCE:
        mend = "Have the clocks set: its tokens are from a time yet to come."
        return Sign(Level.TROUBLE, name, text, mend)
    mend = "Have the clocks set: its tokens may be over when they come."
    return Sign(Level.WATCH, name, text, mend)


def _secret(services: Services, client: Client, found: Standing | None) -> Sign:
    is_key = client.auth_method is AuthMethod.PRIVATE_KEY_JWT
    name = "The application’s key" if is_key else "The application’s secret"
    if client.auth_method is AuthMethod.NONE:
        return Sign(Level.GOOD, name, "None is needed: PKCE protects it.")
    if problem := secret_problem(services, client):
        mend = "Store it anew on the application’s page."
        return Sign(Level.TROUBLE, name, f"{name} cannot be used: {problem}.", mend, "application")
    if found is None:
        return Sign(Level.GOOD, name, "The portal’s own; its operators look after it.")
    now = services.now()
    if found.old and found.refused_at:
        text = f"The new one was refused {told(now - found.refused_at)} ago. The old one is used."
        mend = "Store the new one again, or take the old one back."
        return Sign(Level.WATCH, name, text, mend, "application")
    if found.old:
        return Sign(Level.GOOD, name, "A new one waits for its first sign-in; the old one is kept.")
    if found.set_at is None:
        return Sign(Level.GOOD, name, "It opens. Since when it is stored is not known.")
    text = f"Stored {told(now - found.set_at)} ago."
    if now - found.set_at >= OLD_SECRET:
        mend = "Replace it: many providers end secrets after a year or two, without a word."
        return Sign(Level.WATCH, name, text, mend, "application")
    return Sign(Level.GOOD, name, text)


def _sign_ins(tallies: Tallies, timed_out: int) -> Sign:
    name, day, week = "Sign-ins", tallies.day, tallies.week
    said = (
        f"{_rate(day.came_in, day.total)} in the last day"
        if day.total
        else "Nobody tried in the last day"
    )
    if week.total:
        said += f", {_rate(week.came_in, week.total)} in the last week"
    away = f" {timed_out} never came back from the provider." if timed_out else ""
    level = _level_of(tallies, timed_out)
    mend = "The causes stand there." if level in {Level.WATCH, Level.TROUBLE} else ""
    return Sign(level, name, f"{said}.{away}", mend, "failures" if mend else "")


def _level_of(tallies: Tallies, timed_out: int) -> Level:
    day = tallies.day
    if day.faults >= _FEW and not day.came_in:
        return Level.TROUBLE
    is_shaky = day.faults >= _FEW and day.came_in < _MOST_GOOD * (day.came_in + day.faults)
    if is_shaky or (timed_out >= _FEW and timed_out > day.came_in):
        return Level.WATCH
    return Level.GOOD if day.total else Level.UNKNOWN


def _rate(came_in: int, total: int) -> str:
    share = f" ({came_in * 100 // total} %)" if came_in < total else ""
    return f"{came_in:,} of {total:,} came in{share}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."

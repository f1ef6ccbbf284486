"""The composition root: everything a flow may need, built once from the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from portal.core.places import waiting_room
from portal.core.registry import AuthMethod, Client
from portal.core.waits import NOBODY_WAITS, Waits
from portal.crypto import CookieSeal, Passwords, Vault, derived_key
from portal.observe import log
from portal.oidc.client import RelyingParty
from portal.oidc.http import Door
from portal.oidc.provider import Providers
from portal.oidc.transport import Limits
from portal.settings import Settings
from portal.store import schema
from portal.store.engine import Database, DatabaseGoneError
from portal.store.registry import Registry
from portal.store.started import StartedLog
from portal.store.troubles import Troubles
from portal.throttle import ChecksUnderWay, Gate, Known, redis_answers

__all__ = ["Services", "build_services", "default_client", "open_vault"]


def utc_now() -> datetime:
    """Give the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `/readyz` says: a word for each check, and whether requests can be served."""

    checks: Mapping[str, str]
    is_ready: bool


@dataclass(frozen=True, slots=True)
class Services:
    """What flows work with; no part of it knows Flask."""

    settings: Settings
    database: Database
    vault: Vault
    attempts: CookieSeal
    state_key: bytes
    passwords: Passwords
    checks: ChecksUnderWay
    registry: Registry
    started: StartedLog
    troubles: Troubles
    door: Door
    providers: Providers
    relying_party: RelyingParty
    known: Known
    gate: Gate
    now: Callable[[], datetime]
    stopping: Event

    def readiness(self) -> Readiness:
        """Look at what requests need: database, migrations, cache; and whether we go on."""
        if self.stopping.is_set():
            return Readiness({"server": "stopping"}, is_ready=False)
        checks = {"database": "ok", "migrations": "ok", "cache": self._cache_state()}
        try:
            with self.database.read(brief=True) as connection:
                unfit = schema.why_unfit(connection)
        except DatabaseGoneError:
            return Readiness(
                {**checks, "database": "down", "migrations": "unknown"}, is_ready=False
            )
        if unfit:
            checks["migrations"] = unfit
        return Readiness(checks, is_ready=not unfit)

    def _cache_state(self) -> str:
        if self.settings.redis_url is None:
            return "in the database"
        return "ok" if redis_answers(self.settings.redis_url.get_secret_value()) else "down"

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()
        self.door.close()
        self.gate.close()


def build_services(
    settings: Settings,
    *,
    passwords: Passwords | None = None,
    limits: Limits | None = None,
    now: Callable[[], datetime] = utc_now,
    waits: Waits = NOBODY_WAITS,
) -> Services:
    """Build the services; nothing is connected to before its first use."""
    database = Database(settings.database_url, note=log.warning, waits=waits)
    vault = open_vault(settings)
    secret, redis_url = settings.secret_key.get_secret_value(), settings.redis_url
    door = Door(now, allow_local=settings.allow_local_issuers, limits=limits, aside=waits.aside)
    providers = Providers(door, now)
    room = waiting_room()
    registry = Registry(
        database, base_url=settings.base_url, default_client=default_client(settings, vault)
    )
    return Services(
        settings=settings,
        database=database,
        vault=vault,
        attempts=CookieSeal(derived_key(secret, "attempt")),
        state_key=derived_key(secret, "state"),
        passwords=passwords or Passwords(room=room, aside=waits.aside),
        checks=ChecksUnderWay(room=room, aside=waits.aside),
        registry=registry,
        started=StartedLog(database, registry),
        troubles=Troubles(database),
        door=door,
        providers=providers,
        relying_party=RelyingParty(providers, door, vault=vault, now=now),
        known=Known(derived_key(secret, "known")),
        gate=Gate(
            now, redis_url=redis_url.get_secret_value() if redis_url else None, note=log.warning
        ),
        now=now,
        stopping=Event(),
    )


def open_vault(settings: Settings) -> Vault:
    """Give the vault of PORTAL_ENCRYPTION_KEYS."""
    return Vault([key.get_secret_value() for key in settings.encryption_keys])


def default_client(settings: Settings, vault: Vault) -> Client | None:
    """Give the client of the SSOJET_* settings, None where they are not set."""
    if not settings.ssojet_client_id:
        return None
    secret = settings.ssojet_client_secret
    return Client(
        key="default",
        tenant=None,
        issuer=settings.ssojet_issuer_url,
        client_id=settings.ssojet_client_id,
        redirect_uri=settings.default_redirect_uri,
        auth_method=AuthMethod.BASIC if secret else AuthMethod.NONE,
        secret=vault.seal(secret.get_secret_value()) if secret else None,
    )

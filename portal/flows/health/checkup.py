"""Everything that `portal doctor` looks at, in order; each check stands for itself.

settings -> database, migrations -> cache, mail, DNS -> registry -> issuers and their clients
"""

import smtplib
from collections.abc import Iterator
from urllib.parse import urlsplit

import redis
from sqlalchemy.exc import DatabaseError

from portal.core.counting import counted
from portal.core.finding import Finding, State, advice, failure, fine
from portal.flows.domains.txt_answers import Absence
from portal.flows.domains.txt_records import TxtRecords
from portal.flows.health.issuer_checks import Progress
from portal.flows.health.registry_checks import check_issuers, check_registry
from portal.services import Services
from portal.settings import Settings
from portal.store import pooler, schema
from portal.store.causes import cause_of
from portal.store.engine import DatabaseGoneError, DatabaseMissingError

_SECONDS = 5
_SHORT_SECRET = 32
_ASKED = "example.com"  # any name will do: it is whether the server answers that counts


def check_up(services: Services, *, progress: Progress) -> Iterator[Finding]:
    """Give every finding as it is made. Nothing is changed, and no finding holds a secret."""
    settings = services.settings
    yield fine("settings", f"{settings.env}, {settings.base_url}")
    yield from _advice_on(settings)
    yield fine("keys", _told_keys(settings))
    database = list(_database(services))
    yield from database
    yield _cache(settings)
    yield _mail(settings)
    yield from _dns(settings)
    if not any(finding.state is State.FAILURE for finding in database):
        yield from check_registry(services, progress=progress)
        return
    mend = "mend the database first, and ask again"
    yield advice("registry", "not looked at meanwhile", mend)
    yield from check_issuers(services, [], in_use={("", None)}, progress=progress)


def _advice_on(settings: Settings) -> Iterator[Finding]:
    if settings.is_production and settings.allow_local_issuers:
        yield advice(
            "local issuers",
            "PORTAL_ALLOW_LOCAL_ISSUERS lets production ask addresses of its own network",
            "set it to false unless an identity provider is in your own network",
        )
    path = urlsplit(settings.default_redirect_uri).path
    if path != "/auth/callback":
        yield advice(
            "redirect URI",
            f"SSOJET_REDIRECT_URI leads to {path or '/'}, which the portal does not answer",
            f"set it to {settings.base_url}/auth/callback, and register that at SSOJet",
        )
    if settings.ssojet_issuer_url and not settings.ssojet_client_id:
        yield advice(
            "SSOJET settings",
            "SSOJET_ISSUER_URL is set and SSOJET_CLIENT_ID is not: there is no default client",
            "set SSOJET_CLIENT_ID too, or neither",
        )
    if len(settings.secret_key.get_secret_value()) < _SHORT_SECRET:
        yield advice(
            "secret key",
            f"PORTAL_SECRET_KEY has fewer than {_SHORT_SECRET} characters",
            "make a longer one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )


def _told_keys(settings: Settings) -> str:
    keys = counted(len(settings.encryption_keys), "encryption key")
    return f"{keys}; the first seals, all open"


def _database(services: Services) -> Iterator[Finding]:
    shown = services.database.url.set(query={}).render_as_string(hide_password=True)
    try:
        with services.database.read() as connection:
            at, unfit = schema.current(connection), schema.why_unfit(connection)
    except DatabaseMissingError as error:
        yield failure("database", str(error), error.mend)
        return
    except (DatabaseGoneError, DatabaseError) as error:
        yield failure("database", f"{shown}: {cause_of(error)}", "check PORTAL_DATABASE_URL")
        return
    yield fine("database", shown)
    if unfit:
        detail, _, mend = unfit.rpartition(": ")
        yield failure("migrations", detail, mend)
        return
    yield fine("migrations", f"at {at}")
    match pooler.lending(services.database):
        case pooler.Lending.BY_TRANSACTION_AND_FORGETFUL:
            yield failure("pooler", pooler.FORGETFUL, pooler.FORGETFUL_MEND)
        case pooler.Lending.BY_TRANSACTION:
            yield advice("pooler", pooler.BY_TRANSACTION, pooler.BY_TRANSACTION_MEND)
        case pooler.Lending.FOR_GOOD:
            pass


def _cache(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return fine("redis", "not configured; limits are kept in the database")
    try:
        with redis.Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
        ) as client:
            client.ping()
    except redis.RedisError as error:
        mend = "check PORTAL_REDIS_URL; sign-ins go on without it"
        return advice("redis", f"does not answer: {type(error).__name__}", mend)
    return fine("redis", "answers")


def _mail(settings: Settings) -> Finding:
    if settings.mail_url is None:
        return fine("mail", f"not configured; written to {settings.instance_dir / 'mail'}")
    parts = urlsplit(settings.mail_url.get_secret_value())
    host, port = parts.hostname or "", parts.port or smtplib.SMTP_PORT
    try:
        with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
            server.ehlo()
            is_private = server.has_extn("starttls")
    except (OSError, smtplib.SMTPException) as error:
        detail = f"{host}:{port} does not answer: {type(error).__name__}"
        return advice("mail", detail, "check PORTAL_MAIL_URL; sign-ins go on without mail")
    if parts.username and not is_private:
        detail = f"{host}:{port} offers no TLS, so the password is not sent to it"
        return advice("mail", detail, "have the server offer STARTTLS")
    return fine("mail", f"{host}:{port} answers{', with TLS' if is_private else ''}")


def _dns(settings: Settings) -> Iterator[Finding]:
    for server in settings.dns_servers:
        said = TxtRecords((server,)).of(_ASKED)
        if said in {Absence.SILENT, Absence.BROKEN}:
            mend = "check PORTAL_DNS_SERVERS; domains cannot be verified meanwhile"
            yield advice(f"dns {server}", "does not answer", mend)
        else:
            yield fine(f"dns {server}", "answers")

"""Every setting. A description ends in `Default: …`: the README's table is made from them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from portal.settings.parsing import (
    DatabaseUrl,
    DnsServers,
    FernetKeys,
    Hops,
    MailUrl,
    Origin,
    RedisUrl,
    Switch,
    Truth,
    WebUrl,
)


class SettingsError(Exception):
    """The settings are refused; `problems` are lines that name the variable and the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Environment(StrEnum):
    """Where the portal runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _read_environment(value: object) -> object:
    if value not in set(Environment):
        raise ValueError("must be development or production")
    return value


def _setting(default: Any, *names: str, says: str) -> Any:
    return Field(default, validation_alias=AliasChoices(*names), description=says)


class Settings(BaseModel):
    """What an operator may set, and what follows from it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: DatabaseUrl = _setting(
        "",
        "PORTAL_DATABASE_URL",
        says="SQLAlchemy URL; SQLite and PostgreSQL are both first-class. "
        "Default: a SQLite file in the instance folder.",
    )
    instance_dir: Path = _setting(
        Path("instance"),
        "PORTAL_INSTANCE_DIR",
        says="Where local state lives. Default: `instance/`.",
    )
    redis_url: RedisUrl | None = _setting(
        None,
        "PORTAL_REDIS_URL",
        says="Shared rate limits and caches for several processes or machines. "
        "Default: none, they are kept in the database or the process.",
    )
    secret_key: SecretStr = _setting(
        SecretStr(""),
        "PORTAL_SECRET_KEY",
        "FLASK_SECRET_KEY",
        says="Signs cookies; `FLASK_SECRET_KEY` is accepted too. "
        "Default: made once in the instance folder; required in production.",
    )
    encryption_keys: FernetKeys = _setting(
        (),
        "PORTAL_ENCRYPTION_KEYS",
        says="Comma-separated Fernet keys, newest first, that encrypt client secrets at rest; "
        "`portal keys new` makes one. "
        "Default: made once in the instance folder; required in production.",
    )
    base_url: Origin = _setting(
        "http://localhost:5000",
        "PORTAL_BASE_URL",
        says="The public origin: redirect URIs, allowed host, secure cookies when https. "
        "Default: `http://localhost:5000`.",
    )
    env: Annotated[Environment, BeforeValidator(_read_environment)] = _setting(
        Environment.DEVELOPMENT,
        "PORTAL_ENV",
        says="`development` or `production`. Default: `development`.",
    )
    allow_local_issuers: Truth = _setting(
        False,
        "PORTAL_ALLOW_LOCAL_ISSUERS",
        says="Allow issuers on http, loopback or private addresses; `portal demo` sets it. "
        "Default: `false`.",
    )
    rate_limits: Switch = _setting(
        True,
        "PORTAL_RATE_LIMITS",
        says="`on` or `off`. Default: `on`.",
    )
    dns_servers: DnsServers = _setting(
        (),
        "PORTAL_DNS_SERVERS",
        says="Comma-separated `host[:port]` that domain verification asks. Default: the system's.",
    )
    trusted_proxies: Hops = _setting(
        0,
        "PORTAL_TRUSTED_PROXIES",
        says="How many reverse proxies set `X-Forwarded-*`. Default: `0`.",
    )
    mail_url: MailUrl | None = _setting(
        None,
        "PORTAL_MAIL_URL",
        says="`smtp://user:pass@host:port` for mail. "
        "Default: none, mail is written to the instance folder.",
    )
    ssojet_issuer_url: WebUrl = _setting(
        "",
        "SSOJET_ISSUER_URL",
        says="Issuer of the default client, which serves every connection that names none. "
        "Default: none.",
    )
    ssojet_client_id: str = _setting(
        "",
        "SSOJET_CLIENT_ID",
        says="The default client's identifier. Default: none.",
    )
    ssojet_client_secret: SecretStr | None = _setting(
        None,
        "SSOJET_CLIENT_SECRET",
        says="The default client's secret. Default: none, a public client.",
    )
    ssojet_redirect_uri: WebUrl = _setting(
        "",
        "SSOJET_REDIRECT_URI",
        says="The default client's redirect URI. Default: `<base URL>/auth/callback`.",
    )

    @property
    def is_production(self) -> bool:
        """Whether unsafe settings are refused."""
        return self.env is Environment.PRODUCTION

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal by https."""
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """The host (and port) that requests must name."""
        return urlsplit(self.base_url).netloc

    @property
    def default_redirect_uri(self) -> str:
        """The redirect URI of the default client."""
        return self.ssojet_redirect_uri or f"{self.base_url}/auth/callback"

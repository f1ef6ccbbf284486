"""The settings: one typed class, read from the environment and `.env`, refused by name."""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

_PREFIX = "PORTAL_"
_FOR_SEEDS = frozenset({"PORTAL_OPERATOR_PASSWORD"})  # what seed files refer to, no setting
_SSOJET = ("SSOJET_ISSUER_URL", "SSOJET_CLIENT_ID", "SSOJET_CLIENT_SECRET", "SSOJET_REDIRECT_URI")


class SettingsError(Exception):
    """The settings are refused; `problems` are lines that name the variable and the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Environment(StrEnum):
    """Where the portal runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _name(*names: str) -> Any:
    return AliasChoices(*names)


class Settings(BaseModel):
    """Every setting, documented in place; the README's table is made from these descriptions."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "",
        validation_alias=_name("PORTAL_DATABASE_URL"),
        description="SQLAlchemy URL; SQLite and PostgreSQL are both first-class. "
        "Default: a SQLite file in the instance folder.",
    )
    instance_dir: Path = Field(
        Path("instance"),
        validation_alias=_name("PORTAL_INSTANCE_DIR"),
        description="Where local state lives. Default: `instance/`.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias=_name("PORTAL_REDIS_URL"),
        description="Shared rate limits for several processes or machines. "
        "Default: none, they are kept in the database.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        validation_alias=_name("PORTAL_SECRET_KEY", "FLASK_SECRET_KEY"),
        description="Signs cookies; `FLASK_SECRET_KEY` is accepted too. Default: made once in "
        "the instance folder; required in production.",
    )
    encryption_keys: tuple[SecretStr, ...] = Field(
        (),
        validation_alias=_name("PORTAL_ENCRYPTION_KEYS"),
        description="Comma-separated Fernet keys, newest first, that encrypt client secrets at "
        "rest (`portal keys new` makes one). Default: made once in the instance folder; "
        "required in production.",
    )
    base_url: str = Field(
        "http://localhost:5000",
        validation_alias=_name("PORTAL_BASE_URL"),
        description="The public origin: redirect URIs, allowed host, secure cookies when https. "
        "Default: `http://localhost:5000`.",
    )
    env: Environment = Field(
        Environment.DEVELOPMENT,
        validation_alias=_name("PORTAL_ENV"),
        description="`development` or `production`. Default: `development`.",
    )
    allow_local_issuers: bool = Field(
        default=False,
        validation_alias=_name("PORTAL_ALLOW_LOCAL_ISSUERS"),
        description="Allow issuers on http, loopback or private addresses. Default: `false`.",
    )
    rate_limits: Annotated[bool, Field(strict=False)] = Field(
        default=True,
        validation_alias=_name("PORTAL_RATE_LIMITS"),
        description="`on` or `off`. Default: `on`.",
    )
    dns_servers: tuple[str, ...] = Field(
        (),
        validation_alias=_name("PORTAL_DNS_SERVERS"),
        description="Comma-separated `host[:port]` that domain verification asks. "
        "Default: the system's.",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        validation_alias=_name("PORTAL_TRUSTED_PROXIES"),
        description="How many reverse proxies set `X-Forwarded-*`. Default: `0`.",
    )
    mail_url: SecretStr | None = Field(
        None,
        validation_alias=_name("PORTAL_MAIL_URL"),
        description="`smtp://user:pass@host:port` for mail. Default: none, mail is written to "
        "the instance folder.",
    )
    ssojet_issuer_url: str = Field(
        "https://auth.ssojet.com",
        validation_alias=_name("SSOJET_ISSUER_URL"),
        description="Issuer of the default client. Default: `https://auth.ssojet.com`.",
    )
    ssojet_client_id: str = Field(
        "",
        validation_alias=_name("SSOJET_CLIENT_ID"),
        description="The default client, used by every connection that names none. Default: none.",
    )
    ssojet_client_secret: SecretStr | None = Field(
        None,
        validation_alias=_name("SSOJET_CLIENT_SECRET"),
        description="Secret of the default client. Default: none, a public client.",
    )
    ssojet_redirect_uri: str = Field(
        "",
        validation_alias=_name("SSOJET_REDIRECT_URI"),
        description="Redirect URI of the default client. Default: `<base URL>/auth/callback`.",
    )

    @field_validator("encryption_keys", "dns_servers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            try:
                Fernet(key.get_secret_value())
            except ValueError:
                raise ValueError("is no Fernet key; `portal keys new` makes one") from None
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 16:
            raise ValueError("is too short: 16 characters at least")
        return value

    @field_validator("base_url", "ssojet_issuer_url", "ssojet_redirect_uri")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is no http(s) URL")
        return value

    @field_validator("base_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be an origin alone, such as https://login.example.com")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("dns_servers")
    @classmethod
    def _servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+)(:\d{1,5})?", server):
                raise ValueError("must be host or host:port, IPv6 in brackets")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not re.match(r"(sqlite|postgres(ql)?)(\+\w+)?:", value):
            raise ValueError("must begin with sqlite: or postgresql:")
        return value

    @field_validator("redis_url", "mail_url")
    @classmethod
    def _has_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value and "://" not in value.get_secret_value():
            raise ValueError("is no URL")
        return value

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


def load_settings(
    environ: Mapping[str, str] | None = None, *, folder: Path | None = None
) -> Settings:
    """Read the settings and make what keys are missing. Raises SettingsError with every problem.

    The environment wins over `.env` in `folder` (default: the working directory). In production
    missing keys and a base URL without https are refused (localhost aside); in development keys
    are made once and kept in the instance folder, readable by the owner alone.
    """
    values = _values(os.environ if environ is None else environ, folder or Path.cwd())
    problems = [
        f"{name} is no setting; see the README for the list"
        for name in sorted(values)
        if name.startswith(_PREFIX) and name not in known_names() | _FOR_SEEDS
    ]
    try:
        settings = Settings.model_validate({k: v for k, v in values.items() if v != ""})
    except ValidationError as error:
        problems += [_problem(dict(item)) for item in error.errors()]
        raise SettingsError(problems) from None
    problems += _unsafe(settings)
    if problems:
        raise SettingsError(problems)
    return _with_local_state(settings)


def known_names() -> frozenset[str]:
    """Give the name of every environment variable that is a setting."""
    names: set[str] = set()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names.update(str(choice) for choice in alias.choices)
    return frozenset(names)


def _values(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    from_file = dotenv_values(folder / ".env") if (folder / ".env").is_file() else {}
    merged = {**{k: v for k, v in from_file.items() if v is not None}, **environ}
    wanted = {*_SSOJET, "FLASK_SECRET_KEY"}
    return {k: v for k, v in merged.items() if k.startswith(_PREFIX) or k in wanted}


def _problem(item: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in item["loc"][:1])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{location} {message}"


def _unsafe(settings: Settings) -> list[str]:
    problems = []
    if settings.ssojet_client_secret and not settings.ssojet_client_id:
        problems.append("SSOJET_CLIENT_ID is missing beside SSOJET_CLIENT_SECRET")
    if not settings.is_production:
        return problems
    if not settings.secret_key.get_secret_value():
        problems.append("PORTAL_SECRET_KEY is missing; production needs its own")
    if not settings.encryption_keys:
        problems.append("PORTAL_ENCRYPTION_KEYS is missing; `portal keys new` makes one")
    if not settings.is_https and not _is_local(urlsplit(settings.base_url).hostname or ""):
        problems.append("PORTAL_BASE_URL must be https in production")
    return problems


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_local_state(settings: Settings) -> Settings:
    changed: dict[str, Any] = {}
    folder = settings.instance_dir.absolute()
    if not settings.database_url:
        changed["database_url"] = f"sqlite:///{folder / 'portal.db'}"
        _make_folder(folder)
    if not settings.secret_key.get_secret_value():
        changed["secret_key"] = SecretStr(_kept(folder, "secret_key", secrets.token_urlsafe(48)))
    if not settings.encryption_keys:
        changed["encryption_keys"] = (
            SecretStr(_kept(folder, "encryption_key", Fernet.generate_key().decode())),
        )
    return settings.model_copy(update={**changed, "instance_dir": folder})


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            [f"PORTAL_INSTANCE_DIR: {folder} cannot be made: {error.strerror}"]
        ) from None


def _kept(folder: Path, name: str, fresh: str) -> str:
    """Give the key kept in the instance folder, made on first use, by one process alone."""
    _make_folder(folder)
    path = folder / name
    draft = folder / f".{name}.{os.getpid()}"
    try:
        if not path.exists():
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(fresh)
            with suppress(FileExistsError):
                os.link(draft, path)  # whole or not at all, and the first one wins
            draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            [f"PORTAL_INSTANCE_DIR: {path} cannot be kept: {error.strerror}"]
        ) from None

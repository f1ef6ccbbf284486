"""One reader for each kind of value. Each raises ValueError with words that fit after the name."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import idna
from cryptography.fernet import Fernet
from pydantic import AfterValidator, BeforeValidator, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_DATABASES = frozenset(
    {"sqlite", "sqlite+pysqlite", "postgres", "postgresql", "postgresql+psycopg"}
)
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
)
_SWITCHES = {"on": True, "off": False}
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def split_url(value: str, *, schemes: frozenset[str]) -> SplitResult:
    """Give the parts of a URL with a host, a sound port and one of these schemes."""
    wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
    try:
        parts = urlsplit(value)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its own words quote what was typed, which may be a password
        sound = False
    if not sound or parts.scheme not in schemes or re.search(r"\s", value):
        raise ValueError(f"must be a URL that begins with {wanted}")
    return parts


def read_origin(value: str) -> str:
    """Give an origin as browsers spell it: lower case, A-labels, no default port (RFC 6454, 6.2).

    The allowed host and every redirect URI are compared with it letter by letter.
    """
    parts = split_url(value.strip(), schemes=frozenset(_DEFAULT_PORTS))
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be an origin alone, such as https://login.example.com")
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{_host(parts.hostname or '')}{port}"


def _host(name: str) -> str:
    if ":" in name:
        return f"[{_ipv6(name)}]"
    try:
        plain = name if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("names no valid host") from None
    if not _HOST.fullmatch(plain):
        raise ValueError("names no valid host")
    return plain


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError("names no valid host") from None


def _read_web_url(value: str) -> str:
    split_url(value, schemes=frozenset(_DEFAULT_PORTS))
    return value


def _read_database(value: str) -> str:
    try:
        parsed = make_url(value)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _DATABASES:
        raise ValueError("must be a URL that begins with sqlite:// or postgresql://")
    if parsed.get_backend_name() == "sqlite":
        name = parsed.database or ":memory:"
        if ":memory:" in name or parsed.query.get("mode") == "memory":
            raise ValueError("must name a file: each process would have a database of its own")
    return value


def _read_redis(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith("unix://"):
        split_url(text, schemes=frozenset({"redis", "rediss"}))
    return value


def _read_mail(value: SecretStr) -> SecretStr:
    split_url(value.get_secret_value(), schemes=frozenset({"smtp"}))
    return value


def _read_fernet_key(value: SecretStr) -> SecretStr:
    try:
        Fernet(value.get_secret_value())
    except ValueError:
        raise ValueError("holds no Fernet key; `portal keys new` makes one") from None
    return value


def _read_dns_server(value: str) -> str:
    try:
        parts = urlsplit(f"//{value}")
        sound = bool(parts.hostname) and parts.port != 0 and parts.netloc == value
        sound = sound and "@" not in value and bool(_host(parts.hostname or ""))
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("must be host or host:port, IPv6 in brackets")
    return value


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _read_switch(value: object) -> object:
    return _one_of(value, _SWITCHES, "must be on or off")


def _read_truth(value: object) -> object:
    return _one_of(value, _TRUTHS, "must be true or false")


def _one_of(value: object, words: dict[str, bool], otherwise: str) -> object:
    if isinstance(value, bool):
        return value
    found = words.get(str(value).lower())
    if found is None:
        raise ValueError(otherwise)
    return found


def _read_hops(value: object) -> object:
    text = str(value)
    if not re.fullmatch(r"\d|10", text, re.ASCII):
        raise ValueError("must be a whole number from 0 to 10")
    return int(text)


Origin = Annotated[str, AfterValidator(read_origin)]
WebUrl = Annotated[str, AfterValidator(_read_web_url)]
DatabaseUrl = Annotated[str, AfterValidator(_read_database)]
RedisUrl = Annotated[SecretStr, AfterValidator(_read_redis)]
MailUrl = Annotated[SecretStr, AfterValidator(_read_mail)]
FernetKeys = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_read_fernet_key)], ...], BeforeValidator(_split)
]
DnsServers = Annotated[
    tuple[Annotated[str, AfterValidator(_read_dns_server)], ...], BeforeValidator(_split)
]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
Truth = Annotated[bool, BeforeValidator(_read_truth)]
Hops = Annotated[int, BeforeValidator(_read_hops)]

"""From the environment and `.env` to settings, or to every problem with them at once."""

import difflib
import io
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import ValidationError

from portal.settings.documentation import setting_names
from portal.settings.kept_keys import kept_encryption_key, kept_secret_key, make_folder
from portal.settings.model import Settings, SettingsError

_PREFIX = "PORTAL_"
_FOR_SEEDS = frozenset({"PORTAL_OPERATOR_PASSWORD"})  # what seed files refer to, no setting
_SHORTEST_SECRET = 16


def load_settings(
    environ: Mapping[str, str] | None = None, *, folder: Path | None = None
) -> Settings:
    """Read the settings and make what keys are missing. Raises SettingsError with every problem.

    The environment wins over `.env` in `folder` (default: the working directory). In production
    missing keys and a base URL without https are refused (localhost aside); in development keys
    are made once and kept in the instance folder.
    """
    given = os.environ if environ is None else environ
    values = {**read_dotenv((folder or Path.cwd()) / ".env"), **given}
    problems = _unknown(values, given)
    wanted = {name: values[name] for name in known_names() if values.get(name)}
    try:
        settings = Settings.model_validate(wanted)
    except ValidationError as error:
        problems += dict.fromkeys(_problem(dict(item)) for item in error.errors())
        raise SettingsError(problems) from None
    problems += _incomplete(settings) + (_unsafe(settings) if settings.is_production else [])
    if problems:
        raise SettingsError(problems)
    return _with_local_state(settings)


def known_names() -> frozenset[str]:
    """Give the name of every environment variable that is a setting."""
    return frozenset(name for names in setting_names().values() for name in names)


def read_dotenv(path: Path) -> dict[str, str]:
    """Give what a `.env` file sets, each value as it is written there."""
    if not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError([f"{path} cannot be read: {why}"]) from None
    lines = list(parse_stream(io.StringIO(text)))
    broken = [line.original.line for line in lines if line.error]
    if broken:
        raise SettingsError([f"{path}:{line} is not of the form NAME=value" for line in broken])
    return {line.key: line.value or "" for line in lines if line.key}


def _unknown(values: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    problems = []
    known = known_names()
    for name in sorted(values):
        if name.startswith(_PREFIX) and name not in known | _FOR_SEEDS:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
            where = "" if name in environ else " (in .env)"
            hint = f"did you mean {near[0]}?" if near else "the README lists them all"
            problems.append(f"{name}{where} is no setting; {hint}")
    return problems


def _problem(item: dict[str, Any]) -> str:
    return f"{item['loc'][0]} {str(item['msg']).removeprefix('Value error, ')}"


def _incomplete(settings: Settings) -> list[str]:
    """Name what half a default client lacks: left unsaid, its people could not sign in."""
    if settings.ssojet_client_id and not settings.ssojet_issuer_url:
        return ["SSOJET_ISSUER_URL is missing beside SSOJET_CLIENT_ID"]
    if settings.ssojet_client_secret and not settings.ssojet_client_id:
        return ["SSOJET_CLIENT_ID is missing beside SSOJET_CLIENT_SECRET"]
    return []


def _unsafe(settings: Settings) -> list[str]:
    problems = []
    secret = settings.secret_key.get_secret_value()
    if not secret:
        problems.append("PORTAL_SECRET_KEY is missing; production needs its own")
    elif len(secret) < _SHORTEST_SECRET:
        problems.append(f"PORTAL_SECRET_KEY is too short: {_SHORTEST_SECRET} characters at least")
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
        make_folder(folder)
        changed["database_url"] = f"sqlite:///{folder / 'portal.db'}"
    if not settings.secret_key.get_secret_value():
        changed["secret_key"] = kept_secret_key(folder)
    if not settings.encryption_keys:
        changed["encryption_keys"] = (kept_encryption_key(folder),)
    return settings.model_copy(update={**changed, "instance_dir": folder})

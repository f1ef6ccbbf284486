"""Keys that are made once and kept in the instance folder, readable by the owner alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet
from pydantic import SecretStr

from portal.settings.model import SettingsError

SECRET_KEY, ENCRYPTION_KEY = "secret_key", "encryption_key"


def make_folder(folder: Path) -> None:
    """Make the instance folder where it is missing. Raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, f"cannot be made: {error.strerror}") from None


def kept_secret_key(folder: Path) -> SecretStr:
    """Give the key that signs cookies, made at the first use. Raises SettingsError."""
    key = _kept(folder / SECRET_KEY, secrets.token_urlsafe(48))
    if not key:
        raise _unusable(folder / SECRET_KEY, "is empty; remove it and a new key is made")
    return SecretStr(key)


def kept_encryption_key(folder: Path) -> SecretStr:
    """Give the key that seals secrets, made at the first use. Raises SettingsError."""
    path = folder / ENCRYPTION_KEY
    key = _kept(path, Fernet.generate_key().decode())
    try:
        Fernet(key)
    except ValueError:
        raise _unusable(path, "holds no Fernet key; put back the one it held") from None
    return SecretStr(key)


def _kept(path: Path, fresh: str) -> str:
    """Give what the file holds. Of processes that start at once one makes it, for all of them."""
    make_folder(path.parent)
    try:
        if not path.exists():
            _make(path, fresh)
        return path.read_text().strip()
    except OSError as error:
        raise _unusable(path, f"cannot be kept: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(path, "holds no text") from None


def _make(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and the first one wins
    finally:
        draft.unlink(missing_ok=True)


def _unusable(path: Path, why: str) -> SettingsError:
    return SettingsError([f"PORTAL_INSTANCE_DIR: {path} {why}"])

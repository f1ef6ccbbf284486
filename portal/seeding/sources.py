"""Where the secrets of seed files come from: `env:NAME`, `file:PATH`, encrypted, or in clear."""

import re
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from portal.core.entries import Place, SecretSource, SourceKind
from portal.core.registry import Sealed
from portal.crypto import UnreadableSecretError, Vault

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_FILE = 64 * 1024


class SourceError(Exception):
    """A secret's source is malformed or holds nothing; the message never holds a secret."""


def parse_source(text: str, place: Place, *, folder: Path) -> SecretSource:
    """Read how a secret is named, and check what can be checked offline. Raises SourceError."""
    kind, _, rest = text.partition(":")
    if kind == "encrypted":
        reference, _, token = rest.rpartition(":")
        if not token or not re.fullmatch(r"((env|file):.+)?", reference):
            raise SourceError("must be encrypted:TOKEN, as the export writes it")
        if reference:
            parse_source(reference, place, folder=folder)
        return SecretSource(SourceKind.ENCRYPTED, token, place, key=reference)
    if kind == "env":
        if not _NAME.fullmatch(rest):
            raise SourceError("must be env:NAME, the name of an environment variable")
        return SecretSource(SourceKind.ENV, rest, place)
    if kind == "file":
        if not rest or not _is_file(folder / rest):
            raise SourceError(f"the file {rest[:200] or '(no name)'} is missing")
        return SecretSource(SourceKind.FILE, rest, place)
    if not text.strip():
        raise SourceError("is empty; leave it out to keep what the registry has")
    return SecretSource(SourceKind.LITERAL, text, place)


def resolve(source: SecretSource, *, folder: Path, environ: Mapping[str, str], vault: Vault) -> str:
    """Give the secret itself. Raises SourceError where there is none.

    `vault` opens what is encrypted and names no key of its own.
    """
    match source.kind:
        case SourceKind.LITERAL:
            return source.text
        case SourceKind.ENV:
            value = environ.get(source.text, "")
            if not value:
                raise SourceError(f"{source.text} is not set in the environment")
            return value
        case SourceKind.FILE:
            return _read(folder / source.text, named=source.text)
        case SourceKind.ENCRYPTED:
            return _decrypt(source, folder=folder, environ=environ, vault=vault)


def check_private_key(pem: str) -> None:
    """Refuse what is no key that a client can sign with. Raises SourceError."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SourceError("holds no PEM private key without a passphrase") from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise SourceError("holds a key that cannot sign: RSA, EC or Ed25519 is needed")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long, or a folder that may not be entered
        return False


def _read(path: Path, *, named: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SourceError(f"the file {named} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"the file {named} is not UTF-8 text") from None
    if len(text) > _LARGEST_FILE:
        raise SourceError(f"the file {named} is too large for a secret")
    if not text.strip():
        raise SourceError(f"the file {named} is empty")
    return text.removesuffix("\n").removesuffix("\r")


def _decrypt(
    source: SecretSource, *, folder: Path, environ: Mapping[str, str], vault: Vault
) -> str:
    sealed = Sealed(source.text.encode())
    if not source.key:
        try:
            return vault.open(sealed)
        except UnreadableSecretError as error:
            raise SourceError(f"{error}; export it again, or write the secret anew") from None
    named = parse_source(source.key, source.place, folder=folder)
    key = resolve(named, folder=folder, environ=environ, vault=vault)
    try:
        return Vault([key.strip()]).open(sealed)
    except ValueError:
        raise SourceError(f"{source.key} holds no key; `portal keys new` makes one") from None
    except UnreadableSecretError:
        raise SourceError(f"the key of {source.key} does not open it") from None

"""The registry as somebody wants it: what seed files and forms say, before it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SourceKind(StrEnum):
    """Where the value of a secret comes from."""

    ENV = "env"
    FILE = "file"
    LITERAL = "literal"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a file, a line and the key there."""

    file: str
    line: int
    key: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f" {self.key}" if self.key else "")


@dataclass(frozen=True, slots=True)
class SecretSource:
    """How a file names a secret. `text` is the name, the path, or the secret itself.

    `key` is the reference of the key that opens an encrypted secret, empty for the portal's own.
    The repr shows no literal.
    """

    kind: SourceKind
    text: str = field(repr=False)
    place: Place = field(compare=False)
    key: str = ""

    @property
    def reference(self) -> str | None:
        """The reference to remember beside the stored secret; None where there is none."""
        if self.kind in {SourceKind.ENV, SourceKind.FILE}:
            return f"{self.kind.value}:{self.text}"
        return None


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """A tenant's OIDC client. A secret that is None is left as the registry has it."""

    key: str
    place: Place = field(compare=False)
    issuer_place: Place = field(compare=False)
    issuer: str
    client_id: str
    auth_method: str = "client_secret_basic"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    connection_param: str = "connection"
    secret: SecretSource | None = None
    private_key: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """A tenant's connection; `client` None is the default client."""

    key: str
    place: Place = field(compare=False)
    name: str
    client: str | None = None
    ssojet_connection: str = ""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    email_verified: str = "unless_false"
    new_users: str = "create"
    require_claims: Mapping[str, object] = field(default_factory=dict)
    role_claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """A domain of a tenant, in A-label form, and the keys of the connections it leads to."""

    name: str
    tenant: str
    place: Place = field(compare=False)
    policy: str
    connections: tuple[str, ...] = ()
    subdomains: bool = False
    verified: bool = True
    rollout: int = 100


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A person of a tenant, or an operator. `key` is the form in which addresses are compared.

    A name that is None is left as the registry has it.
    """

    key: str
    place: Place = field(compare=False)
    email: str
    name: str | None = None
    role: str = "member"
    sso_exempt: bool = False
    password: SecretSource | None = None
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """A tenant with what hangs on it, its domains aside: those come as a stream of their own."""

    slug: str
    place: Place = field(compare=False)
    name: str
    status: str = "active"
    idle_minutes: int = 60
    absolute_hours: int = 12
    clients: tuple[ClientEntry, ...] = ()
    connections: tuple[ConnectionEntry, ...] = ()
    users: tuple[UserEntry, ...] = ()

"""The tenant registry as values: what the store gives and the decisions read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from portal.core.address import Domain
from portal.core.values import quick_value

RESERVED_PARAMS = frozenset(
    {
        "response_type",
        "response_mode",  # the callback reads the query and nothing else
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "login_hint",
        "request",  # a request object would speak for all of the above (RFC 9101)
        "request_uri",
    }
)
"""Parameters that `authorize_params` cannot set: they are the portal's own, or would undo it."""


class Policy(StrEnum):
    """What a domain asks of its people."""

    PASSWORD = "password"  # noqa: S105 - a policy, not a secret
    OPTIONAL = "optional"
    REQUIRED = "required"


class AuthMethod(StrEnum):
    """How a client proves itself at the token endpoint (OIDC Core, 9)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


class EmailVerified(StrEnum):
    """What a connection asks of the `email_verified` claim (OIDC Core, 5.1)."""

    UNLESS_FALSE = "unless_false"
    REQUIRED = "required"


class NewUsers(StrEnum):
    """What happens at the first sign-in of somebody the registry does not know."""

    CREATE = "create"
    REFUSE = "refuse"


class Role(StrEnum):
    """What an account may do."""

    MEMBER = "member"
    ADMIN = "admin"
    OPERATOR = "operator"

    @classmethod
    def highest(cls, *names: str | None) -> "Role":
        """Give the highest of the roles named; without any, that of a member."""
        if cls.OPERATOR in names:
            return cls.OPERATOR
        return cls.ADMIN if cls.ADMIN in names else cls.MEMBER


@quick_value
class Tenant:
    """A customer. `idle_minutes` and `absolute_hours` bound its people's sessions."""

    id: int
    slug: str
    name: str
    suspended: bool = False
    idle_minutes: int = 60
    absolute_hours: int = 12


@dataclass(frozen=True, slots=True)
class Client:
    """An OIDC client: the portal as a relying party at one issuer.

    `tenant` is the slug of its tenant, None for the default client of the `SSOJET_*` settings.
    `secret` and `private_key` are opened only by the gateway that needs them. `old_secret` and
    `old_private_key` are what they replaced, kept until the new one has worked.
    """

    key: str
    tenant: str | None
    issuer: str
    client_id: str
    redirect_uri: str
    auth_method: AuthMethod = AuthMethod.BASIC
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    connection_param: str = "connection"
    secret: "Sealed | None" = None
    private_key: "Sealed | None" = None
    old_secret: "Sealed | None" = None
    old_private_key: "Sealed | None" = None

    @property
    def proof(self) -> "Sealed | None":
        """What the client proves itself with at the token endpoint."""
        match self.auth_method:
            case AuthMethod.NONE:
                return None
            case AuthMethod.PRIVATE_KEY_JWT:
                return self.private_key
            case AuthMethod.BASIC | AuthMethod.POST:
                return self.secret

    @property
    def as_before(self) -> "Client | None":
        """The client with what its secret or key replaced; None where nothing old is kept."""
        if self.old_secret is None and self.old_private_key is None:
            return None
        before = replace(
            self,
            secret=self.old_secret,
            private_key=self.old_private_key,
            old_secret=None,
            old_private_key=None,
        )
        return before if before.proof else None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret encrypted at rest; only `portal.crypto` opens it. Its repr shows nothing."""

    token: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "Sealed(…)"


@dataclass(frozen=True, slots=True)
class Connection:
    """A way to a tenant's identity provider through a client.

    `client` is None where the connection names none and no default client is set: it cannot be
    used until one is.
    """

    id: int
    slug: str
    name: str
    client: Client | None
    ssojet_connection: str = ""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    email_verified: EmailVerified = EmailVerified.UNLESS_FALSE
    new_users: NewUsers = NewUsers.CREATE
    require_claims: Mapping[str, object] = field(default_factory=dict)
    role_claim: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether people can be sent through this connection now."""
        return self.enabled and self.client is not None


@quick_value
class DomainRule:
    """A domain of a tenant, and where it leads."""

    id: int
    domain: Domain
    tenant: Tenant
    connections: tuple[Connection, ...] = ()
    policy: Policy = Policy.OPTIONAL
    subdomains: bool = False
    verified: bool = False
    rollout: int = 100

    def applies_to(self, domain: Domain) -> bool:
        """Whether this rule covers `domain`: itself, or a parent that takes subdomains."""
        return self.domain.name == domain.name or (self.subdomains and self.domain.covers(domain))


@quick_value
class Account:
    """A person of one tenant, or an operator (of none)."""

    id: int
    email: str
    name: str
    role: Role
    tenant: Tenant | None
    disabled: bool = False
    sso_exempt: bool = False
    password_hash: str | None = field(default=None, repr=False)

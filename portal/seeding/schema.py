"""The shape of a seed file, and its JSON Schema for editors."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from portal.core.registry import RESERVED_PARAMS
from portal.core.text import is_one_line
from portal.crypto import is_argon2id

_SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"


# What the portal itself puts on the authorization request (OIDC Core, 3.1.2.1; RFC 7636).
def _issuer(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not parts.hostname or re.search(r"\s", text):
        raise ValueError("must be the issuer's URL, such as https://auth.ssojet.com")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("an issuer has no query, fragment or user (OIDC Discovery, 3)")
    return text


def _scopes(names: list[str]) -> list[str]:
    if "openid" not in names:
        raise ValueError('must hold "openid" (OIDC Core, 3.1.2.1)')
    if len(set(names)) != len(names):
        raise ValueError("one stands twice")
    for name in names:
        if not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", name):
            raise ValueError("a scope is one word without spaces or quotes (RFC 6749, 3.3)")
    return names


def _params(params: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
    taken = sorted(RESERVED_PARAMS & params.keys())
    if taken:
        raise ValueError(f"{', '.join(taken)}: the portal sets this itself")
    return params


def _connection_param(name: str) -> str:
    if name in RESERVED_PARAMS:
        raise ValueError(f"{name}: the portal sets this itself")
    return name


def _hash(secret: SecretStr) -> SecretStr:
    if not is_argon2id(secret.get_secret_value()):
        raise ValueError("is no argon2id hash, which begins with $argon2id$v=19$")
    return secret


def _line_of_text(text: str) -> str:
    if not text.strip() or not is_one_line(text):
        raise ValueError("must be one line of text, without marks that turn its direction")
    return text.strip()


Slug = Annotated[str, Field(pattern=_SLUG, max_length=63)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line_of_text)]
Word = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_line_of_text)]


class Seed(BaseModel):
    """What all parts of a seed file have in common: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ClientSeed(Seed):
    """An OIDC client of the tenant: the portal as an application at an issuer."""

    issuer: Annotated[str, Field(max_length=500), AfterValidator(_issuer)] = Field(
        description="The issuer's URL, exactly as its metadata has it."
    )
    client_id: Word = Field(description="The client's id at the issuer.")
    client_secret: SecretStr | None = Field(
        None,
        description="`env:NAME`, `file:PATH` (relative to this folder), `encrypted:...` as the "
        "export writes it, or the secret itself. Left out: kept as the registry has it.",
    )
    auth_method: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = (
        Field("client_secret_basic", description="How the client proves itself for tokens.")
    )
    private_key: SecretStr | None = Field(
        None,
        description="A PEM key for `private_key_jwt`, named as a client secret is. Its public "
        "half is at /.well-known/jwks.json.",
    )
    scopes: Annotated[list[str], AfterValidator(_scopes)] = Field(
        default_factory=lambda: ["openid", "profile", "email"],
        description="The scopes that are asked for.",
    )
    connection_param: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=64), AfterValidator(_connection_param)
    ] = Field(
        "connection",
        description="The request parameter that carries `ssojet_connection`; empty sends none.",
    )


class ConnectionSeed(Seed):
    """A way to the tenant's identity provider."""

    name: Name = Field(description="What people see on the button.")
    client: Slug | None = Field(
        None, description="A key of `clients`. Left out: the default client of the settings."
    )
    ssojet_connection: Annotated[str, Field(max_length=500)] = Field(
        "", description="SSOJet's identifier of the connection."
    )
    authorize_params: Annotated[dict[str, str | int | bool], AfterValidator(_params)] = Field(
        default_factory=dict, description="Further parameters of the authorization request."
    )
    enabled: bool = Field(True, description="`false` switches the connection off.")
    email_verified: Literal["unless_false", "required"] = Field(
        "unless_false",
        description="`unless_false`: refused only when the claim is there and not true. "
        "`required`: the claim must be true.",
    )
    new_users: Literal["create", "refuse"] = Field(
        "create", description="Whether somebody unknown gets an account at the first sign-in."
    )
    require_claims: dict[str, Any] = Field(
        default_factory=dict, description="Claims that must come back with just these values."
    )
    role_claim: Annotated[str, Field(max_length=200)] = Field(
        "",
        description="The claim that carries groups: a dotted path to texts, or to objects with "
        "a `name`.",
    )
    roles: dict[str, Literal["admin", "member"]] = Field(
        default_factory=dict, description="The role that each group gives in this tenant."
    )


class DomainSeed(Seed):
    """What a domain asks of its people."""

    connection: Slug | None = Field(None, description="The connection that the domain leads to.")
    connections: Annotated[list[Slug], Field(min_length=1)] | None = Field(
        None, description="Several connections, in the order in which people see them."
    )
    policy: Literal["password", "optional", "required"] | None = Field(
        None,
        description="`required`: SSO alone. `optional`: SSO or a password. `password`: no SSO. "
        "Left out: `optional` where a connection is named, else `password`.",
    )
    subdomains: bool = Field(
        False, description="Also the domains below this one that have no closer entry."
    )
    verified: bool = Field(
        True, description="An operator vouches for the domain; `false` waits for the DNS proof."
    )
    rollout: Annotated[int, Field(ge=0, le=100)] = Field(
        100, description="Per cent of addresses to which `required` applies."
    )


class UserSeed(Seed):
    """A person of the tenant."""

    email: str = Field(description="The address. One address is one account, of one tenant.")
    name: Name | None = Field(
        None,
        description="The person's name. Left out: kept, or for a new account the address's "
        "local part.",
    )
    role: Literal["admin", "member"] = Field("member", description="What the person may do.")
    password: SecretStr | None = Field(
        None,
        description="`env:NAME`, `file:PATH`, `encrypted:...` or the password itself. Left out: "
        "kept as the registry has it. Every plan and apply hashes it to see whether it is new, a "
        "quarter of a second of a processor for each; for hundreds use `password_hash`.",
    )
    password_hash: Annotated[SecretStr, AfterValidator(_hash)] | None = Field(
        None, description="An argon2id string, instead of `password`."
    )
    sso_exempt: bool = Field(
        False, description="Break-glass: may use the password although the domain requires SSO."
    )


class SessionSeed(Seed):
    """How long the sessions of this tenant's people last."""

    idle_minutes: Annotated[int, Field(ge=1, le=527_040)] = Field(
        60, description="Minutes without a request after which a session ends."
    )
    absolute_hours: Annotated[int, Field(ge=1, le=8_784)] = Field(
        12, description="Hours after which a session ends in any case."
    )


class TenantFile(Seed):
    """A seed file of one tenant."""

    schema_url: str | None = Field(
        None, alias="$schema", description="For editors: where this schema is."
    )
    tenant: Slug = Field(description="The tenant's slug, unique in the registry.")
    name: Name = Field(description="The tenant's name, as people see it.")
    status: Literal["active", "suspended"] = Field(
        "active", description="`suspended`: nobody gets in, and sessions end."
    )
    clients: dict[Slug, ClientSeed] = Field(
        default_factory=dict, description="The tenant's OIDC clients, by key."
    )
    connections: dict[Slug, ConnectionSeed] = Field(
        default_factory=dict, description="The tenant's connections, by key."
    )
    domains: dict[str, DomainSeed] = Field(
        default_factory=dict, description="The tenant's domains and where each leads."
    )
    users: list[UserSeed] = Field(default_factory=list, description="People of the tenant.")
    session: SessionSeed = Field(default_factory=SessionSeed, description="How long sessions last.")


class OperatorSeed(Seed):
    """A person who runs the portal: sees all tenants, belongs to none."""

    email: str = Field(description="The address; it is no tenant user's at the same time.")
    name: Name | None = Field(
        None,
        description="The person's name. Left out: kept, or for a new account the address's "
        "local part.",
    )
    password: SecretStr | None = Field(
        None, description="As a user's. Left out: kept as the registry has it."
    )
    password_hash: Annotated[SecretStr, AfterValidator(_hash)] | None = Field(
        None, description="An argon2id string, instead of `password`."
    )


class OperatorsFile(Seed):
    """A seed file of operators."""

    schema_url: str | None = Field(
        None, alias="$schema", description="For editors: where this schema is."
    )
    operators: list[OperatorSeed] = Field(description="The operators.")


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a seed file: a tenant's, or the operators'."""
    schema = TypeAdapter(TenantFile | OperatorsFile).json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Seed file of the portal",
        **schema,
    }

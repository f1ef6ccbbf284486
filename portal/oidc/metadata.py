"""What an issuer publishes of itself, read and refused where it cannot be relied on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictStr, ValidationError

from portal.core.errors import FailureCode, SignInFailure
from portal.core.jwks import ASYMMETRIC
from portal.core.tokens import DEFAULT_ALGORITHMS
from portal.oidc.addresses import SafeUrl, safe_url

_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """An issuer's endpoints and what it can do (Discovery 3)."""

    issuer: str
    authorization_endpoint: SafeUrl
    token_endpoint: SafeUrl
    jwks_uri: SafeUrl
    userinfo_endpoint: SafeUrl | None
    end_session_endpoint: SafeUrl | None
    algorithms: frozenset[str]  # those for ID tokens that both sides allow
    promises_iss: bool  # RFC 9207: every authorization response names its issuer
    auth_methods: tuple[str, ...]  # what it says of itself, for `doctor`
    backchannel_logout: bool  # as above
    frontchannel_logout: bool  # as above


def _only(kind: type) -> BeforeValidator:
    # What nothing depends on is ignored when it is of a wrong type; real providers have it so.
    return BeforeValidator(lambda value: value if isinstance(value, kind) else None)


class _Document(BaseModel):
    """The members that are read; what a sign-in relies on has a strict type."""

    model_config = ConfigDict(extra="ignore")

    issuer: StrictStr
    authorization_endpoint: StrictStr
    token_endpoint: StrictStr
    jwks_uri: StrictStr
    userinfo_endpoint: StrictStr | None = None
    end_session_endpoint: StrictStr | None = None
    id_token_signing_alg_values_supported: list[StrictStr] | None = None
    authorization_response_iss_parameter_supported: StrictBool | None = None
    token_endpoint_auth_methods_supported: Annotated[list[Any] | None, _only(list)] = None
    backchannel_logout_supported: Annotated[bool | None, _only(bool)] = None
    frontchannel_logout_supported: Annotated[bool | None, _only(bool)] = None


def discovery_url(issuer: str, *, allow_local: bool) -> SafeUrl:
    """Give where an issuer publishes its metadata (Discovery 4.1).

    Raises SignInFailure (oidc_failed) where the issuer itself is no sound URL (Core 1.2: https,
    no query, no fragment).
    """
    if "?" in issuer:
        raise _untrusted("the issuer has a query")
    return safe_url(issuer.removesuffix("/") + _WELL_KNOWN, allow_local=allow_local)


def read_metadata(document: Mapping[str, object], *, issuer: str, allow_local: bool) -> Metadata:
    """Give the metadata of `issuer` from the document that it published.

    The document must be of exactly this issuer (Discovery 4.3; else one issuer could speak for
    another). Raises SignInFailure (oidc_failed).
    """
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise _untrusted(f"the metadata lacks {place}, or has it in a wrong type") from None
    if read.issuer != issuer:
        raise _untrusted("the metadata is of another issuer")

    def endpoint(url: str) -> SafeUrl:
        return safe_url(url, allow_local=allow_local)

    return Metadata(
        issuer=issuer,
        authorization_endpoint=endpoint(read.authorization_endpoint),
        token_endpoint=endpoint(read.token_endpoint),
        jwks_uri=endpoint(read.jwks_uri),
        userinfo_endpoint=endpoint(read.userinfo_endpoint) if read.userinfo_endpoint else None,
        end_session_endpoint=(
            endpoint(read.end_session_endpoint) if read.end_session_endpoint else None
        ),
        algorithms=_algorithms(read.id_token_signing_alg_values_supported),
        promises_iss=bool(read.authorization_response_iss_parameter_supported),
        auth_methods=tuple(
            method
            for method in read.token_endpoint_auth_methods_supported or ()
            if isinstance(method, str)
        ),
        backchannel_logout=bool(read.backchannel_logout_supported),
        frontchannel_logout=bool(read.frontchannel_logout_supported),
    )


def _algorithms(published: list[str] | None) -> frozenset[str]:
    if published is None:
        return DEFAULT_ALGORITHMS
    return ASYMMETRIC.intersection(published)


def _untrusted(detail: str) -> SignInFailure:
    return SignInFailure(FailureCode.OIDC_FAILED, detail)

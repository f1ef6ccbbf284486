"""What an issuer publishes of itself, as an admin sees it before a client is saved."""

from dataclasses import dataclass

from portal.core.errors import FailureCode, SignInFailure
from portal.services import Services


@dataclass(frozen=True, slots=True)
class Published:
    """What was found (OIDC Discovery, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    keys: int
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    signs_out: bool
    tells_of_sign_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why nothing could be read; `is_down` where it may be different in a minute."""

    why: str
    is_down: bool


def preview(services: Services, issuer: str) -> Published | Unreadable:
    """Read an issuer's metadata and keys; nothing is saved."""
    try:
        metadata = services.providers.metadata(issuer)
        keys = services.providers.keys(issuer)
    except SignInFailure as failure:
        return Unreadable(failure.detail, failure.code is FailureCode.PROVIDER_UNAVAILABLE)
    told = {
        "back channel": metadata.backchannel_logout,
        "front channel": metadata.frontchannel_logout,
    }
    return Published(
        issuer=metadata.issuer,
        authorization_endpoint=metadata.authorization_endpoint,
        token_endpoint=metadata.token_endpoint,
        keys=len(keys.keys),
        algorithms=tuple(sorted(metadata.algorithms)),
        auth_methods=metadata.auth_methods,
        signs_out=metadata.end_session_endpoint is not None,
        tells_of_sign_out=tuple(name for name, does in told.items() if does),
    )

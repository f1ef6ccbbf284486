"""The ways in which a sign-in ends without a session, and what the registry refuses."""

from enum import StrEnum


class FailureCode(StrEnum):
    """What `/login?error=` may say; the words for each live in `portal.web.failures`."""

    STATE_MISMATCH = "state_mismatch"
    OIDC_FAILED = "oidc_failed"
    ACCESS_DENIED = "access_denied"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    EMAIL_NOT_ALLOWED = "email_not_allowed"
    ACCOUNT_DISABLED = "account_disabled"
    TENANT_SUSPENDED = "tenant_suspended"
    SSO_UNAVAILABLE = "sso_unavailable"
    SESSION_EXPIRED = "session_expired"


class SignInFailure(Exception):
    """This sign-in ends here.

    `detail` is for the log and the audit trail, never for the page, and never holds a token, a
    code or a secret. `facts` are further values for the trail, such as the claim that failed.
    """

    def __init__(self, code: FailureCode, detail: str, **facts: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.facts = facts


class RegistryError(Exception):
    """A change that the registry refuses; the message names the thing and the mend."""

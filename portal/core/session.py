"""A signed-in browser as a value, and when it ends."""

from dataclasses import field
from datetime import datetime, timedelta

from portal.core.registry import Account, Sealed
from portal.core.values import quick_value

OPERATOR_IDLE = timedelta(minutes=30)
OPERATOR_ABSOLUTE = timedelta(hours=12)


@quick_value
class SignedInBy:
    """How a session came about: by password, or through a connection's client and issuer."""

    method: str
    connection_id: int | None = None
    connection_name: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    subject: str | None = None
    sid: str | None = None
    id_token: Sealed | None = None


@quick_value
class Session:
    """One session. `ends_by` is the provider's own limit (`session_expiry`), where it set one."""

    id: int
    public_id: str
    account: Account
    by: SignedInBy
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    ends_by: datetime | None
    network: str = ""
    user_agent: str = field(default="", repr=False)

    @property
    def idle_limit(self) -> timedelta:
        """How long the session lives without a request."""
        tenant = self.account.tenant
        return timedelta(minutes=tenant.idle_minutes) if tenant else OPERATOR_IDLE

    @property
    def ends_at(self) -> datetime:
        """The end whatever the person does: the tenant's absolute limit or the provider's."""
        tenant = self.account.tenant
        longest = timedelta(hours=tenant.absolute_hours) if tenant else OPERATOR_ABSOLUTE
        end = self.created_at + longest
        return min(end, self.ends_by) if self.ends_by else end

    def is_live(self, now: datetime) -> bool:
        """Whether the session still holds: limits, account and tenant."""
        tenant = self.account.tenant
        if self.account.disabled or (tenant and tenant.suspended):
            return False
        return now < self.ends_at and now < self.last_seen_at + self.idle_limit

    def is_due_for_touch(self, now: datetime) -> bool:
        """Whether `last_seen_at` should be written anew: a sixtieth of the idle limit is over."""
        return now - self.last_seen_at >= self.idle_limit / 60

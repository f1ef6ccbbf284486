"""While one secret of a client replaces another: which of the two a token endpoint gets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import Client, Sealed
from portal.oidc.token_endpoint import ClientRefused, CodeRefused, Tokens

REFUSED = timedelta(minutes=1)
SPENT = timedelta(hours=1)
_MOST = 1000


class Replacing:
    """Sends the new secret first and the old one where the new one is refused.

    A refused client has spent no code: its proof is looked at first (RFC 6749, 3.2.1 and 4.1.3).
    A provider that spends it all the same fails that one sign-in; from then on the old secret
    goes first there for an hour. After a mere refusal it goes first for a minute, so that the
    new one is tried again soon and not at every sign-in.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._old_first: dict[Sealed | None, datetime] = {}

    def redeem(self, client: Client, send: Callable[[Client], Tokens]) -> Tokens:
        """Give the tokens that `send` gets for the client, as it is or as it was."""
        before = client.as_before
        if before is None:
            return send(client)
        old_first_until = self._old_first.get(client.proof)
        if old_first_until is not None and self._now() < old_first_until:
            try:
                return replace(send(before), by_old=True)
            except ClientRefused:
                self._old_first.pop(client.proof, None)
                return send(client)
        try:
            return send(client)
        except ClientRefused as refused:
            return self._with_old(client, before, send, refused)

    def _with_old(
        self,
        client: Client,
        before: Client,
        send: Callable[[Client], Tokens],
        refused: ClientRefused,
    ) -> Tokens:
        try:
            tokens = send(before)
        except ClientRefused:
            raise refused from None  # neither counts: the new one's refusal is what to mend
        except CodeRefused:
            self._remember(client, SPENT)
            raise refused from None
        except SignInFailure as failure:
            if failure.code is FailureCode.SSO_UNAVAILABLE:  # the old one cannot be opened
                raise refused from None
            raise
        self._remember(client, REFUSED)
        return replace(tokens, by_old=True, refused_new=True)

    def _remember(self, client: Client, span: timedelta) -> None:
        if len(self._old_first) >= _MOST:
            self._old_first.clear()
        self._old_first[client.proof] = self._now() + span

"""Flask's session, used for notices alone and opened only by the pages that have one.

Who is signed in is no part of it: that is `portal_session` and the database.
"""

from collections.abc import Iterator
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin


class Notices(SessionMixin):
    """A session that is read from its cookie at the first look into it, and not before."""

    def __init__(self, load: Any) -> None:
        self._load = load
        self._loaded: SecureCookieSession | None = None

    @property
    def opened(self) -> SecureCookieSession:
        """The session itself."""
        if self._loaded is None:
            self._loaded = self._load()
        assert self._loaded is not None, "the secret key is always set"
        return self._loaded

    @property
    def was_opened(self) -> bool:
        """Whether anybody has looked."""
        return self._loaded is not None

    def __getitem__(self, key: str) -> Any:
        return self.opened[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.opened[key] = value

    def __delitem__(self, key: str) -> None:
        del self.opened[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.opened)

    def __len__(self) -> int:
        return len(self.opened)


class NoticesInterface(SecureCookieSessionInterface):
    """Gives each request a session that costs nothing until it is looked into."""

    def open_session(self, app: Flask, request: Request) -> Any:
        """Give the unopened session."""
        return Notices(lambda: super(NoticesInterface, self).open_session(app, request))

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Write it back where it was opened."""
        if session.was_opened:
            super().save_session(app, session.opened, response)

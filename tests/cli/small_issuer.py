"""An issuer that publishes what `portal doctor` looks at, and what it makes of it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.core.token_drafts import public
from tests.oidc.servers import Server, answer, routes

SECRET = "planted-secret"


class Issuer:
    """Publishes what a provider does; each test bends what it needs."""

    def __init__(self):
        self.metadata = {"end_session_endpoint": "end", "backchannel_logout_supported": True}
        self.keys = [public()]
        self.ahead = timedelta()
        self.server = Server(routes(self._answer))
        self.url = self.server.url

    def _answer(self, asked):
        if asked.path == "/jwks":
            return answer({"keys": self.keys})
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        document = {"issuer": self.url, **names, **self.metadata}
        for name, value in document.items():
            if name.endswith(("_endpoint", "_uri")):
                document[name] = f"{self.url}/{value}"
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return answer(document, headers=f"Date: {date}\r\n")

    def times_asked(self):
        return sum("openid-configuration" in asked.path for asked in self.server.asked)


def warned(found):
    return sorted(name for name, check in found.items() if check["state"] == "warning")


def failed(found):
    return sorted(name for name, check in found.items() if check["state"] == "failure")

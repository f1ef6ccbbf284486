"""Servers that are closed after the test, and a door that gives up fast."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.crypto import Vault, new_key
from portal.oidc.client import RelyingParty
from portal.oidc.http import Door
from portal.oidc.provider import Providers
from portal.oidc.transport import Limits
from tests.builders import make_client
from tests.oidc.servers import Server
from tests.oidc.small_provider import PLANTED, SmallProvider

QUICK = Limits(connect=0.6, read=0.4, total=0.8, most_bytes=20_000)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.time = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.time

    def advance(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def serve():
    """Start servers: `serve(behaviour, tls=None)`."""
    servers = []

    def start(behave, tls=None):
        servers.append(Server(behave, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def open_door(clock):
    """Make doors: `open_door(**arguments of Door)`; local addresses are allowed unless said."""
    doors = []

    def make(**arguments):
        doors.append(Door(clock, **{"allow_local": True, "limits": QUICK, **arguments}))
        return doors[-1]

    yield make
    for door in doors:
        door.close()


@pytest.fixture
def door(open_door):
    return open_door()


@pytest.fixture
def provider(serve):
    return SmallProvider(serve)


@pytest.fixture
def vault():
    return Vault([new_key()])


@pytest.fixture
def party(door, clock, vault):
    return RelyingParty(Providers(door, clock), door, vault=vault, now=clock)


@pytest.fixture
def client(provider, vault):
    def make(**values):
        return make_client(
            provider.url,
            **{"client_id": "cli_acme.portal", "secret": vault.seal(PLANTED), **values},
        )

    return make

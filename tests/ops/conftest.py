"""Two portals on one PostgreSQL, one portal with two workers on SQLite, a provider."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher

from portal.cli.demo_provider import ProviderControl
from portal.crypto import Vault
from portal.store.engine import Database
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user
from tests.databases import Server, migrate, postgresql_handle, redis_handle
from tests.ops.stand import KEY, Portal, environment

PASSWORD = "correct horse battery"
SECRET = "planted-client-secret"


@pytest.fixture(scope="session")
def provider() -> Iterator[ProviderControl]:
    config = {
        "people": {f"p{n}@acme.example": {} for n in range(40)},
        "clients": [
            {
                "client_id": "portal",
                "client_secret": SECRET,
                "redirect_uris": ["http://localhost:5000/auth/callback/acme"],
                "post_logout_redirect_uris": ["http://localhost:5000/auth/logged-out"],
            }
        ],
        "options": {"auto": True, "delay": 15},
    }
    with ProviderControl(config) as control:
        yield control


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL that tests of this folder may stop and start."""
    with postgresql_handle() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    with redis_handle() as server:
        yield server


def fill(database: Database, issuer: str) -> SimpleNamespace:
    """Acme signs in at the provider, Initech by password."""
    migrate(database)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.transaction() as connection:
        acme = add_tenant(connection, "acme")
        client = add_client(connection, acme, issuer=issuer, secret=Vault([KEY]).seal(SECRET))
        okta = add_connection(connection, acme, client_id=client)
        domain = add_domain(connection, acme, connections=(okta,), policy="required")
        initech = add_tenant(connection, "initech")
        add_domain(connection, initech, "initech.example", policy="password")
        for n in range(20):
            add_user(connection, f"p{n}@initech.example", initech, password_hash=cheap)
    return SimpleNamespace(acme=acme, client=client, okta=okta, domain=domain, initech=initech)


@pytest.fixture(scope="session")
def pair(
    postgresql: Server,
    redis: Server,
    provider: ProviderControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """Two servers with instance folders of their own, on one PostgreSQL and one Redis."""
    folder: Path = tmp_path_factory.mktemp("pair")
    name = f"ops_{uuid4().hex}"
    with psycopg.connect(f"{postgresql.url}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = f"{postgresql.url}/{name}"
    database = Database(url)
    ids = fill(database, provider.issuer)
    env = environment(folder, PORTAL_DATABASE_URL=url, PORTAL_REDIS_URL=redis.url)
    portals = [Portal(folder / which, env) for which in ("one", "two")]
    try:
        for portal in portals:
            portal.wait()
        yield SimpleNamespace(
            one=portals[0], two=portals[1], database=database, url=url, env=env, **vars(ids)
        )
    finally:
        postgresql.start()
        database.close()
        for portal in portals:
            portal.end()


@pytest.fixture
def crew(provider: ProviderControl, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """One server with two workers on SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'portal.db'}")
    ids = fill(database, provider.issuer)
    env = environment(
        tmp_path, PORTAL_DATABASE_URL=database.url.render_as_string(hide_password=False)
    )
    portal = Portal(tmp_path / "crew", env, workers=2)
    try:
        portal.wait()
        yield SimpleNamespace(portal=portal, database=database, env=env, **vars(ids))
    finally:
        database.close()
        portal.end()

"""A portal in this process, and a real OpenID provider in another."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask
from pydantic import SecretStr

from portal.app import create_app
from portal.cli.demo_provider import ProviderControl
from portal.core.registry import Sealed
from portal.crypto import Passwords
from portal.services import Services, build_services
from portal.store.engine import Database
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user
from tests.visitor import Visitor

PASSWORD = "correct horse battery"
SECRET = "planted-client-secret"


def _registered(client_id: str, tenant: str) -> dict[str, object]:
    return {
        "client_id": client_id,
        "client_secret": SECRET,
        "redirect_uris": [f"http://localhost:5000/auth/callback/{tenant}"],
        "post_logout_redirect_uris": ["http://localhost:5000/auth/logged-out"],
    }


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderControl]:
    people = {
        f"{name}@{domain}": {"groups": ["staff"]}
        for domain in ("acme.example", "globex.example", "eu.acme.example", "stranger.example")
        for name in ("ann", "bob", "it")
    }
    config = {
        "people": people,
        "clients": [_registered("portal", "acme"), _registered("globex", "globex")],
        "options": {"any_client": True, "auto": True, "delay": 15},
    }
    with ProviderControl(config) as control:
        yield control


@pytest.fixture
def provider(provider_process: ProviderControl) -> Iterator[ProviderControl]:
    """The provider, telling the truth at the start of every test."""
    provider_process.forget()
    yield provider_process
    provider_process.forget()


@pytest.fixture
def services(
    sqlite_database: Database, make_settings, cheap_passwords: Passwords
) -> Iterator[Services]:
    settings = make_settings(
        PORTAL_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False),
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
    )
    built = build_services(settings, passwords=cheap_passwords)
    yield built
    built.close()


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def registry(services: Services, provider: ProviderControl) -> SimpleNamespace:
    """Acme requires SSO, Globex lets people choose, Initech knows passwords alone."""
    hashed = services.passwords.hash(PASSWORD)
    secret: Sealed = services.vault.seal(SecretStr(SECRET).get_secret_value())
    with services.database.transaction() as connection:
        acme = add_tenant(connection, "acme", name="Acme Corporation")
        client = add_client(connection, acme, issuer=provider.issuer, secret=secret)
        okta = add_connection(connection, acme, name="Acme Okta", client_id=client)
        acme_domain = add_domain(connection, acme, connections=(okta,), policy="required")
        add_user(
            connection,
            "it@acme.example",
            acme,
            role="admin",
            password_hash=hashed,
            sso_exempt=True,
        )
        add_user(connection, "old@acme.example", acme, password_hash=hashed)
        globex = add_tenant(connection, "globex", name="Globex")
        theirs = add_client(
            connection, globex, issuer=provider.issuer, client_id="globex", secret=secret
        )
        entra = add_connection(connection, globex, key="entra", name="Entra", client_id=theirs)
        ping = add_connection(connection, globex, key="ping", name="Ping", client_id=theirs)
        globex_domain = add_domain(connection, globex, "globex.example", connections=(entra, ping))
        add_user(connection, "bob@globex.example", globex, password_hash=hashed)
        initech = add_tenant(connection, "initech", name="Initech")
        add_domain(connection, initech, "initech.example", policy="password")
        add_user(connection, "peter@initech.example", initech, password_hash=hashed)
        add_user(connection, "ops@portal.example", password_hash=hashed)
    return SimpleNamespace(
        acme=acme,
        client=client,
        okta=okta,
        acme_domain=acme_domain,
        globex=globex,
        entra=entra,
        ping=ping,
        globex_domain=globex_domain,
        initech=initech,
    )

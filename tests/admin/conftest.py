"""A portal with two companies, and people signed in to it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select

from portal.app import create_app
from portal.cli.demo_provider.provider_process import ProviderControl
from portal.core.session import SignedInBy
from portal.services import build_services
from portal.store import sessions
from portal.store.tables import AUDIT
from tests.admin.dns_server import name_server
from tests.builders import NOW, add_client, add_connection, add_domain, add_tenant, add_user
from tests.databases import migrate

PASSWORD = "correct horse"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dns():
    """A name server of our own; the portal asks no other."""
    with name_server() as server:
        yield server


@pytest.fixture
def backend():
    """Which database: a module that should run on both says so by its own `backend`."""
    return "sqlite"


@pytest.fixture
def admin_database_url(backend, tmp_path, request):
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.db'}"
    server, name = request.getfixturevalue("postgresql_url"), f"admin_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


@pytest.fixture
def services(make_settings, cheap_passwords, clock, admin_database_url, dns):
    settings = make_settings(
        PORTAL_DATABASE_URL=admin_database_url,
        PORTAL_BASE_URL="http://localhost",
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        PORTAL_DNS_SERVERS=dns.address,
    )
    built = build_services(settings, passwords=cheap_passwords, now=clock)
    migrate(built.database)
    yield built
    built.close()


@pytest.fixture
def app(services):
    return create_app(services)


@pytest.fixture
def world(services):
    """Two companies with a domain, a client, a connection, an admin and a member; one operator."""
    ids = {}
    with services.database.transaction() as connection:
        for slug in ("acme", "globex"):
            tenant = add_tenant(connection, slug)
            client = add_client(
                connection, tenant, key=f"{slug}-main", secret=services.vault.seal("old-secret")
            )
            okta = add_connection(connection, tenant, key=f"{slug}-okta", client_id=client)
            domain = add_domain(connection, tenant, f"{slug}.example", connections=(okta,))
            admin = add_user(
                connection,
                f"it@{slug}.example",
                tenant,
                role="admin",
                password_hash=services.passwords.hash(PASSWORD),
            )
            member = add_user(connection, f"ann@{slug}.example", tenant)
            ids[slug] = SimpleNamespace(
                id=tenant,
                client=f"{slug}-main",
                connection=f"{slug}-okta",
                connection_id=okta,
                domain=f"{slug}.example",
                domain_id=domain,
                admin=admin,
                member=member,
            )
        ids["operator"] = add_user(
            connection, "ops@portal.example", password_hash=services.passwords.hash(PASSWORD)
        )
    return SimpleNamespace(**ids)


def seen_of(text):
    """What the form of a page carries of what its editor saw."""
    return unescape(re.search(r'name="seen" value="([^"]*)"', text).group(1))


@dataclass
class Browser:
    """A test client that fills in forms as a person would: what a page holds is sent along."""

    client: object

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, *, page=None, **fields):
        """Send a form of `page` (default: the page at the path itself)."""
        response = self.get(page or path)
        text = response.get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', text)
        data = {"csrf_token": token.group(1)} if token else {}
        return self.client.post(path, data={**data, **fields})

    def text(self, path):
        return self.get(path).get_data(as_text=True)


@pytest.fixture
def sign_in(app, services, clock):
    """Sign somebody in by their number and give their browser."""

    def sign_in(user_id, *, by=None):
        with services.database.transaction() as connection:
            token = sessions.open_session(
                connection,
                user_id,
                by or SignedInBy("password"),
                now=clock(),
                network="203.0.113.9",
                user_agent="Firefox on Linux",
            )
        client = app.test_client()
        client.set_cookie("portal_session", token)
        return Browser(client)

    return sign_in


@pytest.fixture
def admin(world, sign_in):
    """The admin of acme, signed in."""
    return sign_in(world.acme.admin)


@pytest.fixture
def operator(world, sign_in):
    return sign_in(world.operator)


@pytest.fixture
def trail(services):
    """Give the entries of the trail, the newest last, as rows."""

    def trail(event=None):
        with services.database.read() as connection:
            query = select(AUDIT).order_by(AUDIT.c.id)
            return [r for r in connection.execute(query) if event in {None, r.event}]

    return trail


@pytest.fixture
def row_of(services):
    """Give the one row of a table where columns have values."""

    def row_of(table, **values):
        query = select(table).where(*(table.c[k] == v for k, v in values.items()))
        with services.database.read() as connection:
            return connection.execute(query).first()

    return row_of


@pytest.fixture
def mails(services):
    """Give the mails that went out so far, the newest last."""

    def mails():
        folder = services.settings.instance_dir / "mail"
        files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]

    return mails


@pytest.fixture
def link_in(mails):
    """Give the path of the link in the newest mail."""

    def link_in():
        [url] = re.findall(r"http://localhost/\S+", mails()[-1].get_content())
        return urlsplit(url).path

    return link_in


@pytest.fixture(scope="session")
def provider():
    """A real OpenID provider in a process of its own."""
    people = {email: {} for email in ("it@acme.example", "ann@acme.example", "eve@evil.example")}
    options = {"any_client": True, "auto": True}
    with ProviderControl({"people": people, "options": options}) as process:
        yield process

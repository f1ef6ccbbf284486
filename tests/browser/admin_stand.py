"""A portal in this process for the admin pages, with a provider and a name server of its own."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import Connection as DbConnection
from werkzeug.serving import make_server

from portal.app import create_app
from portal.cli.demo_provider import ProviderControl
from portal.crypto import Passwords
from portal.services import Services, build_services
from portal.settings import load_settings
from portal.store import audit, issuer_health, started
from portal.store.started import Started
from tests.admin.dns_server import NameServer, name_server
from tests.builders import add_client, add_connection, add_domain, add_tenant, add_user
from tests.databases import free_port, migrate

PASSWORD = "correct horse battery"
PEOPLE = ("it@newco.test", "ann@newco.test")


@dataclass(frozen=True)
class AdminStand:
    """Where everything is, and what a test may reach behind the pages."""

    portal: str
    issuer: str
    dns: NameServer
    services: Services


@contextmanager
def running_portal(folder: Path) -> Iterator[AdminStand]:
    """Run portal, provider and name server until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = free_port()
    config = {
        "options": {"any_client": True, "auto": True},
        "people": {email: {} for email in PEOPLE},
    }
    with name_server() as dns, ProviderControl(config) as provider:
        settings = load_settings(
            {
                "PORTAL_INSTANCE_DIR": str(folder / "instance"),
                "PORTAL_DATABASE_URL": f"sqlite:///{folder / 'portal.db'}",
                "PORTAL_BASE_URL": f"http://localhost:{port}",
                "PORTAL_ALLOW_LOCAL_ISSUERS": "true",
                "PORTAL_DNS_SERVERS": dns.address,
            },
            folder=folder,
        )
        cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        services = build_services(settings, passwords=cheap)
        migrate(services.database)
        _fill(services, provider.issuer)
        server = make_server("127.0.0.1", port, create_app(services), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield AdminStand(settings.base_url, provider.issuer, dns, services)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            services.close()


def _fill(services: Services, issuer: str) -> None:
    """Make an empty company, one with everything, and an operator."""
    now = services.now()
    hashed = services.passwords.hash(PASSWORD)
    with services.database.transaction() as connection:
        empty = add_tenant(connection, "newco", name="Newco", created_at=now)
        add_user(
            connection,
            "it@newco.test",
            empty,
            role="admin",
            name="Nora Okonjo",
            password_hash=hashed,
            created_at=now,
        )
        full = add_tenant(connection, "acme", name="Acme Corporation", created_at=now)
        client = add_client(connection, full, issuer=issuer, secret=services.vault.seal("x"))
        okta = add_connection(connection, full, name="Acme Okta", client_id=client)
        add_domain(connection, full, "acme.test", connections=(okta,))
        add_domain(connection, full, "xn--mnchen-3ya.test", policy="password", verified=False)
        admin = add_user(
            connection,
            "it@acme.test",
            full,
            role="admin",
            name="Iris Tan",
            password_hash=hashed,
            sso_exempt=True,
        )
        add_user(connection, "ann@acme.test", full, name="Ann Lee")
        add_user(connection, "ops@portal.test", name="Olu Pratt", password_hash=hashed)
        for hours in range(30):
            entry = audit.Entry(
                at=now - timedelta(hours=hours * 7),
                event=audit.Event.SIGN_IN_SSO,
                outcome="success" if hours % 5 else "email_not_allowed",
                actor="ann@acme.test",
                tenant_id=full,
                user_id=admin,
                object="connection okta",
                network="203.0.113.7",
                reference=f"4F7K-{hours:04}",
                detail={} if hours % 5 else {"cause": "the email is not verified"},
            )
            audit.record(connection, entry)
        for minutes, who in ((3, "ann@acme.test"), (40, "bob@acme.test")):
            at = now - timedelta(minutes=minutes)
            lost = Started(f"k{minutes}", at, full, okta, who, "203.0.113.7", f"SENT-{minutes:04}")
            started.save(connection, [lost], came_back={})
        _fill_troubled(services, connection)


def _fill_troubled(services: Services, connection: DbConnection) -> None:
    """Make a company whose provider does not answer and whose new secret is refused."""
    now = services.now()
    tenant = add_tenant(connection, "troubled", name="Troubled", created_at=now)
    client = add_client(
        connection,
        tenant,
        issuer="http://127.0.0.1:1",
        secret=services.vault.seal("new"),
        old_secret=services.vault.seal("old"),
        secret_set_at=now - timedelta(days=1),
        old_set_at=now - timedelta(days=400),
        refused_at=now - timedelta(hours=1),
    )
    add_connection(connection, tenant, name="Troubled Okta", client_id=client)
    look = issuer_health.Look("http://127.0.0.1:1", problem="no answer in time", is_down=True)
    for _ in range(2):
        issuer_health.note(connection, look, now=now, next_at=now)

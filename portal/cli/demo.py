"""`portal demo`: a throw-away portal with a local provider in SSOJet's place."""

import os
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from portal.cli.demo_provider import ProviderControl
from portal.cli.serve import check_port, run
from portal.core.address import Address
from portal.core.routing import in_rollout
from portal.crypto import Passwords
from portal.flows.changes.registry_changes import apply
from portal.seeding.desired import Desired, at_issuer, reference_names
from portal.seeding.folder import read_folder
from portal.services import open_vault, utc_now
from portal.settings import load_settings
from portal.store import schema
from portal.store.engine import Database

PASSWORD = "portal-demo"  # noqa: S105 - printed for everybody who tries the demo
DEFAULT_CLIENT = "cli_demo"
ROLLOUT = 50  # of hooli.example in the shipped seeds
HOOLI_ADMIN = {"name": "Erlich Bachman", "groups": ["hooli-portal-admins"]}


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the table to try."""

    email: str
    password: str
    shows: str


def _hooli(*, inside: bool) -> str:
    """Find somebody of hooli.example whom the rollout takes, or does not take."""
    names = ("richard", "jared", "dinesh", "monica", "nelson", "laurie", "russ", "jian")
    addresses = [f"{name}@hooli.example" for name in names]
    return next(a for a in addresses if in_rollout(Address.parse(a), ROLLOUT) is inside)


def accounts() -> list[Account]:
    """Give the accounts to try: one for each way that an address can go."""
    return [
        Account("ann@acme.example", "", "SSO required: straight on to Acme Okta"),
        Account("it@acme.example", PASSWORD, "break-glass: a password although SSO is required"),
        Account("mona@globex.example", "", "two connections: the chooser"),
        Account("hank@globex.example", PASSWORD, "SSO is optional: a typed password does too"),
        Account("peter@initech.example", PASSWORD, "password only"),
        Account(_hooli(inside=True), "", "inside the rollout of 50 %: SSO required"),
        Account(_hooli(inside=False), "", "outside the rollout: SSO, or a password if you had one"),
        Account("erlich@eu.hooli.example", "", "a subdomain; the group there makes an admin"),
        Account("sam@elsewhere.example", "", "a domain nobody registered: asks for a password"),
        Account("ops@portal.example", PASSWORD, "an operator: every tenant in the admin pages"),
    ]


@click.command("demo")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--provider-port", default=5001, show_default=True, type=click.IntRange(1, 65535))
def command(port: int, provider_port: int) -> None:
    """Start a throw-away portal with a local identity provider; Ctrl-C stops and removes it all."""
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", provider_port)
    stand = _stand(f"http://localhost:{port}")
    with _folder() as folder, ProviderControl(stand.config, port=provider_port) as provider:
        _settle(folder, port, provider.issuer, stand.environ)
        _fill(stand, provider.issuer)
        run("127.0.0.1", port, workers=1, beside=partial(_announce, port, provider.issuer))
    click.echo("Stopped; nothing is left behind.")


@dataclass(frozen=True, slots=True)
class Stand:
    """The seeds, made-up values for their references, and a provider that knows their clients."""

    desired: Desired
    environ: Mapping[str, str]
    config: Mapping[str, Any]


def _stand(base_url: str) -> Stand:
    desired = read_folder(seeds_folder())
    environ = {
        name: PASSWORD if name.endswith("PASSWORD") else secrets.token_urlsafe(24)
        for name in {*reference_names(desired), "SSOJET_CLIENT_SECRET"}
    }
    clients = [_registration(DEFAULT_CLIENT, environ["SSOJET_CLIENT_SECRET"], base_url, tenant="")]
    for tenant in desired.tenants:
        for client in tenant.clients:
            secret = environ[client.secret.text] if client.secret else ""
            registered = _registration(client.client_id, secret, base_url, tenant=tenant.slug)
            clients.append({**registered, "auth_method": client.auth_method})
    people: dict[str, Any] = {row.email: {} for row in accounts() if not row.password}
    people["erlich@eu.hooli.example"] = HOOLI_ADMIN
    return Stand(desired, environ, {"people": people, "clients": clients})


def _registration(client_id: str, secret: str, base_url: str, *, tenant: str) -> dict[str, Any]:
    """Give a client as one would register it at SSOJet."""
    return {
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uris": [f"{base_url}/auth/callback" + (f"/{tenant}" if tenant else "")],
        "post_logout_redirect_uris": [f"{base_url}/auth/logged-out"],
        "backchannel_logout_uri": f"{base_url}/auth/backchannel-logout",
    }


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="portal-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(folder: Path, port: int, issuer: str, environ: Mapping[str, str]) -> None:
    """Give this process the demo's settings and none of the caller's own."""
    for name in list(os.environ):
        if name.startswith(("PORTAL_", "SSOJET_", "FLASK_")):
            del os.environ[name]
    os.environ.update(
        PORTAL_INSTANCE_DIR=str(folder),
        PORTAL_BASE_URL=f"http://localhost:{port}",
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
        SSOJET_ISSUER_URL=issuer,
        SSOJET_CLIENT_ID=DEFAULT_CLIENT,
        SSOJET_CLIENT_SECRET=environ["SSOJET_CLIENT_SECRET"],
    )
    os.chdir(folder)  # where no .env of the caller's lies


def _fill(stand: Stand, issuer: str) -> None:
    settings = load_settings()
    database = Database(settings.database_url)
    schema.upgrade(database)
    apply(
        database,
        open_vault(settings),
        Passwords(),
        at_issuer(stand.desired, issuer),
        now=utc_now(),
        by="demo",
        environ=stand.environ,
    )
    database.close()


def seeds_folder() -> Path:
    """Give the shipped seeds: inside the package once installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "seeds"
    return shipped if shipped.is_dir() else package.parent / "seeds"


def _announce(port: int, issuer: str) -> None:
    """Print the table once the portal answers."""
    for _ in range(300):
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            address = f"http://127.0.0.1:{port}/healthz"
            urllib.request.urlopen(address, timeout=2).close()
            click.echo("\n".join(_table(port, issuer)))
            return
        time.sleep(0.1)


def _table(port: int, issuer: str) -> list[str]:
    rows = accounts()
    width = max(len(row.email) for row in rows)
    lines = [
        "",
        f"  Portal             http://localhost:{port}",
        f"  Identity provider  {issuer} (stands in for SSOJet; signs in whoever you name)",
        "",
        f"  {'Try':<{width}}  {'Password':<11}  Shows",
    ]
    lines += [f"  {row.email:<{width}}  {row.password or '–':<11}  {row.shows}" for row in rows]
    return [*lines, "", "  Ctrl-C stops everything.", ""]

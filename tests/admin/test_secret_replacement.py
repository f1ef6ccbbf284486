"""A client's secret is replaced without down time: the old one stays until the new one worked."""

from datetime import UTC, datetime
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import update

from portal.core.registry import Sealed
from portal.crypto import new_key
from portal.flows.health.client_checks import clients_of, judge_client
from portal.flows.health.issuer_checks import Inspection
from portal.flows.key_rotation import rotate
from portal.flows.signing.client_keys import public_keys
from portal.services import open_vault
from portal.store.tables import CLIENTS, TENANTS
from tests.admin.conftest import Clock, seen_of
from tests.oidc.test_client_auth import KEYS, _pem
from tests.visitor import Visitor

CLIENT = "/admin/tenants/acme/clients/acme-main"
WAY = "/admin/tenants/acme/connections/acme-okta"
STRICT = "cli_strict"  # the provider takes any secret of a client that it was not told of
RIGHT, WRONG = "what-the-issuer-knows", "mistyped-by-somebody"


@pytest.fixture
def clock():
    true = Clock()
    true.now = datetime.now(UTC)
    return true


@pytest.fixture
def at_provider(services, world, provider):
    """Acme's application is at a provider that runs and knows one secret of it."""
    provider.add_client(
        client_id=STRICT,
        client_secret=RIGHT,
        redirect_uris=["http://localhost/auth/callback/acme"],
    )
    values = {
        "issuer": provider.issuer,
        "client_id": STRICT,
        "secret": services.vault.seal(RIGHT),
    }
    with services.database.transaction() as connection:
        connection.execute(update(CLIENTS).values(**values))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))


@pytest.fixture
def row(row_of):
    return lambda: row_of(CLIENTS, key="acme-main")


def shown(page, name):
    return page.split(f'name="{name}" type="text"')[1].split('value="')[1].split('"')[0]


def replace(admin, secret, **fields):
    page = admin.text(CLIENT)
    stored = {
        "issuer": shown(page, "issuer"),
        "client_id": shown(page, "client_id"),
        "auth_method": "client_secret_basic",
        "scopes": "openid profile email",
        "connection_param": "connection",
        "unread": "on",
    }
    sent = {**stored, "client_secret": secret, **fields}
    response = admin.post(CLIENT, **sent, seen=seen_of(page))
    assert response.status_code == 303, response.text
    return unescape(admin.text(CLIENT))


def sign_in(app):
    """Sign somebody in through the provider; give where it ends."""
    return Visitor(app, "http://localhost").sign_in_by_sso("ann@acme.example").location


def opened(services, sealed):
    return services.vault.open(sealed) if sealed else None


def tried(admin):
    """Run a test sign-in; give the redirect to its report."""
    started = admin.post(WAY, do="test", hint="ann@acme.example")
    answer = requests.get(started.location, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    return admin.get(f"{parts.path}?{parts.query}")


def test_a_new_secret_stands_beside_the_old_one_until_it_has_worked(
    admin, app, services, at_provider, row, trail
):
    page = replace(admin, RIGHT)
    assert "The old secret stays until the new one has worked." in page
    assert "A new secret is on trial" in page
    assert RIGHT not in page
    assert opened(services, row().old_secret) == RIGHT
    assert sign_in(app) == "/dashboard"
    assert row().old_secret is None
    assert row().old_set_at is None
    entry = trail("registry:changed")[-1]
    assert (entry.actor, entry.object) == ("the portal itself", "client acme/acme-main")
    assert entry.detail["fields"] == {"old_secret": ["(secret)", None]}
    assert entry.detail["note"] == "the new one has worked"
    assert "Its secret" in unescape(admin.text(CLIENT))


def test_a_mistyped_secret_keeps_nobody_out_and_the_page_says_so(
    admin, app, services, at_provider, row
):
    replace(admin, WRONG)
    assert sign_in(app) == "/dashboard"
    assert sign_in(app) == "/dashboard"
    assert opened(services, row().old_secret) == RIGHT
    page = unescape(admin.text(CLIENT))
    assert "The issuer does not take the new secret" in page
    assert "Nobody is kept out" in page


def test_of_several_that_never_worked_the_one_that_did_is_kept(
    admin, app, services, at_provider, row
):
    replace(admin, WRONG)
    replace(admin, WRONG + " again")
    assert opened(services, row().old_secret) == RIGHT
    assert sign_in(app) == "/dashboard"


def test_the_old_secret_is_taken_back(admin, app, services, at_provider, row, trail):
    before = row().secret_set_at
    replace(admin, WRONG)
    admin.post(CLIENT, do="take-back")
    assert opened(services, row().secret) == RIGHT
    assert (row().old_secret, row().secret_set_at, row().refused_at) == (None, before, None)
    fields = trail("registry:changed")[-1].detail["fields"]
    assert fields["client_secret"] == ["(secret)", "(secret)"]
    assert RIGHT not in str(fields)
    assert sign_in(app) == "/dashboard"


def test_the_old_secret_is_dropped(admin, app, at_provider, row, trail):
    replace(admin, WRONG)
    admin.post(CLIENT, do="drop-old")
    assert row().old_secret is None
    assert trail("registry:changed")[-1].actor == "it@acme.example"
    assert sign_in(app) == "/login?error=oidc_failed"
    twice = admin.post(CLIENT, do="drop-old")
    assert twice.status_code == 303


def test_an_old_secret_is_never_sent_to_another_issuer(admin, at_provider, provider, row):
    replace(admin, WRONG)
    replace(admin, RIGHT, issuer="http://127.0.0.1:1/other")
    assert row().old_secret is None


def test_a_test_sign_in_says_that_the_old_secret_did_it_and_changes_nothing(
    admin, services, at_provider, row
):
    replace(admin, WRONG)
    text = unescape(admin.text(tried(admin).location))
    assert "With the old secret: the issuer does not take the new one." in text
    assert opened(services, row().old_secret) == RIGHT
    replace(admin, RIGHT)
    assert "With the new secret: the first sign-in takes the old one away." in unescape(
        admin.text(tried(admin).location)
    )
    assert opened(services, row().old_secret) == RIGHT


def test_a_new_private_key_is_published_beside_the_old_one(admin, services, world, row):
    sealed = services.vault.seal(_pem(KEYS["ES256"]))
    with services.database.transaction() as connection:
        values = {"auth_method": "private_key_jwt", "private_key": sealed, "secret": None}
        mine = CLIENTS.c.key == "acme-main"
        connection.execute(update(CLIENTS).where(mine).values(**values))
    pem = _pem(KEYS["EdDSA"])
    replace(admin, "", auth_method="private_key_jwt", private_key=pem)
    assert row().old_private_key == sealed
    assert [key["alg"] for key in public_keys(services)] == ["EdDSA", "ES256"]
    assert "A new private key is on trial" in admin.text(CLIENT)


def test_both_secrets_are_sealed_anew_when_keys_rotate(
    admin, services, at_provider, row, make_settings
):
    replace(admin, WRONG)
    newest = new_key()
    old_keys = ",".join(k.get_secret_value() for k in services.settings.encryption_keys)
    settings = make_settings(PORTAL_ENCRYPTION_KEYS=f"{newest},{old_keys}")
    rotate(services.database, open_vault(settings), progress=lambda *_: None)
    alone = open_vault(make_settings(PORTAL_ENCRYPTION_KEYS=newest))
    assert (alone.open(row().secret), alone.open(row().old_secret)) == (WRONG, RIGHT)


def test_doctor_tells_of_an_old_secret_that_no_key_opens(services, at_provider, admin, provider):
    replace(admin, WRONG)
    with services.database.transaction() as connection:
        lost = Sealed(b"sealed with a key that is lost")
        connection.execute(update(CLIENTS).values(old_secret=lost))
        connection.execute(update(TENANTS).values(version=TENANTS.c.version + 1))
    found = [c for c in clients_of(services, [provider.issuer]) if c.key == "acme-main"]
    finding = judge_client(services, found[0], Inspection(provider.issuer), in_use=True)
    assert finding.state == "warning"
    assert "its old secret cannot be opened" in finding.detail


def test_another_company_cannot_touch_the_old_secret(world, sign_in, admin, at_provider, row):
    replace(admin, WRONG)
    other = sign_in(world.globex.admin)
    for do in ("take-back", "drop-old"):
        assert other.post(CLIENT, page="/admin/tenants/globex", do=do).status_code == 404
    assert row().old_secret is not None

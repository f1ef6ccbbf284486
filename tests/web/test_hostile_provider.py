"""A provider that lies in one way at a time: nobody gets in, and nothing breaks.

The table of lies is the demo provider's own; each names the rule it breaks and what a relying
party owes: refuse, accept (real providers do it), or either.
"""

import pytest

from portal.cli.demo_provider import LIES, Lie, ProviderControl, Stage, Verdict
from portal.core.errors import FailureCode
from portal.oidc.transport import Limits
from portal.services import build_services
from tests.visitor import Visitor, refused_at_submit

SIGN_IN_LIES = {name: lie for name, lie in LIES.items() if Stage.LOGOUT_TOKEN not in lie.hooks}
CODES = {code.value for code in FailureCode}


@pytest.fixture
def services(sqlite_database, make_settings, cheap_passwords):
    """As everywhere, but patient for a second only."""
    settings = make_settings(
        PORTAL_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False),
        PORTAL_ALLOW_LOCAL_ISSUERS="true",
    )
    built = build_services(
        settings, passwords=cheap_passwords, limits=Limits(connect=1, read=1, total=1.5)
    )
    yield built
    built.close()


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("name", "lie"), [pytest.param(name, lie, id=name) for name, lie in SIGN_IN_LIES.items()]
)
def test_lie_is_refused_or_harmless(
    visitor: Visitor, provider: ProviderControl, name: str, lie: Lie
):
    provider.lie(name)
    response = visitor.submit("ann@acme.example")
    if response.status_code == 200:  # found at the submit: the page again
        assert lie.verdict is not Verdict.ACCEPT, f"{lie.does} ({lie.rule})"
        assert any(refused_at_submit(response, code) for code in FailureCode)
        assert not visitor.is_signed_in
        return
    if response.location.startswith(provider.issuer):
        response = visitor.come_back(visitor.at_provider(response))
    if lie.verdict is Verdict.EITHER:
        assert response.status_code in {302, 303}
        return
    got_in = response.status_code == 303
    assert got_in is (lie.verdict is Verdict.ACCEPT), f"{lie.does} ({lie.rule})"
    assert visitor.is_signed_in is got_in
    if not got_in:
        page = visitor.get(response.location)
        assert page.status_code == 200
        assert "Reference" in page.text
        assert response.location.partition("error=")[2] in CODES

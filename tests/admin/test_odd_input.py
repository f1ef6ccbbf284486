"""Whatever is sent to the admin pages: words, never a 500."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.admin.test_way_in import Names, admin_routes

ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *("\x00", "a\x00b", "\ud7ff", "💥" * 50, "%", "_", "\\", "'", '"><script>', "{{7*7}}"),
            *("-1", "1e9", "9" * 40, "0x10", "٣", "true", "[]", "{}", '{"a":', "[" * 2000, "a=b"),
        ]
    ),
)
FIELDS = (
    *("name", "tenant", "idle_minutes", "absolute_hours", "seen", "domain", "policy", "rollout"),
    *("connections", "subdomains", "do", "try", "confirmed", "reason", "client", "roles"),
    *("ssojet_connection", "email_verified", "new_users", "role_claim", "require_claims"),
    *("authorize_params", "key", "issuer", "client_id", "auth_method", "scopes", "unread"),
    *("connection_param", "client_secret", "private_key", "email", "role", "new_password"),
    *("session", "sure", "hint", "confirm_lost"),
)
QUERY = (
    *("q", "page", "sort", "only", "email", "asked", "policy", "rollout", "connection"),
    *("person", "event", "outcome", "about", "reference", "since", "until"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


def built(app, world, method):
    for rule, allowed in admin_routes(app):
        if allowed == method:
            values = {n: getattr(Names(world.acme), n) for n in rule.arguments - {"tenant"}}
            own = {"tenant": "acme"} if "tenant" in rule.arguments else {}
            yield rule.build({**values, **own})[1]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.dictionaries(st.sampled_from(QUERY), ODD, max_size=6))
def test_no_query_breaks_a_page(app, world, operator, query):
    for path in built(app, world, "GET"):
        response = operator.client.get(path, query_string=query)
        assert response.status_code < 500, (path, query)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=12))
def test_no_form_breaks_a_page(app, world, operator, form):
    text = operator.text("/admin/new-tenant")
    token = re.search(r'name="csrf_token" value="([^"]+)"', text).group(1)
    for path in built(app, world, "POST"):
        response = operator.client.post(path, data={**form, "csrf_token": token})
        assert response.status_code < 500, (path, form)


@pytest.mark.parametrize("odd", ["%00", "a%00b", "%0a", "9" * 30, "..", "%F0%9F%92%A5", "x" * 300])
def test_no_name_in_an_address_breaks_a_page(app, world, operator, odd):
    for rule, method in admin_routes(app):
        if method == "GET" and rule.arguments:
            path = str(rule)
            for name in rule.arguments:
                path = re.sub(rf"<[^>]*{name}>", odd, path)
            assert operator.client.get(path).status_code in {400, 404, 308}, path

"""What a plan says about people, in numbers, and what it marks as risky."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from portal.flows.changes.registry_changes import open_seed_run
from portal.seeding.folder import read_folder
from portal.store.tables import IDENTITIES, SESSIONS, TENANTS, USERS
from tests.seeding.conftest import NOW

ACME = """
    tenant: acme
    name: Acme
    clients: {main: {issuer: "https://idp.example", client_id: a, client_secret: env:SECRET}}
    connections: {okta: {name: Okta, client: main}}
    domains:
      acme.example: {connection: okta, policy: optional, subdomains: true}
      closer.acme.example: {policy: password}
    users: [{email: it@acme.example, role: admin}]
"""
REQUIRED = ACME.replace("policy: optional", "policy: required")


@pytest.fixture
def acme(seeds, database):
    seeds.environ = {"SECRET": "s"}
    seeds.write(acme=ACME)
    seeds.apply(database)
    return seeds


def told(seeds, database, *, prune: bool = False, **how: bool) -> list[tuple[str, bool]]:
    with open_seed_run(
        database,
        read_folder(seeds.folder),
        vault=seeds.vault,
        passwords=seeds.passwords,
        environ=seeds.environ,
        prune=prune,
        **how,
    ) as run:
        return [(e.text, e.is_risky) for e in run.effects(run.plan(), now=NOW)]


def add_people(database, *emails: str, linked: bool = False, live: bool = False) -> None:
    with database.transaction() as connection:
        tenant = connection.execute(select(TENANTS.c.id).where(TENANTS.c.slug == "acme")).scalar()
        for email in emails:
            user = connection.execute(
                insert(USERS)
                .values(
                    email_key=email,
                    email=email,
                    name="x",
                    role="member",
                    origin="sso",
                    tenant_id=tenant,
                    created_at=NOW,
                )
                .returning(USERS.c.id)
            ).scalar_one()
            if linked:
                connection.execute(
                    insert(IDENTITIES).values(
                        user_id=user,
                        tenant_id=tenant,
                        issuer="https://idp.example",
                        client_id="a",
                        subject=email,
                        created_at=NOW,
                        last_used_at=NOW,
                    )
                )
            connection.execute(
                insert(SESSIONS).values(
                    token_hash=email,
                    public_id=email[:32],
                    user_id=user,
                    method="password",
                    created_at=NOW - timedelta(minutes=10),
                    authenticated_at=NOW,
                    last_seen_at=NOW - timedelta(minutes=5 if live else 500),
                    network="",
                    user_agent="",
                )
            )


def test_people_who_will_need_sso_are_counted_and_marked_while_none_has_used_it(acme, database):
    add_people(database, "a@acme.example", "b@sub.acme.example", "c@closer.acme.example")
    acme.write(acme=REQUIRED)
    assert told(acme, database) == [
        ("3 addresses of acme.example will need SSO: no one has signed in by it yet", True),
        ("acme.example requires SSO through okta, which nobody has ever used", True),
    ]


def test_what_people_have_used_is_no_risk(acme, database):
    add_people(database, "a@acme.example", linked=True)
    acme.write(acme=REQUIRED)
    assert told(acme, database) == [
        ("2 addresses of acme.example will need SSO: 1 of them have signed in by it", False)
    ]


def test_the_rollout_counts_just_those_whom_it_takes_in(acme, database):
    add_people(database, *(f"p{number}@acme.example" for number in range(200)), linked=True)
    acme.write(acme=REQUIRED.replace("subdomains", "rollout: 50, subdomains"))
    [(text, _)] = told(acme, database)
    assert 70 < int(text.split()[0]) < 130


def test_people_who_are_freed_are_counted(acme, database):
    acme.write(acme=REQUIRED)
    acme.apply(database)
    acme.write(acme=ACME)
    assert told(acme, database) == [("1 address of acme.example will not need SSO any more", False)]


def test_a_removed_domain_with_active_sessions_is_risky(acme, database):
    add_people(database, "a@acme.example", "b@acme.example", live=True)
    add_people(database, "c@acme.example")
    acme.write(acme=ACME.replace("acme.example: {connection", "new.example: {connection", 1))
    assert ("acme.example is removed while 2 sessions of its people are active", True) in told(
        acme, database, prune=True
    )


def test_a_removed_and_a_suspended_tenant_tell_of_their_sessions(acme, database):
    add_people(database, "a@acme.example", live=True)
    acme.write(acme=ACME.replace("name: Acme\n", "name: Acme\n    status: suspended\n", 1))
    assert told(acme, database) == [
        ("the tenant is suspended with 1 session active, which end", True)
    ]
    acme.remove("acme.yaml")
    acme.write(globex="tenant: globex\nname: Globex\n")
    assert ("the tenant is removed with 1 session active, which end", True) in told(
        acme, database, prune=True
    )


@pytest.mark.parametrize(
    "users", ["[{email: it@acme.example}]", "[{email: other@acme.example}]"], ids=str
)
def test_the_last_admin_of_a_tenant_going_is_risky(acme, database, users):
    acme.write(acme=ACME.replace("[{email: it@acme.example, role: admin}]", users))
    assert ("it@acme.example: the last admin of the tenant goes", True) in told(
        acme, database, prune=True
    )


def test_an_admin_who_goes_beside_another_is_none(acme, database):
    users = "[{email: new@acme.example, role: admin}]"
    acme.write(acme=ACME.replace("[{email: it@acme.example, role: admin}]", users))
    assert told(acme, database, prune=True) == []


def test_the_last_operator_going_is_risky(acme, database):
    acme.write(ops="operators: [{email: ops@portal.example}]")
    acme.apply(database)
    acme.remove("ops.yaml")
    assert told(acme, database, prune=True) == [
        ("the last operator goes: nobody will see all tenants", True)
    ]


def test_a_secret_in_clear_is_risky_and_not_shown(acme, database):
    acme.write(acme=ACME.replace("env:SECRET", "hunter2hunter2"))
    [(text, is_risky)] = told(acme, database)
    assert is_risky
    assert text.startswith("acme.yaml:3: clients.main.client_secret: the secret stands in clear")
    assert "hunter2" not in text


def test_an_issuer_on_http_is_risky_with_its_place_and_mend_unless_it_is_allowed(acme, database):
    acme.write(acme=ACME.replace("https://idp", "http://idp"))
    assert told(acme, database) == [
        (
            (
                "acme.yaml:3: clients.main.issuer: the issuer is not https, and no sign-in will go "
                "there; give its https URL, or set PORTAL_ALLOW_LOCAL_ISSUERS=true for one in your "
                "own network"
            ),
            True,
        )
    ]
    assert told(acme, database, allow_local_issuers=True) == []


def test_an_issuer_whose_spelling_no_sign_in_takes_is_risky_wherever_it_lies(acme, database):
    acme.write(acme=ACME.replace("https://idp.example", "https://2130706433"))
    for allowed in (True, False):
        [(text, is_risky)] = told(acme, database, allow_local_issuers=allowed)
        assert is_risky
        assert text.startswith("acme.yaml:3: clients.main.issuer: no sign-in will go there")


def test_what_the_files_alone_tell_is_told_where_nothing_would_change_too(acme, database):
    acme.write(acme=ACME.replace("env:SECRET", "s"))
    acme.apply(database)
    [(text, is_risky)] = told(acme, database)
    assert is_risky
    assert "the secret stands in clear" in text


def test_a_client_without_a_secret_anywhere_is_risky(seeds, database):
    seeds.write(acme=ACME.replace(", client_secret: env:SECRET", ""))
    texts = [text for text, _ in told(seeds, database)]
    assert "the client main has no client_secret, here or in the registry" in texts


def test_a_plan_goes_on_where_a_reference_holds_nothing_and_tells_of_it(seeds, database):
    seeds.write(acme=ACME)
    texts = [text for text, _ in told(seeds, database, lenient=True)]
    assert any("SECRET is not set in the environment; an apply will be refused" in t for t in texts)
    assert "SECRET is not set" in seeds.refused(database)[0]


SHARED = """
    tenant: {0}
    name: {0}
    connections: {{way: {{name: Way{1}}}}}
    domains: {{{0}.example: way}}
"""
TEXT = (
    "way shares its client with other tenants and requires no claim, so their providers may speak "
    "for it: set require_claims, or a client of its own"
)
UNBOUND = (TEXT, True)


def shared(tenant: str, more: str = "") -> str:
    return SHARED.format(tenant, more).replace(": way}", ": {connection: way, policy: optional}}")


def test_connections_that_nothing_keeps_apart_are_risky_until_a_claim_binds_them(seeds, database):
    bound = ", require_claims: {tenant_id: t-1}"
    seeds.write(one=shared("one"))
    assert UNBOUND not in told(seeds, database)
    seeds.write(two=shared("two"))
    assert told(seeds, database).count(UNBOUND) == 2
    seeds.write(one=shared("one", bound), two=shared("two", bound))
    assert UNBOUND not in told(seeds, database)


def test_connection_that_shares_a_client_with_a_tenant_of_the_registry_is_risky(seeds, database):
    client = 'clients: {main: {issuer: "https://idp.example", client_id: c, auth_method: none}}'

    def with_client(tenant: str) -> str:
        text = shared(tenant, ", client: main")
        return text.replace("connections:", f"{client}\n    connections:")

    seeds.write(one=with_client("one"))
    seeds.apply(database)
    seeds.remove("one.yaml")
    seeds.write(two=with_client("two"))
    assert told(seeds, database).count(UNBOUND) == 1
    seeds.write(two=with_client("two").replace("client_id: c", "client_id: d"))
    assert UNBOUND not in told(seeds, database)

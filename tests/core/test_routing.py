"""Where an address goes: the whole table, as pure decisions."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.address import Address, Domain
from portal.core.errors import FailureCode
from portal.core.registry import Account, Connection, DomainRule, Policy, Role
from portal.core.routing import (
    Asked,
    AskPassword,
    Choose,
    Decision,
    Refused,
    SsoNotSetUp,
    UsePassword,
    UseSso,
    decide,
    in_rollout,
    resolve,
)
from tests.builders import address, make_account, make_connection, make_rule, make_tenant

PASSWORD = Asked(password_typed=True)
SSO = Asked(wants_sso=True)
BOTH = Asked(password_typed=True, wants_sso=True)
NEITHER = Asked()
OKTA = make_connection("okta")
ENTRA = make_connection("entra")
ACME = make_tenant("acme")
SUSPENDED = make_tenant("acme", suspended=True)


def rule(**values: Any) -> DomainRule:
    return make_rule(**{"tenant": ACME, "connections": (OKTA,), **values})


def ask(
    rules: list[DomainRule],
    asked: Asked,
    *,
    who: str = "ann@acme.example",
    account: Account | None = None,
) -> Decision:
    target = Address.parse(who)
    return decide(resolve(rules, target.domain), target, asked=asked, account=account).decision


OPTIONAL = rule(policy=Policy.OPTIONAL)
REQUIRED = rule(policy=Policy.REQUIRED)
EXEMPT = make_account(tenant=ACME, sso_exempt=True)
OFF = (replace(OKTA, enabled=False),)
WITHOUT_CLIENT = (replace(OKTA, client=None),)
SSO_OFF = FailureCode.SSO_UNAVAILABLE
EXEMPT_ONLY = AskPassword(SSO_OFF, exempt_only=True)
SUSPENDED_CODE = FailureCode.TENANT_SUSPENDED

TABLE: list[tuple[str, list[DomainRule], Account | None, dict[str, Decision]]] = [
    (
        "not in the registry",
        [],
        None,
        {"password": UsePassword(), "sso": SsoNotSetUp(), "neither": AskPassword()},
    ),
    (
        "not verified",
        [rule(policy=Policy.REQUIRED, verified=False)],
        None,
        {"password": UsePassword(), "sso": SsoNotSetUp(), "neither": AskPassword()},
    ),
    (
        "password",
        [rule(policy=Policy.PASSWORD)],
        None,
        {"password": UsePassword(), "sso": SsoNotSetUp(), "neither": AskPassword()},
    ),
    (
        "optional",
        [OPTIONAL],
        None,
        {"password": UsePassword(), "sso": UseSso(OKTA), "neither": UseSso(OKTA)},
    ),
    (
        "required",
        [REQUIRED],
        None,
        {"password": UseSso(OKTA), "sso": UseSso(OKTA), "neither": UseSso(OKTA)},
    ),
    (
        "required, outside the rollout",
        [replace(REQUIRED, rollout=0)],
        None,
        {"password": UsePassword(), "sso": UseSso(OKTA), "neither": UseSso(OKTA)},
    ),
    (
        "required, user exempt",
        [REQUIRED],
        EXEMPT,
        {"password": UsePassword(), "sso": UseSso(OKTA), "neither": AskPassword()},
    ),
    (
        "required, user known and not exempt",
        [REQUIRED],
        make_account(tenant=ACME),
        {"password": UseSso(OKTA), "sso": UseSso(OKTA), "neither": UseSso(OKTA)},
    ),
    (
        "optional, several connections",
        [replace(OPTIONAL, connections=(OKTA, ENTRA))],
        None,
        {
            "password": UsePassword(),
            "sso": Choose((OKTA, ENTRA)),
            "neither": Choose((OKTA, ENTRA)),
        },
    ),
    (
        "required, several connections",
        [replace(REQUIRED, connections=(OKTA, ENTRA))],
        None,
        {
            "password": Choose((OKTA, ENTRA)),
            "sso": Choose((OKTA, ENTRA)),
            "neither": Choose((OKTA, ENTRA)),
        },
    ),
    (
        "several connections of which one is off",
        [replace(REQUIRED, connections=(replace(OKTA, enabled=False), ENTRA))],
        None,
        {"password": UseSso(ENTRA), "sso": UseSso(ENTRA), "neither": UseSso(ENTRA)},
    ),
    (
        "required, connection off",
        [replace(REQUIRED, connections=OFF)],
        None,
        {
            "password": Refused(SSO_OFF),
            "sso": Refused(SSO_OFF),
            "neither": AskPassword(SSO_OFF, exempt_only=True),
        },
    ),
    (
        "required, connection off, user exempt",
        [replace(REQUIRED, connections=OFF)],
        EXEMPT,
        {"password": UsePassword(), "sso": Refused(SSO_OFF), "neither": AskPassword(SSO_OFF)},
    ),
    (
        "optional, connection off",
        [replace(OPTIONAL, connections=OFF)],
        None,
        {"password": UsePassword(), "sso": Refused(SSO_OFF), "neither": AskPassword(SSO_OFF)},
    ),
    (
        "required, no client and no default client",
        [replace(REQUIRED, connections=WITHOUT_CLIENT)],
        None,
        {
            "password": Refused(SSO_OFF),
            "sso": Refused(SSO_OFF),
            "neither": AskPassword(SSO_OFF, exempt_only=True),
        },
    ),
    (
        "required, tenant suspended",
        [replace(REQUIRED, tenant=SUSPENDED)],
        None,
        {
            "password": Refused(SUSPENDED_CODE),
            "sso": Refused(SUSPENDED_CODE),
            "neither": AskPassword(SUSPENDED_CODE, exempt_only=True),
        },
    ),
    (
        "optional, tenant suspended",
        [replace(OPTIONAL, tenant=SUSPENDED)],
        None,
        {
            "password": UsePassword(),
            "sso": Refused(SUSPENDED_CODE),
            "neither": AskPassword(SUSPENDED_CODE),
        },
    ),
]
_ASKED = {"password": PASSWORD, "sso": SSO, "neither": NEITHER}


@pytest.mark.parametrize(
    ("rules", "account", "asked", "expected"),
    [
        pytest.param(rules, account, _ASKED[column], decision, id=f"{name}-{column}")
        for name, rules, account, columns in TABLE
        for column, decision in columns.items()
    ],
)
def test_routing_table(
    rules: list[DomainRule], account: Account | None, asked: Asked, expected: Decision
):
    assert ask(rules, asked, account=account) == expected


@pytest.mark.parametrize(("name", "rules", "account", "columns"), TABLE)
def test_sso_asked_for_wins_over_a_typed_password(name, rules, account, columns):
    assert ask(rules, BOTH, account=account) == columns["sso"], name


def test_closest_entry_wins_over_a_parent_with_subdomains():
    parent = rule(policy=Policy.REQUIRED, subdomains=True)
    child = rule(domain="eu.acme.example", policy=Policy.PASSWORD)
    assert ask([parent, child], NEITHER, who="x@eu.acme.example") == AskPassword()
    assert ask([parent, child], NEITHER, who="x@us.acme.example") == UseSso(OKTA)


def test_parent_without_subdomains_does_not_cover_its_children():
    assert ask([REQUIRED], NEITHER, who="x@eu.acme.example") == AskPassword()


def test_unverified_entry_of_another_tenant_takes_nobody_away():
    mine = rule(policy=Policy.REQUIRED, subdomains=True)
    theirs = rule(domain="eu.acme.example", tenant=make_tenant("evil"), verified=False)
    same = rule(tenant=make_tenant("evil"), verified=False, connections=(ENTRA,))
    assert ask([theirs, mine], PASSWORD, who="x@eu.acme.example") == UseSso(OKTA)
    assert ask([same, mine], PASSWORD) == UseSso(OKTA)


def test_own_closer_entry_that_is_not_verified_counts_as_not_verified():
    parent = rule(policy=Policy.REQUIRED, subdomains=True)
    child = rule(domain="eu.acme.example", policy=Policy.REQUIRED, verified=False)
    assert ask([parent, child], NEITHER, who="x@eu.acme.example") == AskPassword()


def test_exemption_holds_in_the_accounts_own_tenant_only():
    stranger = make_account(tenant=make_tenant("globex"), sso_exempt=True)
    assert ask([REQUIRED], PASSWORD, account=stranger) == UseSso(OKTA)


def test_operator_keeps_the_password_on_a_domain_that_requires_sso():
    operator = make_account(role=Role.OPERATOR, tenant=None)
    assert ask([REQUIRED], PASSWORD, account=operator) == UsePassword()
    assert ask([REQUIRED], NEITHER, account=operator) == AskPassword()


def test_picked_connection_is_used_when_the_domain_leads_to_it():
    rules = [replace(OPTIONAL, connections=(OKTA, ENTRA))]
    assert ask(rules, Asked(wants_sso=True, connection="entra")) == UseSso(ENTRA)


def test_picked_connection_of_elsewhere_leads_back_to_the_chooser():
    rules = [replace(OPTIONAL, connections=(OKTA, ENTRA))]
    assert ask(rules, Asked(wants_sso=True, connection="evil")) == Choose((OKTA, ENTRA))


def test_trace_names_each_rule_and_ends_with_the_reason():
    who = address()
    route = resolve([replace(REQUIRED, rollout=0)], who.domain)
    verdict = decide(route, who, asked=PASSWORD, account=None)
    assert [step.rule for step in verdict.trace] == [
        "domain",
        "policy",
        "connection",
        "rollout",
        "asked",
    ]
    assert verdict.reason == verdict.trace[-1].detail


_names = st.sampled_from(
    ["acme.example", "eu.acme.example", "globex.example", "a.b.globex.example", "x.test"]
)
_connections = st.lists(
    st.builds(
        lambda slug, enabled, has_client: make_connection(
            slug, enabled=enabled, **({} if has_client else {"client": None})
        ),
        st.sampled_from(["okta", "entra", "ping"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=3,
    unique_by=lambda connection: connection.slug,
)
_rules = st.builds(
    lambda name, connections, **values: make_rule(
        name,
        connections=tuple(connections),
        tenant=SUSPENDED if values.pop("suspended") else ACME,
        **values,
    ),
    _names,
    _connections,
    policy=st.sampled_from(Policy),
    subdomains=st.booleans(),
    verified=st.booleans(),
    rollout=st.integers(0, 100),
    suspended=st.booleans(),
)
_registries = st.lists(_rules, max_size=4, unique_by=lambda rule: rule.domain.name)
_asked = st.builds(Asked, password_typed=st.booleans(), wants_sso=st.booleans())
_people = st.builds(
    lambda local, domain: Address.parse(f"{local}@{domain}"),
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    _names,
)


@given(_registries, _people, _asked)
def test_unrelated_domain_changes_nothing(registry, person, asked):
    before = decide(resolve(registry, person.domain), person, asked=asked, account=None)
    unrelated = make_rule("elsewhere.example", subdomains=True, policy=Policy.REQUIRED)
    more = [unrelated, *registry]
    after = decide(resolve(more, person.domain), person, asked=asked, account=None)
    assert after == before


@given(_registries, _people, _asked)
def test_required_domain_never_falls_back_to_password(registry, person, asked):
    route = resolve(registry, person.domain)
    member = make_account(str(person), tenant=ACME)
    decision = decide(route, person, asked=asked, account=member).decision
    if (
        route.rule
        and route.rule.policy is Policy.REQUIRED
        and in_rollout(person, route.rule.rollout)
    ):
        assert not isinstance(decision, UsePassword)


@given(_people, st.integers(0, 100), st.integers(0, 100))
def test_bigger_rollout_only_adds_addresses(person, one, other):
    smaller, bigger = sorted((one, other))
    assert not in_rollout(person, smaller) or in_rollout(person, bigger)


@given(_people)
def test_rollout_of_100_takes_everybody_and_0_nobody(person):
    assert in_rollout(person, 100)
    assert not in_rollout(person, 0)


def test_rollout_of_50_takes_about_half():
    people = [Address.parse(f"user{n}@acme.example") for n in range(2000)]
    share = sum(in_rollout(person, 50) for person in people) / len(people)
    assert 0.45 < share < 0.55


@given(_registries, _people, _asked, st.data())
def test_any_spelling_of_an_address_routes_as_its_normal_form(registry, person, asked, data):
    text = str(person)
    upper = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    spelt = Address.parse("".join(c.upper() if u else c for c, u in zip(text, upper, strict=True)))
    normal = decide(resolve(registry, person.domain), person, asked=asked, account=None)
    assert decide(resolve(registry, spelt.domain), spelt, asked=asked, account=None) == normal


@given(_registries, _people)
def test_route_depends_on_the_domain_alone(registry, person):
    other = Address(local="someone.else", domain=person.domain)
    assert resolve(registry, person.domain) == resolve(registry, other.domain)


def test_connection_without_client_cannot_be_used():
    lonely = Connection(id=1, slug="okta", name="Okta", client=None)
    assert not lonely.usable
    assert resolve([rule(connections=(lonely,))], Domain.parse("acme.example")).off is SSO_OFF

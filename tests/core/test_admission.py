"""Whether verified claims may enter a tenant, as whom, and with which role."""

from typing import Any

import pytest

from portal.core.admission import (
    Known,
    address_from,
    admit,
    check_domain,
    check_required_claims,
    group_names,
    group_role,
)
from portal.core.errors import FailureCode, SignInFailure
from portal.core.registry import EmailVerified, NewUsers, Role
from tests.builders import address, make_account, make_connection, make_rule, make_tenant

ACME = make_tenant("acme")
GLOBEX = make_tenant("globex")
GOOD = {"email": "ann@acme.example", "name": "Ann Lee"}


def code_of(refusal: pytest.ExceptionInfo[SignInFailure]) -> FailureCode:
    return refusal.value.code


@pytest.mark.parametrize("mode", EmailVerified)
def test_verified_address_is_taken(mode: EmailVerified):
    connection = make_connection(email_verified=mode)
    claims = {**GOOD, "email_verified": True}
    assert address_from(claims, connection) == address()


def test_absent_claim_is_enough_unless_the_connection_requires_it():
    assert address_from(GOOD, make_connection()) == address()
    with pytest.raises(SignInFailure) as refusal:
        address_from(GOOD, make_connection(email_verified=EmailVerified.REQUIRED))
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


@pytest.mark.parametrize("value", [False, None, "true", "false", 1, 0, "", [True]])
@pytest.mark.parametrize("mode", EmailVerified)
def test_claim_that_is_there_and_not_true_refuses(value: Any, mode: EmailVerified):
    claims = {**GOOD, "email_verified": value}
    with pytest.raises(SignInFailure) as refusal:
        address_from(claims, make_connection(email_verified=mode))
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


@pytest.mark.parametrize(
    "email",
    [
        None,
        "",
        42,
        ["ann@acme.example"],
        {"value": "ann@acme.example"},
        "ann",
        " ann@acme.example",
        "ann@acme.example\n",
        "Ann <ann@acme.example>",
        "ann@acme.example.",
        "ann@ａcme.example",
        "ann@acme。example",
        "ann@evil.example@acme.example",
        "ann@acme.example,eve@evil.example",
    ],
)
def test_address_in_an_odd_spelling_refuses(email: Any):
    with pytest.raises(SignInFailure) as refusal:
        address_from({"email": email}, make_connection())
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


def test_address_of_a_verified_domain_of_the_tenant_passes():
    rules = [make_rule(tenant=ACME), make_rule("other.example", tenant=GLOBEX)]
    assert check_domain(rules, address(), ACME) is None


@pytest.mark.parametrize(
    ("rules", "email"),
    [
        ([], "ann@acme.example"),
        ([make_rule(tenant=GLOBEX)], "ann@acme.example"),
        ([make_rule(tenant=ACME, verified=False)], "ann@acme.example"),
        ([make_rule(tenant=ACME)], "ann@eu.acme.example"),
        ([make_rule("eu.acme.example", tenant=ACME, subdomains=True)], "ann@acme.example"),
        ([make_rule(tenant=ACME, subdomains=True)], "ann@notacme.example"),
        (
            [
                make_rule(tenant=ACME, subdomains=True),
                make_rule("eu.acme.example", tenant=GLOBEX),
            ],
            "ann@eu.acme.example",
        ),
    ],
)
def test_address_of_no_verified_domain_of_the_tenant_refuses(rules, email):
    with pytest.raises(SignInFailure) as refusal:
        check_domain(rules, address(email), ACME)
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


def test_subdomain_passes_where_the_parent_takes_subdomains():
    rules = [make_rule(tenant=ACME, subdomains=True)]
    assert check_domain(rules, address("ann@eu.acme.example"), ACME) is None


@pytest.mark.parametrize("found", [None, "66f1", ["66f0"], 66, True])
def test_required_claim_must_come_back_with_just_its_value(found: Any):
    connection = make_connection(require_claims={"tenant_id": "66f0"})
    with pytest.raises(SignInFailure) as refusal:
        check_required_claims({"tenant_id": found}, connection)
    assert code_of(refusal) is FailureCode.OIDC_FAILED
    assert check_required_claims({"tenant_id": "66f0"}, connection) is None


def test_true_is_not_one_in_a_required_claim():
    with pytest.raises(SignInFailure):
        check_required_claims({"x": 1}, make_connection(require_claims={"x": True}))


def enter(known: Known, **values: Any):
    connection = make_connection(**values)
    return admit(GOOD, address(), tenant=ACME, connection=connection, known=known)


def test_account_is_found_by_issuer_and_subject():
    linked = make_account("old.name@acme.example", tenant=ACME)
    admitted = enter(Known(linked=linked))
    assert admitted.account == linked
    assert not admitted.link


def test_first_sign_in_links_to_the_tenants_account_of_the_address():
    account = make_account(tenant=ACME)
    admitted = enter(Known(addressed=account))
    assert (admitted.account, admitted.link) == (account, True)


def test_first_sign_in_creates_an_account_where_there_is_none():
    admitted = enter(Known())
    assert (admitted.account, admitted.link, admitted.name) == (None, True, "Ann Lee")


def test_new_people_are_refused_where_the_connection_takes_none():
    with pytest.raises(SignInFailure) as refusal:
        enter(Known(), new_users=NewUsers.REFUSE)
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED
    assert enter(Known(addressed=make_account(tenant=ACME)), new_users=NewUsers.REFUSE).link


def test_address_alone_never_reaches_an_account_of_another_tenant():
    with pytest.raises(SignInFailure) as refusal:
        enter(Known(addressed=make_account(tenant=GLOBEX)))
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


def test_provider_never_signs_in_an_operator():
    with pytest.raises(SignInFailure) as refusal:
        enter(Known(addressed=make_account(role=Role.OPERATOR, tenant=None)))
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


def test_address_given_anew_does_not_hand_over_the_old_account():
    with pytest.raises(SignInFailure) as refusal:
        enter(Known(addressed=make_account(tenant=ACME), taken=True))
    assert code_of(refusal) is FailureCode.EMAIL_NOT_ALLOWED


@pytest.mark.parametrize("by", ["linked", "addressed"])
def test_disabled_account_refuses(by: str):
    with pytest.raises(SignInFailure) as refusal:
        enter(Known(**{by: make_account(tenant=ACME, disabled=True)}))
    assert code_of(refusal) is FailureCode.ACCOUNT_DISABLED


ROLES = {"portal-admins": Role.ADMIN, "staff": Role.MEMBER}


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("", {"groups": ["portal-admins"]}, None),
        ("groups", {}, None),
        ("groups", {"groups": ["staff", "portal-admins"]}, Role.ADMIN),
        ("groups", {"groups": ["staff"]}, Role.MEMBER),
        ("groups", {"groups": "portal-admins"}, Role.ADMIN),
        ("groups", {"groups": ["Portal-Admins"]}, None),
        ("groups", {"groups": [{"id": 1, "name": "portal-admins"}]}, Role.ADMIN),
        ("groups", {"groups": [["portal-admins"]]}, None),
        ("groups", {"groups": [{"id": "portal-admins"}]}, None),
        ("realm.roles", {"realm": {"roles": ["staff"]}}, Role.MEMBER),
        ("tenants.roles", {"tenants": [{"roles": [{"name": "staff"}]}]}, Role.MEMBER),
        ("https://acme.example/groups", {"https://acme.example/groups": ["staff"]}, Role.MEMBER),
        ("groups", {"groups": {"name": "staff"}}, Role.MEMBER),
        ("groups", {"groups": 7}, None),
    ],
)
def test_groups_give_roles(claim: str, claims: dict[str, Any], role: Role | None):
    assert group_role(claims, make_connection(role_claim=claim, roles=ROLES)) is role


def test_group_names_are_texts_or_names_of_objects():
    claims = {"groups": ["a", {"name": "b"}, 3, None, {"name": 4}]}
    assert list(group_names(claims, "groups")) == ["a", "b"]


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": " Ann Lee "}, "Ann Lee"),
        ({"given_name": "Ann", "family_name": "Lee"}, "Ann Lee"),
        ({"name": 7, "given_name": "Ann"}, "Ann"),
        ({"name": "eeL \u202enaoJ\u202c\n"}, "eeL naoJ"),
        ({"name": "\u2066\u2069", "given_name": "Ann\u2028", "family_name": "Lee"}, "Ann Lee"),
        ({}, "ann"),
    ],
)
def test_name_is_what_the_provider_calls_the_person(claims: dict[str, Any], name: str):
    admitted = admit(claims, address(), tenant=ACME, connection=make_connection(), known=Known())
    assert admitted.name == name

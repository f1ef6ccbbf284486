"""Failed sign-ins: each that the portal knows leads to a different, right answer."""

import pytest

from portal.store import audit
from tests.builders import NOW

FAILURES = "/admin/tenants/acme/failures"


@pytest.fixture
def failed(services, world):
    def failed(outcome, cause="", *, reference="4F7K-92QX", tenant=None, **detail):
        entry = audit.Entry(
            at=NOW,
            event=audit.Event.SIGN_IN_PASSWORD
            if outcome == "wrong_password"
            else audit.Event.SIGN_IN_SSO,
            outcome=outcome,
            actor="ann@acme.example",
            tenant_id=tenant or world.acme.id,
            network="203.0.113.7",
            reference=reference,
            detail={"cause": cause, **detail} if cause else {},
        )
        with services.database.transaction() as connection:
            audit.record(connection, entry)

    return failed


CASES = [
    ("wrong_password", "", "The password was wrong", "The person who signs in"),
    ("email_not_allowed", "no usable email claim", "sent no e-mail address", "identity provider"),
    (
        "email_not_allowed",
        "the provider has not verified the email",
        "says that the address is not verified",
        "identity provider",
    ),
    (
        "email_not_allowed",
        "the address is of no verified domain of this tenant",
        "of no proven domain",
        "You, on these pages",
    ),
    (
        "email_not_allowed",
        "the connection takes only users known already",
        "takes only people who are known already",
        "You, on these pages",
    ),
    ("account_disabled", "the account is disabled", "is switched off", "You, on these pages"),
    ("tenant_suspended", "the tenant is suspended", "is suspended", "run this portal"),
    ("sso_unavailable", "the connection is switched off", "off or not complete", "You, on these"),
    ("provider_unavailable", "timed out", "did not answer", "identity provider"),
    ("access_denied", "the provider said access_denied", "said no", "identity provider"),
    ("state_mismatch", "the state was used before", "not finished in time", "The person"),
    ("oidc_failed", "the nonce is another", "cannot be trusted", "identity provider"),
    (
        "oidc_failed",
        "the claim tenant_id has not the value required",
        "another value than the connection asks for",
        "You, on these pages",
    ),
    ("something_new", "who knows", "Something else went wrong", "run this portal"),
]


@pytest.mark.parametrize(("outcome", "cause", "title", "who"), CASES)
def test_each_failure_leads_to_its_own_mend(admin, failed, outcome, cause, title, who):
    failed(outcome, cause)
    text = admin.text(f"{FAILURES}/4F7K-92QX")
    assert title in text
    assert who in text
    assert title in admin.text(FAILURES)


def test_a_reference_leads_straight_to_its_sign_in(admin, failed):
    failed("oidc_failed", "the nonce is another")
    response = admin.get(f"{FAILURES}?reference=4f7k-92qx")
    assert (response.status_code, response.location) == (302, f"{FAILURES}/4F7K-92QX")
    assert "Nothing bears AAAA-AAAA" in admin.text(f"{FAILURES}?reference=aaaa-aaaa")


def test_a_failure_shows_how_far_it_came_and_the_claims_that_mattered(admin, failed):
    failed(
        "oidc_failed",
        "the signature is wrong",
        stage="identity",
        claims={"email": "ann@other.example"},
    )
    text = admin.text(f"{FAILURES}/4F7K-92QX")
    assert text.count("Passed: ") == 4
    assert text.count("Failed: ") == 1
    assert text.count("Not reached: ") == 1
    assert "The signature is wrong" in text
    assert "ann@other.example" in text


def test_another_companys_failure_is_not_there(admin, world, failed):
    failed("oidc_failed", "the nonce is another", tenant=world.globex.id)
    assert admin.get(f"{FAILURES}/4F7K-92QX").status_code == 404
    assert "Nothing bears" in admin.text(f"{FAILURES}?reference=4F7K-92QX")


def test_a_sign_in_that_succeeded_is_no_failure(admin, failed):
    failed("success")
    assert admin.get(f"{FAILURES}/4F7K-92QX").status_code == 404
    assert "No sign-in has failed" in admin.text(FAILURES)


def test_every_cause_that_admission_gives_is_known_to_the_table():
    import ast
    import inspect

    from admin.mends import _UNKNOWN, mend_of
    from portal.core import admission

    causes = [
        (node.args[0].attr.lower(), node.args[1].value)
        for node in ast.walk(ast.parse(inspect.getsource(admission)))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "SignInFailure"
        and isinstance(node.args[1], ast.Constant)
    ]
    assert len(causes) > 5
    titles = {mend_of(code, {"cause": cause}) for code, cause in causes}
    assert _UNKNOWN not in titles
    assert len(titles) >= len(causes) - 1

"""Failed sign-ins: each that the portal knows leads to a different, right answer."""

import ast

import pytest

from admin.mend_words import TABLE
from admin.mends import UNKNOWN, mend_of
from portal.store import audit
from tests.builders import NOW
from tests.test_architecture import ROOT

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
    ("sso_unavailable", "the connection is switched off", "is switched off", "You, on these"),
    ("sso_unavailable", "SSO is needed and not available now.", "off or not complete", "You, on"),
    (
        "sso_unavailable",
        "the client's secret cannot be opened with our keys",
        "secret cannot be opened any more",
        "run this portal",
    ),
    ("provider_unavailable", "no answer in time", "was too slow", "identity provider"),
    ("provider_unavailable", "no connection: OSError", "could not be reached", "identity provider"),
    ("provider_unavailable", "the provider answered 503", "fault of its own", "identity provider"),
    ("access_denied", "the provider said access_denied", "said no", "identity provider"),
    ("access_denied", "the provider said login_required", "may not ask", "You, on these pages"),
    ("access_denied", "the provider said consent_required", "has agreed", "identity provider"),
    ("state_mismatch", "the state was used before", "was used already", "The person"),
    (
        "state_mismatch",
        "the attempt does not belong to this browser",
        "came to another browser",
        "The person",
    ),
    ("state_mismatch", "the attempt is older than 10 minutes", "longer than ten", "The person"),
    ("session_expired", "the provider's session has ended", "had ended already", "identity"),
    ("oidc_failed", "nonce is not that of the request", "another sign-in", "identity provider"),
    ("oidc_failed", "exp has passed", "times do not fit", "identity provider"),
    ("oidc_failed", "the metadata is of another issuer", "calls itself otherwise", "You, on these"),
    (
        "oidc_failed",
        "the token endpoint answered 401 (invalid_client)",
        "did not accept the application’s proof",
        "You, on these pages",
    ),
    (
        "oidc_failed",
        "the token endpoint answered 400 (invalid_grant)",
        "did not take the code",
        "You, on these pages",
    ),
    ("oidc_failed", "something never seen", "cannot be trusted", "identity provider"),
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
    failed("oidc_failed", "nonce is not that of the request")
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
    assert text.count("Passed: ") == 5
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


def test_every_cause_that_the_portal_gives_leads_to_a_mend_of_its_own():
    """Read out of the code: a cause that is new there must get its words."""
    left = {
        (code, cause) for code, cause in causes() if is_general(mend_of(code, {"cause": cause}))
    }
    assert left == set()
    assert len({mend_of(code, {"cause": cause}).title for code, cause in causes()}) > 50


def is_general(mend):
    return mend == UNKNOWN or any(
        mend == e.mend for e in TABLE if e.words == ("",) and e.code in _MANY
    )


_MANY = {"oidc_failed", "provider_unavailable", "sso_unavailable"}
_SHORT = {
    "_untrusted": "oidc_failed",
    "refused": "oidc_failed",
    "SignatureFailure": "oidc_failed",
    "_unavailable": "provider_unavailable",
    "_unusable": "sso_unavailable",
}
# Of logout tokens, by which nobody signs in; and what a provider's own words complete.
_NOT_OF_SIGN_INS = ("logout", "events", "jti", "sid", "said …", "answered …")


def causes():
    """Give the code and the cause of every failure that the code names in place."""
    for package in ("core", "oidc", "flows"):
        for path in sorted((ROOT / "portal" / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                found = cause_of(node) if isinstance(node, ast.Call) else None
                if found and not any(word in found[1] for word in _NOT_OF_SIGN_INS):
                    yield found


def cause_of(call):
    name = getattr(call.func, "id", "")
    if name == "SignInFailure" and len(call.args) == 2 and isinstance(call.args[0], ast.Attribute):
        code, text = call.args[0].attr.lower(), call.args[1]
    elif name in _SHORT and call.args:
        code, text = _SHORT[name], call.args[0]
    else:
        return None
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    said = "".join(p.value if isinstance(p, ast.Constant) else "…" for p in parts)
    return (code, said) if said != "…" else None

"""Many domains at once: a CSV is checked, its plan looked at, then applied; or nothing is."""

import io
from html import unescape

import pytest
from sqlalchemy import func, select, update

from portal.flows.changes.registry_changes import apply
from portal.seeding.csv_upload import LARGEST, MOST_ROWS
from portal.seeding.folder import read_folder
from portal.store import pooler
from portal.store.tables import DOMAIN_PROOFS, DOMAINS, UPLOADS
from tests.admin.conftest import PASSWORD, seen_of
from tests.builders import NOW, add_domain

UPLOAD = "/admin/tenants/acme/domains/upload"
PLAN = f"{UPLOAD}/plan"
ALL = "/admin/domains/upload"
HEADER = "domain,connection,policy\n"
GOOD = f"{HEADER}one.example,acme-okta,optional\ntwo.example,,password\n"


def send(browser, content, *, path=UPLOAD, name="domains.csv"):
    data = content.encode() if isinstance(content, str) else content
    return browser.post(path, file=(io.BytesIO(data), name))


def plan_of(browser, content, *, path=UPLOAD):
    response = send(browser, content, path=path)
    assert response.status_code == 303
    assert response.location == f"{path}/plan"
    return unescape(browser.text(response.location))


def applied(browser, content, *, path=UPLOAD, **fields):
    text = plan_of(browser, content, path=path)
    return browser.post(f"{path}/plan", do="apply", seen=seen_of(text), **fields)


def refused(browser, content, *, path=UPLOAD):
    response = send(browser, content, path=path)
    assert response.status_code == 200
    return unescape(response.text)


@pytest.fixture
def number(services):
    """Give how many domains there are."""

    def number():
        with services.database.read() as connection:
            return connection.execute(select(func.count()).select_from(DOMAINS)).scalar_one()

    return number


on_both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


@on_both
def test_the_plan_is_shown_and_nothing_written_until_it_is_applied(admin, number, row_of, trail):
    text = plan_of(admin, GOOD)
    assert "Nothing is written yet" in text
    assert "one.example" in text
    assert "Apply 2 changes" in text
    assert number() == 2
    response = admin.post(PLAN, do="apply", seen=seen_of(text))
    assert (response.status_code, response.location) == (303, "/admin/tenants/acme/domains")
    assert "2 domains added, 0 changed." in admin.text(response.location)
    one, two = (row_of(DOMAINS, name=f"{name}.example") for name in ("one", "two"))
    assert (one.policy, one.verified, one.origin) == ("optional", False, "admin")
    assert (two.policy, two.verified, two.origin) == ("password", False, "admin")
    entries = [e for e in trail("registry:changed") if e.object.startswith("domain ")]
    assert len({entry.change_set for entry in entries}) == 1
    assert {e.actor for e in entries} == {"it@acme.example"}
    assert {e.network for e in entries} == {"127.0.0.1"}
    assert row_of(UPLOADS) is None


def test_what_an_admin_uploads_waits_for_its_record(admin, row_of):
    applied(admin, GOOD)
    proof = row_of(DOMAIN_PROOFS, domain_id=row_of(DOMAINS, name="one.example").id)
    assert len(proof.token) > 20
    text = admin.text("/admin/tenants/acme/domains/one.example")
    assert "Not proven" in text
    assert proof.token in text


def test_what_an_operator_uploads_counts_as_proven(operator, row_of):
    applied(operator, GOOD)
    assert row_of(DOMAINS, name="one.example").verified


def test_an_operator_names_several_companies_in_one_file(operator, row_of, world):
    rows = (
        "tenant,domain,connection,policy\nacme,a.test,,password\nglobex,b.test,globex-okta,optional"
    )
    text = plan_of(operator, rows, path=ALL)
    assert "globex" in text
    operator.post(f"{ALL}/plan", do="apply", seen=seen_of(text))
    assert row_of(DOMAINS, name="a.test").tenant_id == world.acme.id
    assert row_of(DOMAINS, name="b.test").tenant_id == world.globex.id


def test_an_admin_may_name_their_own_company_and_no_other(admin, row_of, world):
    rows = "tenant,domain,connection,policy\nacme,a.test,,password\n"
    applied(admin, rows)
    assert row_of(DOMAINS, name="a.test").tenant_id == world.acme.id
    for other in ("globex", "nowhere"):
        text = refused(admin, rows + f"{other},b.test,,password\n")
        assert "Line 3" in text
        assert "These rows are for acme alone: write acme, or leave the column out" in text
    assert row_of(DOMAINS, name="b.test") is None


def test_every_error_is_told_with_line_and_column_and_nothing_is_done(admin, number):
    rows = (
        "one.example,acme-oktaa,optional",
        "co.uk,,password",
        "gmail.com,,password",
        "one.example,,optional",
        "two.example,,never",
        "=cmd|' /C calc'!A1,,password",
        "three.example,",
        "one.example,,password",
        "one.example,,password",
    )
    text = refused(admin, HEADER + "\n".join(rows))
    for line, words in (
        (2, 'Tenant acme has no connection "acme-oktaa"; did you mean "acme-okta"?'),
        (3, "co.uk is a public suffix"),
        (4, "gmail.com is a shared mailbox domain"),
        (5, "Optional needs a connection"),
        (6, "'never' is not password, optional or required"),
        (8, "The row has 2 cells, not 3"),
        (10, "one.example is claimed twice"),
    ):
        assert f'<th scope="row" class="short">Line {line}</th>' in text
        assert words in text
    assert "Line 7" in text
    assert number() == 2


@on_both
def test_what_another_company_has_proven_is_refused_without_saying_whose_it_is(admin, number):
    text = refused(admin, f"{HEADER}new.example,,password\nglobex.example,,password\n")
    assert "globex.example has been proven by another company already" in text
    assert "globex" not in text.lower().replace("globex.example", "")
    assert number() == 2


def test_an_operator_is_told_whose_a_domain_is(operator):
    text = refused(operator, f"{HEADER}globex.example,,password\n")
    assert "globex.example is held by tenant globex" in text


def test_an_admin_requires_sso_on_the_page_of_the_domain_alone(admin, row_of):
    text = refused(admin, f"{HEADER}acme.example,acme-okta,required\n")
    assert "SSO is required on the domain's own page" in text
    assert row_of(DOMAINS, name="acme.example").policy == "optional"


def test_a_domain_that_requires_sso_already_may_stand_in_the_file(admin, services, row_of):
    set_domain(services, policy="required")
    text = plan_of(admin, f"{HEADER}acme.example,acme-okta,required\nnew.example,,password\n")
    assert "Apply 1 change<" in text
    text = refused(admin, f"{HEADER}acme.example,,required\n")
    assert "Required needs a connection" in text


def test_an_operator_says_why_sso_is_required_before_all_is_ready(operator, row_of, trail):
    rows = f"{HEADER}acme.example,acme-okta,required\n"
    text = plan_of(operator, rows)
    assert "SSO would be required before everything is ready: acme.example" in text
    assert "Run a test sign-in" in text
    again = operator.post(PLAN, do="apply", seen=seen_of(text)).text
    assert "Say why" in again
    assert row_of(DOMAINS, name="acme.example").policy == "optional"
    operator.post(PLAN, do="apply", seen=seen_of(again), reason="asked for by phone")
    assert row_of(DOMAINS, name="acme.example").policy == "required"
    assert trail("registry:changed")[-1].detail["note"] == "override: asked for by phone"


def set_domain(services, **values):
    with services.database.transaction() as connection:
        acme = DOMAINS.c.name == "acme.example"
        connection.execute(update(DOMAINS).where(acme).values(**values))


@on_both
def test_a_domain_keeps_what_the_file_has_no_column_for(admin, operator, services, row_of):
    set_domain(services, subdomains=True, rollout=20)
    for browser in (admin, operator):
        applied(browser, f"{HEADER}acme.example,,password\n")
        row = row_of(DOMAINS, name="acme.example")
        assert (row.policy, row.subdomains, row.rollout, row.verified) == (
            "password",
            True,
            20,
            True,
        )
        applied(browser, f"{HEADER}acme.example,acme-okta,optional\n")


@on_both
def test_a_plan_is_shown_anew_where_something_changed_since_it_was_looked_at(
    admin, services, row_of
):
    text = plan_of(admin, f"{HEADER}acme.example,,password\n")
    set_domain(services, rollout=7, policy="required")
    told = unescape(admin.post(PLAN, do="apply", seen=seen_of(text)).text)
    assert "Something changed while you looked at the plan" in told
    assert "<del>SSO required</del>" in told
    assert row_of(DOMAINS, name="acme.example").policy == "required"
    assert admin.post(PLAN, do="apply", seen=seen_of(told)).status_code == 303
    assert row_of(DOMAINS, name="acme.example").policy == "password"


def test_a_claim_that_another_company_proves_meanwhile_is_refused_at_the_apply(
    admin, services, world, number
):
    text = plan_of(admin, GOOD)
    with services.database.transaction() as connection:
        add_domain(connection, world.globex.id, "one.example", policy="password")
    told = unescape(admin.post(PLAN, do="apply", seen=seen_of(text)).text)
    assert "one.example has been proven by another company already" in told
    assert number() == 3


def test_applying_twice_is_no_error(admin):
    text = plan_of(admin, GOOD)
    assert admin.post(PLAN, do="apply", seen=seen_of(text)).status_code == 303
    second = admin.client.post(
        PLAN, data={"csrf_token": token_of(text), "do": "apply", "seen": seen_of(text)}
    )
    assert (second.status_code, second.location) == (303, UPLOAD)
    assert "The file is not kept any more" in admin.text(UPLOAD)


def token_of(text):
    return text.split('name="csrf_token" value="')[1].split('"')[0]


def test_an_upload_is_for_whoever_sent_it_and_for_an_hour(admin, operator, sign_in, world, clock):
    plan_of(admin, GOOD)
    assert operator.get(PLAN).location == UPLOAD
    clock.forward(minutes=59)
    assert "Apply 2 changes" in admin.text(PLAN)
    clock.forward(minutes=1)
    assert admin.get(PLAN).location in {UPLOAD, f"/login?next={PLAN.replace('/', '%2F')}"}


def test_what_is_sent_for_one_company_is_not_there_for_another(operator):
    plan_of(operator, GOOD)
    assert operator.get("/admin/tenants/globex/domains/upload/plan").status_code == 303
    assert operator.get(f"{ALL}/plan").status_code == 303


def test_a_file_can_be_forgotten(admin, row_of):
    plan_of(admin, GOOD)
    assert admin.post(PLAN, do="discard").status_code == 303
    assert row_of(UPLOADS) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        ("sep=;\r\n" + GOOD.replace(",", ";")).encode(),
        (GOOD + ",,\n,,\n").encode(),
        GOOD.replace("domain,", "Domain ,").encode(),
        b'policy,"domain",connection\noptional,"one.example",acme-okta\npassword,TWO.example,\n',
    ],
    ids=[
        "byte order mark",
        "Windows line ends",
        "old line ends",
        "semicolons",
        "tabs",
        "a word to Excel",
        "empty rows of a spreadsheet",
        "capitals in the header",
        "another order",
    ],
)
def test_what_spreadsheets_write_is_understood(admin, content):
    text = plan_of(admin, content)
    assert "one.example" in text
    assert "two.example" in text
    assert "Apply 2 changes" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf", "is missing"),
        (HEADER.encode(), "No row stands below the header"),
        (HEADER.encode() + b"m\xfcnchen.test,,password\n", "Is not UTF-8 text"),
        (GOOD.encode("utf-16"), "This is no CSV file"),
        (HEADER.encode() + b"one\0.example,,password\n", "This is no CSV file"),
        (b"PK\x03\x04" + b"x" * 100, "This is a workbook"),
        (HEADER.encode() + b"a" * 400_000, "no row is as long as that"),
        (HEADER.encode() + b'"one.example,,password\n', "A quotation mark is not closed"),
        (b"domain,conection,policy\n", "There is no column 'conection'; did you mean"),
        (b"domain,policy\n", "connection is missing"),
        (b"domain,domain,connection,policy\n", "The column stands twice"),
        (b"x" * 500, "There is no column"),
    ],
    ids=[
        "empty",
        "byte order mark alone",
        "header alone",
        "Latin-1",
        "UTF-16",
        "NUL",
        "workbook",
        "one long line",
        "open quotation",
        "misspelt column",
        "missing column",
        "column twice",
        "no header",
    ],
)
def test_a_hostile_file_gets_a_clear_word(admin, content, words, number):
    assert words in refused(admin, content)
    assert number() == 2


def test_the_line_that_is_no_text_is_named(admin):
    assert "Line 2" in refused(admin, HEADER.encode() + b"m\xfcnchen.test,,password\n")


def test_behind_a_pooler_that_lends_by_transaction_no_file_is_taken_and_it_is_said(
    admin, monkeypatch
):
    monkeypatch.setattr(pooler, "lending", lambda _: pooler.Lending.BY_TRANSACTION)
    assert "iles cannot be taken here as the portal is set up" in refused(admin, GOOD)


def test_a_file_has_bounds(admin, number):
    rows = "".join(f"d{n}.example,,password\n" for n in range(MOST_ROWS + 1))
    assert "more than 20,000 rows" in refused(admin, HEADER + rows)
    assert "larger than 2 MB" in send_much(admin, LARGEST + 1).text
    response = send_much(admin, 2 * LARGEST)
    assert (response.status_code, response.location) == (303, UPLOAD)
    assert "larger than 2 MB" in admin.text(UPLOAD)
    assert number() == 2


def send_much(browser, size):
    """Send a file as a browser does; the test client would leave one open."""
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    token = part.format("csrf_token", "") + token_of(browser.text(UPLOAD)) + "\r\n"
    head = token + part.format("file", '; filename="a.csv"')
    body = head.encode() + b"x" * size + b"\r\n--b--\r\n"
    return browser.client.post(UPLOAD, data=body, content_type="multipart/form-data; boundary=b")


def test_other_pages_take_no_more_than_a_form(admin):
    big = (io.BytesIO(b"x" * 100_000), "a.csv")
    response = admin.post("/admin/tenants/acme/domains/new", file=big)
    assert response.status_code == 413
    assert "That was too much" in response.text


def test_no_file_is_told_beside_the_field(admin):
    text = admin.post(UPLOAD).text
    assert '<p class="field-error" id="file-error">Choose a file.</p>' in text


def test_who_it_is_is_asked_before_the_file_is_chosen(admin, clock):
    clock.forward(minutes=20)
    asked = admin.text(UPLOAD)
    assert "Confirm it’s you" in asked
    assert admin.post(UPLOAD, confirm_password=PASSWORD).status_code == 303
    assert "Check the file" in admin.text(UPLOAD)


def test_a_later_prune_of_seeds_keeps_what_was_uploaded(admin, services, tmp_path, row_of):
    applied(admin, GOOD)
    (tmp_path / "acme.yaml").write_text("tenant: acme\nname: Acme\n")
    (tmp_path / "globex.yaml").write_text("tenant: globex\nname: Globex\n")
    apply(
        services.database,
        services.vault,
        services.passwords,
        read_folder(tmp_path),
        now=NOW,
        by="olu",
        environ={},
        prune=True,
    )
    assert row_of(DOMAINS, name="one.example") is not None


def test_an_address_is_tried_as_if_the_file_were_applied(admin, row_of):
    plan_of(admin, f"{HEADER}new.example,acme-okta,optional\nacme.example,,password\n")
    for address, words in (
        ("ann@new.example", "ann@new.example is sent to Okta"),
        ("ann@acme.example", "ann@acme.example signs in with a password"),
        ("eve@globex.example", "is not of a domain of your company"),
    ):
        text = unescape(admin.post(PLAN, **{"do": "try", "try": address}).text)
        assert words in text
    assert row_of(DOMAINS, name="new.example") is None


@on_both
def test_many_domains_are_many_rows_in_few_entries(admin, services, trail, clock):
    rows = "".join(f"d{n:05}.example,acme-okta,optional\n" for n in range(3000))
    text = plan_of(admin, HEADER + rows)
    assert "Apply 3,000 changes" in text
    assert "And 2,900 more" in text
    assert admin.post(PLAN, do="apply", seen=seen_of(text)).status_code == 303
    assert [e.detail["count"] for e in trail("registry:changed")] == [1000, 1000, 1000]
    with services.database.read() as connection:
        soon = DOMAIN_PROOFS.c.next_check_at <= clock() + 300 * (NOW - NOW)
        counted = select(func.count()).select_from(DOMAIN_PROOFS)
        assert connection.execute(counted).scalar_one() == 3000
        assert connection.execute(counted.where(soon)).scalar_one() == 1


@on_both
def test_the_list_goes_out_as_a_file_that_comes_in_without_a_change(admin, operator):
    applied(admin, GOOD)
    response = admin.get("/admin/tenants/acme/domains.csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="domains.csv"'
    assert response.text.splitlines() == [
        "tenant,domain,connection,policy",
        "acme,acme.example,acme-okta,optional",
        "acme,one.example,acme-okta,optional",
        "acme,two.example,,password",
    ]
    assert "Nothing to do" in plan_of(admin, response.text)
    every = operator.get("/admin/domains.csv").text
    assert "globex,globex.example,globex-okta,optional" in every
    assert admin.get("/admin/domains.csv").status_code == 403


def test_the_file_holds_what_the_list_shows(admin):
    applied(admin, GOOD)
    found = admin.text("/admin/tenants/acme/domains.csv?q=one&only=unproven")
    assert found.splitlines()[1:] == ["acme,one.example,acme-okta,optional"]

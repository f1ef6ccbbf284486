"""The audit trail: found by person, action, object and time, and taken along as a file."""

import csv
import io
import json
from datetime import timedelta

import pytest

from portal.core.counting import counted
from portal.store import audit
from tests.builders import NOW

TRAIL = "/admin/tenants/acme/audit"


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def entries(services, world):
    def entry(**values):
        defaults = {
            "at": NOW,
            "event": audit.Event.SIGN_IN_SSO,
            "outcome": "success",
            "actor": "ann@acme.example",
            "tenant_id": world.acme.id,
            "object": "connection acme-okta",
            "network": "203.0.113.7",
            "reference": "AAAA-2222",
        }
        return audit.Entry(**{**defaults, **values})

    found = [
        entry(),
        entry(actor="bob@acme.example", outcome="oidc_failed", reference="BBBB-3333"),
        entry(event=audit.Event.SIGN_IN_PASSWORD, object="", at=NOW - timedelta(days=3)),
        entry(
            event=audit.Event.REGISTRY_CHANGED,
            outcome="changed",
            actor="it@acme.example",
            object="domain acme/acme.example",
            detail={"fields": {"policy": ["optional", "required"], "rollout": [100, 40]}},
        ),
        entry(tenant_id=world.globex.id, actor="eve@globex.example"),
        entry(tenant_id=None, actor="=HYPERLINK(1)", detail={"cause": "unknown"}),
    ]
    with services.database.transaction() as connection:
        audit.record(connection, *found)


@pytest.mark.parametrize(
    ("query", "actors"),
    [
        ("", ["ann", "bob", "ann", "it"]),
        ("person=BOB", ["bob"]),
        ("event=sign_in:password", ["ann"]),
        ("outcome=failed", ["bob"]),
        ("outcome=changed", ["it"]),
        ("about=acme.example", ["it"]),
        ("reference=bbbb-3333", ["bob"]),
        ("until=2026-11-20", ["ann"]),
        ("since=2026-11-21&person=ann", ["ann"]),
        ("person=100%25", []),
    ],
)
def test_entries_are_found_by_person_action_object_and_time(admin, entries, query, actors):
    text = admin.text(f"{TRAIL}?{query}")
    lines = admin.text(f"{TRAIL}.jsonl?{query}").splitlines()
    assert sorted(json.loads(line)["actor"].split("@")[0] for line in lines) == sorted(actors)
    if actors:
        found = counted(len(actors), "entry", "entries")
        assert f"1 to {len(actors)} of {found}" in text
    else:
        assert "No entry fits" in text


@pytest.fixture
def many(services, world):
    """An entry about more domains than its line names."""
    names = [f"shop{number}.example" for number in range(200)]
    found = audit.Entry(
        at=NOW,
        event=audit.Event.REGISTRY_CHANGED,
        outcome="created",
        actor="ops@portal.example",
        tenant_id=world.acme.id,
        object="acme: 200 domains",
        detail={"count": 200, "domains": names},
    )
    with services.database.transaction() as connection:
        audit.record(connection, found)


@pytest.mark.parametrize("number", [0, 60, 199])
def test_each_of_many_domains_finds_the_entry_that_it_shares(admin, entries, many, number):
    text = admin.text(f"{TRAIL}?about=Shop{number}.example")
    assert "1 to 1 of 1 entry" in text
    assert f"<dd>shop{number}.example, " in text
    assert "and 180 more" in text
    assert "No entry fits" in admin.text(f"{TRAIL}?about=shop200.example")


def test_an_entry_of_another_company_is_found_by_none_of_its_domains(sign_in, world, many):
    assert "No entry fits" in sign_in(world.globex.admin).text(
        "/admin/tenants/globex/audit?about=shop60.example"
    )


def test_a_search_for_a_text_is_bounded_and_says_how_far_back_it_looked(
    admin, services, world, monkeypatch
):
    monkeypatch.setattr("portal.store.trail.LOOKED_THROUGH", 3)
    for days in range(5, 0, -1):
        entry = audit.Entry(
            at=NOW - timedelta(days=days),
            event=audit.Event.SIGN_IN_SSO,
            outcome="success",
            actor="ann@acme.example",
            tenant_id=world.acme.id,
        )
        with services.database.transaction() as connection:
            audit.record(connection, entry)
    text = admin.text(f"{TRAIL}?person=ann")
    assert "1 to 3 of 3 entries" in text
    assert "Looked through back to" in text
    assert "20 November 2026" in text.split("Looked through")[1].split("</p>")[0]
    assert "1 to 2 of 2 entries" in admin.text(f"{TRAIL}?person=ann&until=2026-11-19")
    assert len(admin.text(f"{TRAIL}.jsonl?person=ann").splitlines()) == 5
    assert "Looked through" not in admin.text(f"{TRAIL}?event=sign_in:sso")


def test_an_entry_shows_before_and_after(admin, entries):
    text = admin.text(f"{TRAIL}?outcome=changed")
    assert "<del>optional</del>" in text
    assert "<ins>required</ins>" in text
    assert "203.0.113.7" in text


def test_a_company_sees_its_own_entries_and_an_operator_all(admin, operator, entries):
    for path in (TRAIL, f"{TRAIL}.csv", f"{TRAIL}.jsonl"):
        assert "eve@globex.example" not in admin.text(path)
    for path in ("/admin/audit", "/admin/audit.csv", "/admin/audit.jsonl"):
        assert admin.get(path).status_code == 403
        assert "eve@globex.example" in operator.text(path)
        assert "HYPERLINK" in operator.text(path)


def test_a_spreadsheet_takes_nothing_for_a_formula(operator, entries):
    response = operator.get("/admin/audit.csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert {row["actor"] for row in rows if "HYPER" in row["actor"]} == {"'=HYPERLINK(1)"}
    changed = next(row for row in rows if row["outcome"] == "changed")
    assert json.loads(changed["detail"])["fields"]["rollout"] == [100, 40]


def test_a_long_trail_is_streamed_whole_and_shown_in_pages(services, world, admin):
    entry = audit.Entry(
        at=NOW,
        event=audit.Event.SIGN_OUT,
        outcome="success",
        actor="ann@acme.example",
        tenant_id=world.acme.id,
    )
    with services.database.transaction() as connection:
        audit.record(connection, *([entry] * 1234))
    assert len(admin.text(f"{TRAIL}.csv").splitlines()) == 1235
    response = admin.client.get(f"{TRAIL}.jsonl", buffered=False)
    assert response.is_streamed
    assert "51 to 100 of 1,234 entries" in admin.text(f"{TRAIL}?page=2")


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "9999-12-31", "0001-01-01"])
def test_a_day_that_is_none_is_said_beside_the_field(admin, entries, day):
    response = admin.get(f"{TRAIL}?until={day}")
    assert response.status_code == 200
    assert "Write a day as 2026-12-31." in response.text


def test_an_empty_trail_says_what_will_stand_there(admin):
    assert "Nothing has happened yet" in admin.text(TRAIL)

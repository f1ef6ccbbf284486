"""A tenant's people: roles, break-glass, sessions, and what nobody can take away by mistake."""

import pytest
from sqlalchemy import func, select, update

from portal.store.tables import DOMAINS, SESSIONS, USERS
from tests.admin.conftest import PASSWORD
from tests.builders import add_domain, add_tenant, add_user

PEOPLE = "/admin/tenants/acme/people"


@pytest.fixture
def second_admin(services, world):
    with services.database.transaction() as connection:
        return add_user(
            connection,
            "second@acme.example",
            world.acme.id,
            role="admin",
            password_hash=services.passwords.hash(PASSWORD),
        )


@pytest.fixture
def sessions_of(services):
    def sessions_of(user_id):
        query = select(func.count()).select_from(SESSIONS).where(SESSIONS.c.user_id == user_id)
        with services.database.read() as connection:
            return connection.execute(query).scalar_one()

    return sessions_of


def path_of(user_id):
    return f"{PEOPLE}/{user_id}"


def test_people_are_searched_by_name_and_address_and_filtered(services, world, admin):
    with services.database.transaction() as connection:
        add_user(connection, "zoe@acme.example", world.acme.id, name="Zoë Quartz", disabled=True)
        add_user(connection, "glass@acme.example", world.acme.id, sso_exempt=True)
    assert "1 to 4 of 4 people" in admin.text(PEOPLE)
    assert "Zoë Quartz" in admin.text(f"{PEOPLE}?q=quartz")
    assert "Zoë Quartz" not in admin.text(f"{PEOPLE}?q=ann@")
    for only, address in (
        ("admins", "it@acme.example"),
        ("break_glass", "glass@acme.example"),
        ("disabled", "zoe@acme.example"),
    ):
        text = admin.text(f"{PEOPLE}?only={only}")
        assert address in text
        assert "1 to 1 of 1 person" in text
    assert "globex" not in admin.text(PEOPLE)


def test_a_person_of_another_company_is_not_there(world, admin):
    assert admin.get(path_of(world.globex.member)).status_code == 404
    assert admin.get(path_of(world.operator)).status_code == 404
    assert admin.post(path_of(world.globex.member), do="disable", page=PEOPLE).status_code == 404


def test_a_role_is_given_and_taken_with_before_and_after_in_the_trail(admin, world, row_of, trail):
    path = path_of(world.acme.member)
    admin.post(path, do="make_admin")
    assert row_of(USERS, id=world.acme.member).role == "admin"
    entry = trail("registry:changed")[-1]
    assert entry.object == "user acme/ann@acme.example"
    assert entry.detail["fields"] == {"role": ["member", "admin"]}
    admin.post(path, do="make_member")
    assert row_of(USERS, id=world.acme.member).role == "member"


def test_switching_somebody_off_ends_their_sessions_at_once(
    admin, world, sign_in, row_of, sessions_of
):
    ann = sign_in(world.acme.member)
    assert ann.get("/dashboard").status_code == 200
    admin.post(path_of(world.acme.member), do="disable")
    assert row_of(USERS, id=world.acme.member).disabled
    assert sessions_of(world.acme.member) == 0
    assert ann.get("/dashboard").status_code == 302
    admin.post(path_of(world.acme.member), do="enable")
    assert not row_of(USERS, id=world.acme.member).disabled


@pytest.mark.parametrize("do", ["disable", "make_member"])
def test_the_last_admin_with_a_way_in_stays(operator, services, world, row_of, do):
    path = path_of(world.acme.admin)
    with services.database.transaction() as connection:
        add_user(connection, "never@acme.example", world.acme.id, role="admin")
        add_user(connection, "off@acme.example", world.acme.id, role="admin", disabled=True)
    operator.post(path, do=do)
    assert "This is the only admin with a way in." in operator.text(path)
    row = row_of(USERS, id=world.acme.admin)
    assert (row.role, row.disabled) == ("admin", False)


@pytest.mark.parametrize("do", ["disable", "make_member"])
def test_one_of_two_admins_may_go(operator, world, second_admin, row_of, do):
    operator.post(path_of(world.acme.admin), do=do)
    row = row_of(USERS, id=world.acme.admin)
    assert (row.role, row.disabled) != ("admin", False)


def test_two_admins_who_switch_each_other_off_at_once_do_not_both_succeed(
    services, world, second_admin
):
    from concurrent.futures import ThreadPoolExecutor

    from portal.core.registry import Account, Role
    from portal.flows.changes.tenant_edits import Actor, NotAllowed, Saved
    from portal.flows.editing.people_edits import set_disabled
    from portal.store import people
    from portal.store.tenant_items import TenantRef

    who = Actor(Account(0, "ops@portal.example", "", Role.OPERATOR, None))
    with services.database.read() as connection:
        both = [
            people.person(connection, world.acme.id, number)
            for number in (world.acme.admin, second_admin)
        ]
    ref = TenantRef(world.acme.id, "acme")
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda one: set_disabled(services, who, ref, one, disabled=True), both)
        )
    assert sorted(type(one).__name__ for one in found) == [NotAllowed.__name__, Saved.__name__]


@pytest.mark.parametrize(
    ("do", "words"),
    [("disable", "switch off your own account"), ("make_member", "give up your own right")],
)
def test_taking_away_ones_own_way_in_is_asked_twice(admin, world, second_admin, row_of, do, words):
    path = path_of(world.acme.admin)
    asked = admin.post(path, do=do)
    assert words in asked.text
    row = row_of(USERS, id=world.acme.admin)
    assert (row.role, row.disabled) == ("admin", False)
    admin.post(path, do=do, sure="yes")
    row = row_of(USERS, id=world.acme.admin)
    assert (row.role, row.disabled) != ("admin", False)


def test_break_glass_needs_a_reason_which_is_kept(admin, world, row_of, trail):
    path = path_of(world.acme.member)
    assert "Say why" in admin.post(path, do="mark").text
    assert not row_of(USERS, id=world.acme.member).sso_exempt
    admin.post(path, do="mark", reason="On call at night")
    assert row_of(USERS, id=world.acme.member).sso_exempt
    assert trail("registry:changed")[-1].detail["note"] == "On call at night"
    admin.post(path, do="unmark")
    assert not row_of(USERS, id=world.acme.member).sso_exempt


def test_sessions_are_shown_and_ended_one_by_one_or_all(admin, world, sign_in, sessions_of, trail):
    path = path_of(world.acme.member)
    first, second = sign_in(world.acme.member), sign_in(world.acme.member)
    text = admin.text(path)
    assert text.count("Firefox on Linux") >= 2
    public_id = text.split('name="session" value="')[1].split('"')[0]
    admin.post(path, do="sign_out", session=public_id)
    assert sessions_of(world.acme.member) == 1
    assert sorted(b.get("/dashboard").status_code for b in (first, second)) == [200, 302]
    admin.post(path, do="sign_out_all")
    assert sessions_of(world.acme.member) == 0
    assert [e.actor for e in trail("session:revoked")] == ["it@acme.example"] * 2


def test_a_session_of_somebody_else_is_not_ended_through_a_person(
    admin, world, sign_in, services, sessions_of
):
    sign_in(world.globex.member)
    with services.database.read() as connection:
        query = select(SESSIONS.c.public_id).where(SESSIONS.c.user_id == world.globex.member)
        public_id = connection.execute(query).scalar_one()
    admin.post(path_of(world.acme.member), do="sign_out", session=public_id)
    assert sessions_of(world.globex.member) == 1


def test_a_new_person_is_added_with_a_password_that_works(admin, app, services, row_of, trail):
    fields = {"email": "New.One@acme.example", "name": "New One", "role": "admin"}
    response = admin.post(f"{PEOPLE}/new", **fields, new_password="correct horse battery")
    row = row_of(USERS, email_key="new.one@acme.example")
    assert (response.status_code, response.location) == (303, path_of(row.id))
    assert row.role == "admin"
    assert services.passwords.verify(row.password_hash, "correct horse battery")
    assert "correct horse battery" not in str([e.detail for e in trail()])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "nobody"}, "has one @"),
        ({"email": "it@acme.example"}, "in the list already"),
        ({"email": "ops@acme.example"}, "cannot be added here"),
        ({"email": "ann@globex.example"}, "no domain that your company has proven"),
        ({"email": "unknown@globex.example"}, "no domain that your company has proven"),
        ({"email": "unknown@nobodys.example"}, "no domain that your company has proven"),
        ({"email": "unknown@claimed.example"}, "no domain that your company has proven"),
        ({"email": "unknown@eu.acme.example"}, "no domain that your company has proven"),
        ({"role": "operator"}, "The role must be"),
        ({"new_password": "short"}, "at least 15 characters"),
    ],
)
def test_what_is_wrong_with_a_new_person_stands_beside_its_field(
    admin, services, world, row_of, fields, words
):
    with services.database.transaction() as connection:
        add_domain(connection, world.acme.id, "claimed.example", verified=False)
        add_user(connection, "ops@acme.example")
    values = {"email": "x@acme.example", "name": "X", "role": "member", **fields}
    text = admin.post(f"{PEOPLE}/new", **values).text
    assert words in text
    assert row_of(USERS, email_key="x@acme.example") is None
    assert row_of(USERS, email_key="unknown@globex.example") is None


def test_an_account_elsewhere_is_not_told_from_an_address_that_nobody_has(services, admin):
    with services.database.transaction() as connection:
        add_user(connection, "known@nowhere.example", add_tenant(connection, "other"))

    def answer(name: str) -> str:
        fields = {"email": f"{name}@nowhere.example", "name": "K", "role": "member"}
        return admin.post(f"{PEOPLE}/new", **fields).text.replace(name, "")

    assert answer("known") == answer("nobody")


def test_an_operator_adds_an_address_of_any_domain(operator, row_of):
    for email in ("fire@outside.example", "guest@globex.example"):
        fields = {"email": email, "name": "Guest", "role": "admin"}
        assert operator.post(f"{PEOPLE}/new", **fields).status_code == 303
        assert row_of(USERS, email_key=email).role == "admin"


def test_a_new_password_ends_the_persons_sessions(admin, world, sign_in, services, row_of):
    ann = sign_in(world.acme.member)
    path = path_of(world.acme.member)
    assert "at least 15" in admin.post(path, do="password", new_password="short").text
    admin.post(path, do="password", new_password="correct horse battery")
    row = row_of(USERS, id=world.acme.member)
    assert services.passwords.verify(row.password_hash, "correct horse battery")
    assert ann.get("/dashboard").status_code == 302


def test_an_admin_by_a_group_at_the_provider_is_shown_as_such(services, world, admin):
    with services.database.transaction() as connection:
        connection.execute(
            update(USERS).where(USERS.c.id == world.acme.member).values(group_role="admin")
        )
    assert "admin by a group at the provider" in admin.text(path_of(world.acme.member))


@pytest.mark.parametrize("do", ["unmark", "disable"])
def test_the_last_break_glass_person_of_a_required_domain_is_asked_about(
    operator, services, world, second_admin, row_of, do
):
    path = path_of(world.acme.admin)
    with services.database.transaction() as connection:
        connection.execute(
            update(USERS).where(USERS.c.id == world.acme.admin).values(sso_exempt=True)
        )
        connection.execute(update(DOMAINS).values(policy="required"))
    asked = operator.post(path, do=do).text
    assert "This is the only break-glass person." in asked
    row = row_of(USERS, id=world.acme.admin)
    assert (row.sso_exempt, row.disabled) == (True, False)
    operator.post(path, do=do, sure="yes")
    row = row_of(USERS, id=world.acme.admin)
    assert (row.sso_exempt, row.disabled) != (True, False)


def test_operator_gives_free_an_address_that_another_company_has_proven(
    operator, admin, services, world, row_of, trail
):
    with services.database.transaction() as connection:
        squatted = add_user(connection, "ceo@globex.example", world.acme.id)
    path, words = path_of(squatted), "Give the address free"
    assert words not in admin.text(path)
    admin.post(path, do="give_free", sure="yes")
    assert words not in operator.text(path_of(world.acme.member))
    operator.post(path_of(world.acme.member), do="give_free", sure="yes")
    assert row_of(USERS, id=squatted)
    assert row_of(USERS, id=world.acme.member)
    assert words in operator.text(path)
    assert "is removed here" in operator.post(path, do="give_free").text
    assert row_of(USERS, id=squatted) is not None
    assert operator.post(path, do="give_free", sure="yes").location == PEOPLE
    assert row_of(USERS, id=squatted) is None
    removed = trail("registry:changed")[-1]
    assert (removed.outcome, removed.object) == ("removed", "user acme/ceo@globex.example")

"""The sign-in page in each of its states, and the chooser."""

from dataclasses import replace

import pytest

from portal.web.pages import ChoosePage, SignInPage, Tone
from tests.web.markup import ROOT, show, sign_in
from tests.web.specimens import CONNECTIONS, ERROR

SCRIPT = (ROOT / "portal/static/portal.js").read_text()


def test_sign_in_page_shows_address_and_password_by_default():
    form = sign_in().one("form", action="/auth/login")
    email, password = form.one("input", name="email"), form.one("input", name="password")
    assert email.attrs["type"] == "email"
    assert email.attrs["autocomplete"] == "username"
    assert email.attrs["inputmode"] == "email"
    assert email.attrs["autocapitalize"] == "none"
    assert email.attrs["spellcheck"] == "false"
    assert "autofocus" in email.attrs
    assert password.attrs["type"] == "password"
    assert password.attrs["autocomplete"] == "current-password"
    assert not {"required", "disabled", "autofocus"} & set(password.attrs)
    assert "hidden" not in form.one(id="password-field").attrs
    assert form.one("input", name="is_sso").attrs["value"] == "false"


def test_enter_signs_in_because_the_toggle_stands_behind_the_main_button():
    submits = sign_in().all("button", type="submit")
    assert [button.text for button in submits] == ["Sign in", "Sign in with SSO"]
    assert "name" not in submits[0].attrs
    assert submits[1].attrs["name"] == "toggle"
    assert submits[1].attrs["value"] == "sso"
    assert "formnovalidate" in submits[1].attrs


def test_sso_mode_hides_the_password_and_sends_none():
    document = sign_in(email="jane@acme.example", sso=True)
    assert "hidden" in document.one(id="password-field").attrs
    assert "disabled" in document.one("input", name="password").attrs
    assert document.one("input", name="is_sso").attrs["value"] == "true"
    assert document.one("input", name="email").attrs["value"] == "jane@acme.example"
    texts = [button.text for button in document.all("button", type="submit")]
    assert texts == ["Continue with SSO", "Back to Password Login"]
    assert document.one(id="toggle").attrs["value"] == "password"


def test_script_and_template_use_the_same_words():
    for words in ("Sign in", "Continue with SSO", "Sign in with SSO", "Back to Password Login"):
        assert f'"{words}"' in SCRIPT
    route = sign_in(sso=True).one(id="route")
    assert route.text == route.attrs["data-sso"]


def test_word_on_the_route_is_a_live_region_that_starts_empty():
    route = sign_in().one(id="route")
    assert route.attrs["role"] == "status"
    assert route.inside == []


def test_asked_for_the_password_the_cursor_is_in_it_and_the_script_leaves_it():
    document = sign_in(email="it@acme.example", ask_password=True, password_note="As agreed.")
    password = document.one("input", name="password")
    assert "autofocus" in password.attrs
    assert "autofocus" not in document.one("input", name="email").attrs
    assert document.one(id=password.attrs["aria-describedby"]).text == "As agreed."
    assert "data-asked" in document.one("form").attrs


def test_refused_address_is_named_at_its_field_and_in_the_title():
    document = sign_in(email="jane@@acme", email_error="One @ only.")
    email = document.one("input", name="email")
    assert email.attrs["aria-invalid"] == "true"
    assert email.attrs["value"] == "jane@@acme"
    assert document.one(id=email.attrs["aria-describedby"]).text == "One @ only."
    assert document.one("title").text == "Error: Sign in · Portal"


def test_sound_address_is_not_called_invalid():
    email = sign_in(email="jane@acme.example").one("input", name="email")
    assert not {"aria-invalid", "aria-describedby"} & set(email.attrs)


@pytest.mark.parametrize(("tone", "role"), [(Tone.ERROR, "alert"), (Tone.WARNING, "status")])
def test_notice_is_announced_with_its_reference_and_way_on(tone, role):
    notice = sign_in(notice=replace(ERROR, tone=tone)).one("div", role=role)
    said = [paragraph.text for paragraph in notice.all("p")]
    assert said == ["That did not work", "Try again.", "Start again", "Reference: 4F7K-92QX"]
    assert notice.one("a").attrs["href"] == "/login"


def test_title_says_error_for_errors_alone():
    warning = sign_in(notice=replace(ERROR, tone=Tone.WARNING))
    assert warning.one("title").text == "Sign in · Portal"
    assert sign_in(notice=ERROR).one("title").text == "Error: Sign in · Portal"


def test_tenant_page_has_its_name_and_a_button_for_each_connection():
    document = sign_in(
        tenant="Globex", connections=CONNECTIONS, email="jane@globex.example", next="/admin/"
    )
    assert document.one("h1").text == "Sign in to Globex"
    assert document.one("title").text == "Sign in to Globex · Portal"
    first, second, main = document.all("form", action="/auth/login")
    assert first.one("button").text == "Continue with Globex Okta"
    assert second.one("button").text == "Continue with Globex Entra ID"
    assert second.one("input", name="connection").attrs["value"] == "entra"
    for form in (first, second, main):
        assert form.one("input", name="email").attrs["value"] == "jane@globex.example"
        assert form.one("input", name="next").attrs["value"] == "/admin/"


def test_somebody_signed_in_already_is_led_on_to_where_they_were_going():
    notice = sign_in(signed_in_as="it@acme.example", next="/admin/").one("div", role="status")
    assert "it@acme.example" in notice.text
    assert [link.attrs["href"] for link in notice.all("a")] == ["/admin/", "/auth/logout"]
    assert SignInPage(signed_in_as="it@acme.example").onward == "/dashboard"


def test_chooser_posts_connection_address_and_next():
    page = ChoosePage(
        email="jane@globex.example",
        connections=CONNECTIONS,
        next="/admin/?a=1&b=2",
        tenant="Globex",
    )
    document = show("login/choose.html", page)
    assert document.one("h1").text == "Choose how to sign in"
    assert "jane@globex.example" in document.one("main").text
    forms = document.all("form", action="/auth/login")
    for form, connection in zip(forms, CONNECTIONS, strict=True):
        fields = {i.attrs["name"]: i.attrs["value"] for i in form.all("input")}
        assert fields == {
            "csrf_token": "token",
            "connection": connection.id,
            "email": "jane@globex.example",
            "next": "/admin/?a=1&b=2",
        }
    assert document.all("a")[-1].attrs["href"] == "/login?next=%2Fadmin%2F%3Fa%3D1%26b%3D2"

"""What holds for every page, whatever it shows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.pages import (
    Choice,
    ChoosePage,
    ErrorPage,
    Link,
    Method,
    Notice,
    SignedOutPage,
    SignOutPage,
    Tone,
    Viewer,
)
from tests.web.markup import TEMPLATES, Element, show, sign_in
from tests.web.specimens import DASHBOARD, PAGES

every_page = pytest.mark.parametrize(("template", "model"), PAGES.values(), ids=PAGES)


def test_every_template_of_a_page_is_rendered_here():
    files = {f"{path.parent.name}/{path.name}" for path in TEMPLATES.glob("*/*.html")}
    own = {name for name in files if name.split("/")[0] in {"login", "account", "errors"}}
    assert own == {template for template, _ in PAGES.values()}


@every_page
def test_page_has_a_title_one_heading_and_one_main(template, model):
    document = show(template, model)
    assert document.one("html").attrs["lang"] == "en"
    assert document.one("title").text.endswith(" · Portal")
    assert document.one("h1").text
    assert document.one("main")


@every_page
def test_page_runs_under_a_policy_without_inline_script_or_style(template, model):
    document = show(template, model)
    assert not document.all("style")
    assert [script.text for script in document.all("script")] == [""]
    for element in document.all():
        assert "style" not in element.attrs
        assert not [name for name in element.attrs if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert element.attrs.get(name, "/")[0] in "/#", "nothing from elsewhere"


@every_page
def test_page_refers_only_to_ids_it_has(template, model):
    document = show(template, model)
    ids = [element.attrs["id"] for element in document.all() if "id" in element.attrs]
    assert len(ids) == len(set(ids))
    for element in document.all():
        for name in ("for", "aria-describedby", "aria-controls", "aria-labelledby"):
            assert element.attrs.get(name) in {None, *ids}


@every_page
def test_page_labels_every_field_and_names_every_button(template, model):
    document = show(template, model)
    labels = {label.attrs["for"]: label.text for label in document.all("label")}
    for element in document.all("input"):
        assert element.attrs["type"] == "hidden" or labels[element.attrs["id"]]
    assert all(button.text and button.attrs["type"] for button in document.all("button"))


@every_page
def test_every_form_posts_with_exactly_one_token(template, model):
    for form in show(template, model).all("form"):
        assert form.attrs["method"] == "post"
        assert form.one("input", name="csrf_token").attrs["value"] == "token"


def shape(element):
    return [
        (part.tag, tuple(part.attrs), shape(part))
        for part in element.inside
        if isinstance(part, Element)
    ]


HOSTILE = st.one_of(
    st.sampled_from(
        ['"><script>alert(1)</script>', "' onfocus=alert(1) x='", "{{ 7*7 }}", "</title><img>"]
    ),
    st.text(min_size=1),
)


@given(text=HOSTILE)
def test_no_text_from_outside_changes_what_the_pages_are_made_of(text):
    def pages(words):
        notice = Notice(
            tone=Tone.INFO, title=words, text=words, reference=words, link=Link(words, words)
        )
        choices = (Choice(words, words),)
        (here, _) = DASHBOARD.sessions
        row = replace(here, id=words, agent=words, network=words, method=Method(words, words))
        return [
            sign_in(
                email=words,
                next=words,
                email_error=words,
                password_note=words,
                notice=notice,
                banner=words,
                signed_in_as=words,
                tenant=words,
                connections=choices,
            ),
            show(
                "login/choose.html",
                ChoosePage(email=words, connections=choices, next=words, tenant=words),
            ),
            show(
                "account/dashboard.html",
                replace(
                    DASHBOARD,
                    viewer=Viewer(words, words),
                    tenant=words,
                    role=words,
                    method=Method(words, words),
                    sessions=(row,),
                    notice=notice,
                ),
            ),
            show("account/sign_out.html", SignOutPage(email=words, provider=words)),
            show("account/signed_out.html", SignedOutPage(note=words)),
            show(
                "errors/page.html",
                ErrorPage(status=400, title=words, text=words, reference=words),
            ),
        ]

    shown = pages(text)
    assert [shape(page) for page in shown] == [shape(page) for page in pages("plain")]
    assert shown[0].all("input", name="email")[-1].attrs["value"] == text

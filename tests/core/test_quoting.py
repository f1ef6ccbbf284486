"""Percent-encoding: what `urllib` reads again, and no letter more than it writes."""

from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.quoting import form, quoted

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(ANY)
def test_any_text_is_quoted_as_pythons_own_does(text: str):
    assert quoted(text) == quote(text, safe="")


@given(st.dictionaries(ANY, ANY, max_size=4))
def test_any_form_is_read_as_it_was_meant(values: dict[str, str]):
    assert parse_qsl(form(values), keep_blank_values=True) == list(values.items())


def test_half_a_character_is_refused():
    with pytest.raises(UnicodeEncodeError):
        quoted("\ud800")

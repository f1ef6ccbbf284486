"""base64url as the RFCs have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.base64url import base64url, from_base64url


def test_example_of_the_rfc():
    assert base64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"  # RFC 7636, appendix A


@given(st.binary(max_size=50))
def test_any_bytes_come_back_and_need_no_escaping(raw: bytes):
    letters = base64url(raw)
    assert from_base64url(letters) == raw
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in letters)


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "AB+/", "AB/_", "AA==", "AA=", "A A", "AA\n", "A!BC", "Ä", "\0"]
)
def test_other_characters_and_lengths_are_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - in Python's words
        from_base64url(text)

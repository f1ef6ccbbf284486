"""base64url as the RFCs have it."""

from base64 import urlsafe_b64decode

from hypothesis import given
from hypothesis import strategies as st

from portal.core.base64url import base64url


def test_example_of_the_rfc():
    assert base64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"  # RFC 7636, appendix A


@given(st.binary(max_size=50))
def test_any_bytes_come_back_and_need_no_escaping(raw: bytes):
    letters = base64url(raw)
    assert urlsafe_b64decode(letters + "=" * (-len(letters) % 4)) == raw
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in letters)

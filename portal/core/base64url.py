"""Bytes as letters that need no escaping in URLs and cookies (RFC 4648, 5), without padding."""

from binascii import a2b_base64, b2a_base64

_LETTERS = bytes.maketrans(b"+/", b"-_")
_BACK = bytes.maketrans(b"-_+/=", b"+/!!!")  # what is not of this alphabet is of none


def base64url(raw: bytes) -> str:
    """Give base64url (RFC 7636, appendix A)."""
    return b2a_base64(raw, newline=False).translate(_LETTERS).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Give the bytes again. Raises ValueError for any other spelling of them (RFC 7515, 2)."""
    letters = text.encode("ascii").translate(_BACK)
    raw = a2b_base64(letters + b"=" * (-len(letters) % 4), strict_mode=True)
    if base64url(raw) != text:  # the last letter may have bits to spare (RFC 4648, 3.5)
        raise ValueError("the last letter is another than it should be")
    return raw

"""Bytes as letters that need no escaping in URLs and cookies."""

from binascii import b2a_base64

_LETTERS = bytes.maketrans(b"+/", b"-_")


def base64url(raw: bytes) -> str:
    """Give base64url without padding (RFC 4648, 5; RFC 7636, appendix A)."""
    return b2a_base64(raw, newline=False).translate(_LETTERS).rstrip(b"=").decode("ascii")

"""Where a person may be sent after signing in: only ever into the portal itself."""

import re
from typing import NewType
from urllib.parse import urlsplit

SafePath = NewType("SafePath", str)
"""A path of this portal that may stand in a Location header; made by `safe_path` alone."""

HOME = SafePath("/dashboard")
_LONGEST = 2000
# Browsers drop tabs and newlines, read `\` as `/`, and trim control characters and spaces.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ufeff]")
_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:0[0-9a-f]|1[0-9a-f]|2f|5c|7f)", re.IGNORECASE)
_NOT_A_PLACE = ("/auth/", "/login/")


def safe_path(raw: str | None, *, base_url: str = "") -> SafePath | None:
    """Give `raw` as a path of this portal, or None where it could lead anywhere else.

    An absolute URL is taken only when its origin is exactly `base_url`'s. The path must begin with
    one slash, hold no backslash, control character, escaped slash or dot segment, and not name the
    sign-in pages themselves (a sign-in must end, not begin again).
    """
    if not raw or len(raw) > _LONGEST or _FORBIDDEN.search(raw) or not raw.isascii():
        return None
    path = raw
    if base_url and raw.startswith(base_url + "/"):
        path = raw[len(base_url) :]
    if not path.startswith("/") or path.startswith("//"):
        return None
    try:
        parts = urlsplit(path)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or "//" in parts.path or _ESCAPED.search(parts.path):
        return None
    if any(segment in {".", ".."} for segment in parts.path.lower().replace("%2e", ".").split("/")):
        return None
    if parts.path == "/login" or parts.path.startswith(_NOT_A_PLACE):
        return None
    return SafePath(path)
